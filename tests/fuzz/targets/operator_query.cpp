#include "fuzz.hpp"
#include "master/view/query.hpp"

using namespace bourse::master;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text(data, size);
  if (const auto queries = parse_queries(text)) {
    fuzz::must(!queries->tasks.limit ||
               (*queries->tasks.limit > 0 && *queries->tasks.limit <= 1000));
  }
  if (const auto cursor = parse_cursor(text)) fuzz::must(parse_cursor(cursor_text(*cursor)).ok());
  return 0;
}
