#include "runtime/http_basic.hpp"

#include <array>
#include <cstdint>

#include "runtime/http_message.hpp"

namespace bourse::runtime {
namespace {

constexpr std::string_view kScheme = "Basic";
constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int value_of(char c) {
  static constexpr std::array<std::int8_t, 256> kValues = [] {
    std::array<std::int8_t, 256> out{};
    out.fill(-1);
    for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
      out[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::int8_t>(i);
    }
    return out;
  }();
  return kValues[static_cast<unsigned char>(c)];
}

// Whole groups of four, '=' at the end alone, no bits left over.
bool decode(std::string_view text, std::string& out) {
  if (text.empty() || text.size() % 4 != 0) return false;
  std::size_t padding = 0;
  while (padding < 2 && text[text.size() - 1 - padding] == '=') ++padding;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text.substr(0, text.size() - padding)) {
    const int value = value_of(c);
    if (value < 0) return false;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out.push_back(static_cast<char>(bits >> count & 0xff));
  }
  return (bits & ((1u << count) - 1)) == 0;
}

std::string encode(std::string_view bytes) {
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      const std::uint32_t byte =
          i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0;
      group = group << 8 | byte;
    }
    for (std::size_t j = 0; j < 4; ++j) {
      const bool there = i + j <= bytes.size();
      out.push_back(there ? kAlphabet[group >> (18 - 6 * j) & 63] : '=');
    }
  }
  return out;
}

}  // namespace

Result<BasicLogin> parse_basic_login(std::string_view authorization) {
  const std::string_view scheme = authorization.substr(0, kScheme.size());
  std::string_view rest = authorization.substr(scheme.size());
  if (!same_header_name(scheme, kScheme) || !rest.starts_with(' ')) {
    return invalid("Authorization: is not of the scheme Basic");
  }
  while (rest.starts_with(' ')) rest.remove_prefix(1);
  std::string text;
  if (!decode(rest, text)) {
    return invalid("Authorization: what follows Basic is not base64");
  }
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos) {
    return invalid("Authorization: has no ':' between principal and secret");
  }
  return BasicLogin{text.substr(0, colon), text.substr(colon + 1)};
}

std::string basic_authorization(std::string_view user, std::string_view password) {
  return std::string(kScheme) + " " + encode(std::string(user) + ":" + std::string(password));
}

}  // namespace bourse::runtime
