#include "examples/crawler/work/work.hpp"

#include <array>

namespace bourse::crawler {

const char* name_of(Outcome outcome) {
  static constexpr std::array<const char*, kOutcomes> kNames = {
      "ok",   "redirect", "gone",      "refused",   "throttled",    "server_error",  "timeout",
      "dns",  "connect",  "truncated", "too_large", "bad_encoding", "redirect_loop", "disallowed",
      "trap", "budget",   "not_sent",  "lost",      "bad_page",     "too_slow"};
  const auto index = static_cast<std::size_t>(outcome);
  return index < kNames.size() ? kNames[index] : "unknown";
}

const char* name_of(Stock stock) {
  switch (stock) {
    case Stock::in_stock:
      return "in_stock";
    case Stock::out_of_stock:
      return "out_of_stock";
    case Stock::preorder:
      return "preorder";
    case Stock::unknown:
      break;
  }
  return "unknown";
}

Stock stock_of(std::string_view name) {
  if (name == "in_stock") return Stock::in_stock;
  if (name == "out_of_stock") return Stock::out_of_stock;
  if (name == "preorder") return Stock::preorder;
  return Stock::unknown;
}

}  // namespace bourse::crawler
