// Prices as shops write them, to hundredths and an ISO 4217 code. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bourse::crawler {

struct Price {
  std::int64_t cents = 0;
  std::string currency;  // "" when the text names none
};

// "1.234,50 €", "£1,234.50", "CHF 1'234.50", "1,234円", "12.9", "1234". Nothing when the text has
// no number, or one that no price is (negative, beyond ten thousand million).
std::optional<Price> parse_price(std::string_view text);

}  // namespace bourse::crawler
