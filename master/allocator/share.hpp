// Dominant shares and their exact order.
//
// The share of a node is max over dimensions of charged / total, divided by its weight. Two shares
// are compared without rounding: an approximation in 62 bits with a proven error, the key, decides
// when the two lie far enough apart, and cross-multiplied integers decide otherwise. So the order
// is that of the rational numbers and equal shares are recognised as equal. Values; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "master/allocator/types.hpp"

namespace bourse::allocator {

// amount / (total of dimension) / weight, kept as its numerator and the way to its denominator.
struct Share {
  Sum amount = 0;
  std::uint32_t weight_milli = kDefaultWeightMilli;
  std::uint8_t dimension = 0;
};

// The totals of the cluster, prepared for many comparisons. Rebuilt for every round (a division per
// dimension), since totals move whenever an agent comes or goes.
class ShareScale {
 public:
  // Dimensions outside the mask or with a total of nothing do not enter shares.
  void prepare(std::span<const Sum> totals, std::uint32_t share_mask);

  // Keys that differ by more than kKeySlack are in the order of the shares they stand for: each is
  // within 4 of share * 2^62 / weight_milli (derived in share.cpp). kNoKey says only that the share
  // must be compared exactly.
  static constexpr std::uint64_t kKeySlack = 16;
  static constexpr std::uint64_t kNoKey = std::uint64_t{3} << 62;
  // Greater than any key: of a place in a match that nobody takes.
  static constexpr std::uint64_t kAbsent = std::uint64_t{1} << 63;
  static bool decided(std::uint64_t a, std::uint64_t b) {
    return a - b + kKeySlack > 2 * kKeySlack && ((a | b) >> 62) != 3;
  }
  template <typename Amount>
  std::uint64_t key_of(const Amount* charged, std::uint32_t weight_milli) const {
    std::uint64_t best = 0;
    for (std::uint32_t i = 0; i < count_; ++i) {
      const std::uint64_t key = key_in(dimensions_[i], charged[dimensions_[i].index]);
      best = key > best ? key : best;
    }
    if (best >= kNoKey) [[unlikely]]
      return kNoKey;
    // Division by a constant is cheap, and most weights are this one.
    return weight_milli == kDefaultWeightMilli ? best / kDefaultWeightMilli : best / weight_milli;
  }

  // The exact share of a node charged with this row, of Sums or of what fits into 64 bits.
  template <typename Amount>
  Share share_of(const Amount* charged, std::uint32_t weight_milli) const;

  // Less than, equal to or greater than 0 as a is smaller, equal or greater.
  int compare(const Share& a, const Share& b) const;

 private:
  struct Dimension {
    Sum total = 0;
    std::uint64_t reciprocal = 0;  // 2^126 / (total's highest 64 bits)
    std::uint8_t shift = 0;        // brings total's highest bit to bit 127
    std::uint8_t index = 0;
  };

  // Before the weight. At most 2^62 unless more is charged than there is.
  std::uint64_t key_in(const Dimension& dimension, Sum amount) const {
    const std::uint64_t top = narrow_
                                  ? static_cast<std::uint64_t>(amount) << (dimension.shift & 63)
                                  : static_cast<std::uint64_t>((amount << dimension.shift) >> 64);
    const auto key = static_cast<std::uint64_t>((Sum{top} * dimension.reciprocal) >> 64);
    return amount > dimension.total ? kNoKey : key;
  }

  std::array<Dimension, kMaxDimensions> dimensions_{};  // the counting ones, densely
  std::array<Sum, kMaxDimensions> totals_{};            // by dimension index
  std::uint32_t count_ = 0;
  bool narrow_ = false;  // every counting total fits into 64 bits
};

}  // namespace bourse::allocator
