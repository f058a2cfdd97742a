// A durable record around fuzzed bytes: with the right checksum, so that the payload's parser is
// reached at all. The first byte is the kind.
#pragma once

#include <string>
#include <string_view>

#include "base/fingerprint.hpp"

namespace fuzz {

inline std::string sealed(std::string_view input) {
  const auto kind = static_cast<std::uint8_t>(input.empty() ? 0 : input.front());
  const std::string_view payload = input.empty() ? input : input.substr(1);
  bourse::Fingerprint sum;
  sum.add(std::uint32_t{1});
  sum.add(static_cast<std::uint32_t>(kind));
  sum.add(payload);
  std::string out{'\x01', static_cast<char>(kind)};
  for (int i = 0; i < 8; ++i) out.push_back(static_cast<char>(sum.value() >> (8 * i)));
  out += payload;
  return out;
}

}  // namespace fuzz
