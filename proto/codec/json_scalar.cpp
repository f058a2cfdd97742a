#include "proto/codec/json_scalar.hpp"

#include <array>

#include "proto/codec/text_check.hpp"

namespace bourse::codec {

std::string shown_json(const element& value) {
  switch (value.type()) {
    case element_type::STRING:
      return shown(std::string_view(value.get_string().value_unsafe()));
    case element_type::ARRAY:
      return "an array";
    case element_type::OBJECT:
      return "an object";
    default:
      return simdjson::minify(value);
  }
}

bool decode_base64(std::string_view text, std::string& out) {
  static constexpr std::array<signed char, 256> kValues = [] {
    std::array<signed char, 256> table{};
    for (auto& entry : table) entry = -1;
    constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (int i = 0; i < 64; ++i) {
      table[static_cast<unsigned char>(kDigits[i])] = static_cast<signed char>(i);
    }
    return table;
  }();
  if (text.size() % 4 == 0) {
    if (text.size() >= 4 && text.back() == '=') text.remove_suffix(1);
    if (text.size() >= 3 && text.size() % 4 == 3 && text.back() == '=') text.remove_suffix(1);
  }
  if (text.size() % 4 == 1) return false;
  out.clear();
  out.reserve(text.size() / 4 * 3 + 2);
  unsigned word = 0;
  int bits = 0;
  for (const char c : text) {
    const signed char value = kValues[static_cast<unsigned char>(c)];
    if (value < 0) return false;
    word = (word << 6 | static_cast<unsigned>(value)) & 0xffffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out.push_back(static_cast<char>(word >> bits & 0xff));
    }
  }
  return (word & ((1u << bits) - 1)) == 0;  // leftover bits must be zero
}

std::optional<double> read_double(const element& value) {
  switch (value.type()) {
    case element_type::INT64:
      return static_cast<double>(value.get_int64().value_unsafe());
    case element_type::UINT64:
      return static_cast<double>(value.get_uint64().value_unsafe());
    case element_type::DOUBLE:
      return value.get_double().value_unsafe();
    case element_type::STRING: {
      const std::string_view text = value.get_string().value_unsafe();
      if (text == "Infinity") return std::numeric_limits<double>::infinity();
      if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
      double number = 0;
      const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
      if (end.ec != std::errc() || end.ptr != text.data() + text.size()) return std::nullopt;
      if (!std::isfinite(number)) return std::nullopt;
      return number;
    }
    default:
      return std::nullopt;
  }
}

std::optional<bool> read_bool(const element& value) {
  if (value.type() == element_type::BOOL) return value.get_bool().value_unsafe();
  if (value.type() != element_type::STRING) return std::nullopt;
  const std::string_view text = value.get_string().value_unsafe();
  if (text == "true") return true;
  if (text == "false") return false;
  return std::nullopt;
}

}  // namespace bourse::codec
