// Fingerprint: an order-sensitive 64-bit hash of a core's state or of a stream of events, equal on
// every machine for equal input. For comparing runs, not for security. Mixing follows wyhash's
// multiply-and-fold (public domain, github.com/wangyi-fudan/wyhash). Value; one owner.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace bourse {

class Fingerprint {
 public:
  void add(std::uint64_t value) { state_ = fold(state_ ^ value ^ kA, value ^ kB); }
  void add(std::int64_t value) { add(static_cast<std::uint64_t>(value)); }
  void add(std::uint32_t value) { add(static_cast<std::uint64_t>(value)); }
  void add(std::int32_t value) {
    add(static_cast<std::uint64_t>(static_cast<std::int64_t>(value)));
  }
  void add(bool value) { add(static_cast<std::uint64_t>(value)); }
  void add(std::string_view text) {
    add(static_cast<std::uint64_t>(text.size()));
    while (text.size() >= 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, text.data(), 8);
      add(word);
      text.remove_prefix(8);
    }
    if (!text.empty()) {
      std::uint64_t word = 0;
      std::memcpy(&word, text.data(), text.size());
      add(word);
    }
  }
  std::uint64_t value() const { return fold(state_ ^ kC, kA); }

 private:
  static constexpr std::uint64_t kA = 0xa0761d6478bd642fULL;
  static constexpr std::uint64_t kB = 0xe7037ed1a0b428dbULL;
  static constexpr std::uint64_t kC = 0x8ebc6af09c88c6e3ULL;

  static constexpr std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
    const auto product = static_cast<unsigned __int128>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  }

  std::uint64_t state_ = kB;
};

}  // namespace bourse
