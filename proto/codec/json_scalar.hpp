// Single JSON values as C++ ones, with what this dialect forgives: numbers and booleans inside
// strings, whole numbers written with a fraction of zero. Private to the codec; pure.
#pragma once

#include <simdjson.h>

#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace bourse::codec {

using simdjson::dom::element;
using simdjson::dom::element_type;

// A value for an error text.
std::string shown_json(const element& value);
// Standard alphabet, padding optional, no stray bits.
bool decode_base64(std::string_view text, std::string& out);
std::optional<double> read_double(const element& value);
std::optional<bool> read_bool(const element& value);

// A whole number out of a number or a string that holds one.
template <typename Int>
std::optional<Int> read_integer(const element& value) {
  switch (value.type()) {
    case element_type::INT64: {
      const std::int64_t number = value.get_int64().value_unsafe();
      if (!std::in_range<Int>(number)) return std::nullopt;
      return static_cast<Int>(number);
    }
    case element_type::UINT64: {
      const std::uint64_t number = value.get_uint64().value_unsafe();
      if (!std::in_range<Int>(number)) return std::nullopt;
      return static_cast<Int>(number);
    }
    case element_type::DOUBLE: {
      const double number = value.get_double().value_unsafe();
      // 2^63 and beyond would not survive the conversion below.
      if (number != std::floor(number) || std::fabs(number) >= 9.2e18) return std::nullopt;
      const auto whole = static_cast<std::int64_t>(number);
      if (!std::in_range<Int>(whole)) return std::nullopt;
      return static_cast<Int>(whole);
    }
    case element_type::STRING: {
      const std::string_view text = value.get_string().value_unsafe();
      Int number{};
      const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
      if (end.ec != std::errc() || end.ptr != text.data() + text.size()) return std::nullopt;
      return number;
    }
    default:
      return std::nullopt;
  }
}

}  // namespace bourse::codec
