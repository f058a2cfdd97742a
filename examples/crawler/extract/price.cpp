#include "examples/crawler/extract/price.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace bourse::crawler {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kSigns = {{
    {"€", "EUR"},
    {"£", "GBP"},
    {"円", "JPY"},
    {"¥", "JPY"},
    {"CHF", "CHF"},
    {"EUR", "EUR"},
    {"GBP", "GBP"},
    {"JPY", "JPY"},
    {"USD", "USD"},
    {"US$", "USD"},
    {"$", "USD"},
}};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

}  // namespace

std::optional<Price> parse_price(std::string_view text) {
  Price price;
  for (const auto& [sign, code] : kSigns) {
    if (text.find(sign) != std::string_view::npos) {
      price.currency = code;
      break;
    }
  }
  const auto first = std::find_if(text.begin(), text.end(), is_digit);
  if (first == text.end()) return std::nullopt;
  if (first != text.begin() && *(first - 1) == '-') return std::nullopt;
  std::size_t begin = static_cast<std::size_t>(first - text.begin());
  std::size_t end = begin;
  while (end < text.size() &&
         (is_digit(text[end]) || text[end] == '.' || text[end] == ',' || text[end] == '\'')) {
    ++end;
  }
  while (end > begin && !is_digit(text[end - 1])) --end;
  const std::string_view number = text.substr(begin, end - begin);
  // The last separator is a decimal one when one or two digits follow it, or when it is a point
  // with no other mark around and not exactly three digits ("12.900" is twelve thousand).
  const std::size_t mark = number.find_last_of(".,");
  const std::size_t after = mark == std::string_view::npos ? 0 : number.size() - mark - 1;
  const bool decimal = mark != std::string_view::npos && after != 3;
  std::int64_t whole = 0;
  std::int64_t fraction = 0;
  int fraction_digits = 0;
  for (std::size_t i = 0; i < number.size(); ++i) {
    if (!is_digit(number[i])) continue;
    if (decimal && i > mark) {
      if (fraction_digits++ < 2) fraction = fraction * 10 + (number[i] - '0');
    } else {
      whole = whole * 10 + (number[i] - '0');
      if (whole > 10'000'000'000) return std::nullopt;
    }
  }
  if (fraction_digits == 1) fraction *= 10;
  price.cents = whole * 100 + fraction;
  return price;
}

}  // namespace bourse::crawler
