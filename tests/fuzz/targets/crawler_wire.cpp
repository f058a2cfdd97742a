// What the crawler's workers send one another and its scheduler, and what an operator tells it.
#include "examples/crawler/scheduler/operation.hpp"
#include "examples/crawler/wire/messages.hpp"
#include "fuzz.hpp"

using namespace bourse::crawler;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = fuzz::text(data, size);
  (void)parse_operation(input);
  const auto message = decode_stage_message(input);
  if (!message) return 0;
  const auto bytes = [](const StageMessage& one) {
    return std::visit([](const auto& body) { return encode(body); }, one);
  };
  const std::string once = bytes(*message);
  const auto again = decode_stage_message(once);
  fuzz::must(again.ok());
  fuzz::must(bytes(*again) == once);
  return 0;
}
