#include "model/ids.hpp"

#include <charconv>

#include <cstring>

#include "base/prng.hpp"

namespace bourse {

std::string name_prefix(const std::string& cluster_id, Epoch epoch) {
  return cluster_id + "-" + std::to_string(epoch);
}

OfferId offer_id(const std::string& prefix, std::uint64_t number) {
  char digits[20];
  const char* end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  const auto count = static_cast<std::size_t>(end - digits);
  std::string text;
  text.reserve(prefix.size() + 2 + count);
  text.append(prefix).append("-O").append(digits, count);
  return OfferId(std::move(text));
}

std::string to_text(const Uuid& uuid) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  text.reserve(36);
  for (std::size_t i = 0; i < uuid.bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += kHex[uuid.bytes[i] >> 4];
    text += kHex[uuid.bytes[i] & 0xf];
  }
  return text;
}

Uuid make_uuid(std::uint64_t seed, std::uint64_t counter) {
  std::uint64_t state = seed ^ (counter * 0xd1342543de82ef95ULL);
  const std::uint64_t high = splitmix64(state);
  const std::uint64_t low = splitmix64(state) ^ counter;
  Uuid uuid;
  std::memcpy(uuid.bytes.data(), &high, 8);
  std::memcpy(uuid.bytes.data() + 8, &low, 8);
  uuid.bytes[6] = static_cast<std::uint8_t>((uuid.bytes[6] & 0x0f) | 0x40);
  uuid.bytes[8] = static_cast<std::uint8_t>((uuid.bytes[8] & 0x3f) | 0x80);
  return uuid;
}

}  // namespace bourse
