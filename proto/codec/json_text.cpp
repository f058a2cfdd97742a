#include "proto/codec/json_text.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "proto/codec/quantity.hpp"
#include "proto/codec/text_check.hpp"

namespace bourse::codec {

namespace {

// For each byte: 0 when it stands for itself, 'u' for \u00XX, '8' when UTF-8 must be checked, else
// the letter after the backslash.
constexpr std::array<char, 256> make_escapes() {
  std::array<char, 256> table{};
  for (std::size_t c = 0; c < 0x20; ++c) table[c] = 'u';
  for (std::size_t c = 0x80; c < 0x100; ++c) table[c] = '8';
  table['"'] = '"';
  table['\\'] = '\\';
  table['\b'] = 'b';
  table['\f'] = 'f';
  table['\n'] = 'n';
  table['\r'] = 'r';
  table['\t'] = 't';
  return table;
}
constexpr std::array<char, 256> kEscapes = make_escapes();

}  // namespace

void JsonText::grow(std::size_t more) {
  // Twice what was written here; what stood before may be much, and is not to be paid for again.
  out_.resize(size_ + std::max(more, size_ - begin_));
}

void JsonText::careful(std::string_view text) {
  put('"');
  std::size_t done = 0;
  std::string checked;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const char escape = kEscapes[c];
    if (escape == 0) continue;
    raw(text.substr(done, i - done));
    if (escape == '8') {
      // A run of bytes above 127, checked as a whole.
      std::size_t end = i;
      while (end < text.size() && static_cast<unsigned char>(text[end]) >= 0x80) ++end;
      checked.clear();
      append_as_utf8(text.substr(i, end - i), checked);
      raw(checked);
      i = end - 1;
    } else if (escape == 'u') {
      constexpr char kHex[] = "0123456789abcdef";
      const char code[6] = {'\\', 'u', '0', '0', kHex[c >> 4], kHex[c & 15]};
      raw({code, sizeof code});
    } else {
      put('\\');
      put(escape);
    }
    done = i + 1;
  }
  raw(text.substr(done));
  put('"');
}

void JsonText::base64(std::string_view bytes) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  char* const begin = room((bytes.size() + 2) / 3 * 4 + 2);
  char* at = begin;
  *at++ = '"';
  std::size_t i = 0;
  const auto byte = [&](std::size_t index) -> unsigned {
    return index < bytes.size() ? static_cast<unsigned char>(bytes[index]) : 0;
  };
  for (; i < bytes.size(); i += 3, at += 4) {
    const unsigned word = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    at[0] = kDigits[word >> 18];
    at[1] = kDigits[word >> 12 & 63];
    at[2] = i + 1 < bytes.size() ? kDigits[word >> 6 & 63] : '=';
    at[3] = i + 2 < bytes.size() ? kDigits[word & 63] : '=';
  }
  *at++ = '"';
  size_ += static_cast<std::size_t>(at - begin);
}

void JsonText::real(double value) {
  constexpr double kExact = 9007199254740992.0;  // 2^53: whole numbers below are written as such
  if (value == std::floor(value) && std::fabs(value) < kExact) {
    if (value == 0 && std::signbit(value)) put('-');
    integer(static_cast<std::int64_t>(value));
    return literal(".0");
  }
  if (std::isnan(value)) return literal("\"NaN\"");
  if (std::isinf(value)) {
    if (value > 0) return literal("\"Infinity\"");
    return literal("\"-Infinity\"");
  }
  char text[64];
  const double size = std::fabs(value);
  const auto end = size >= 1e-5 && size < 1e17
                       ? std::to_chars(text, text + sizeof text, value, std::chars_format::fixed)
                       : std::to_chars(text, text + sizeof text, value);
  const std::string_view written(text, static_cast<std::size_t>(end.ptr - text));
  raw(written);
  if (written.find_first_of(".e") == std::string_view::npos) literal(".0");
}

void JsonText::milli(std::int64_t value) {
  // Fifteen digits are as many as a double tells apart: below, the shortest text of the double is
  // that of the thousandths.
  constexpr std::int64_t kExact = 1'000'000'000'000'000;
  if (value < 0 || value >= kExact) return real(double_from_milli(value));
  integer(value / 1000);
  const auto part = static_cast<unsigned>(value % 1000);
  const char digits[3] = {static_cast<char>('0' + part / 100),
                          static_cast<char>('0' + part / 10 % 10),
                          static_cast<char>('0' + part % 10)};
  const std::size_t count = digits[2] != '0' ? 3 : digits[1] != '0' ? 2 : 1;
  put('.');
  raw({digits, count});
}

}  // namespace bourse::codec
