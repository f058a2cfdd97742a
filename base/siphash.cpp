#include "base/siphash.hpp"

#include <cstring>

namespace bourse {

namespace {

constexpr std::uint64_t rotl(std::uint64_t x, int bits) {
  return (x << bits) | (x >> (64 - bits));
}

struct State {
  std::uint64_t v0, v1, v2, v3;

  void rounds(int count) {
    for (int i = 0; i < count; ++i) {
      v0 += v1;
      v1 = rotl(v1, 13) ^ v0;
      v0 = rotl(v0, 32);
      v2 += v3;
      v3 = rotl(v3, 16) ^ v2;
      v0 += v3;
      v3 = rotl(v3, 21) ^ v0;
      v2 += v1;
      v1 = rotl(v1, 17) ^ v2;
      v2 = rotl(v2, 32);
    }
  }
  void absorb(std::uint64_t word) {
    v3 ^= word;
    rounds(2);
    v0 ^= word;
  }
  std::uint64_t fold() const { return v0 ^ v1 ^ v2 ^ v3; }
};

}  // namespace

std::array<std::uint64_t, 2> siphash128(const SecretKey& key, std::string_view message) {
  State s{0x736f6d6570736575ULL ^ key[0], 0x646f72616e646f6dULL ^ key[1] ^ 0xee,
          0x6c7967656e657261ULL ^ key[0], 0x7465646279746573ULL ^ key[1]};
  const std::uint64_t length = message.size();
  while (message.size() >= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, message.data(), 8);
    s.absorb(word);
    message.remove_prefix(8);
  }
  std::uint64_t last = length << 56;
  for (std::size_t i = 0; i < message.size(); ++i) {
    last |= static_cast<std::uint64_t>(static_cast<unsigned char>(message[i])) << (8 * i);
  }
  s.absorb(last);
  s.v2 ^= 0xee;
  s.rounds(4);
  const std::uint64_t first = s.fold();
  s.v1 ^= 0xdd;
  s.rounds(4);
  return {first, s.fold()};
}

std::string token_for(const SecretKey& key, std::string_view name) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  out.reserve(32);
  for (const std::uint64_t word : siphash128(key, name)) {
    for (int shift = 60; shift >= 0; shift -= 4) out += kHex[(word >> shift) & 0xf];
  }
  return out;
}

bool equal_secrets(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference |= static_cast<unsigned>(static_cast<unsigned char>(a[i])) ^
                  static_cast<unsigned>(static_cast<unsigned char>(b[i]));
  }
  return difference == 0;
}

}  // namespace bourse
