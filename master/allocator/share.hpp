// Dominant shares and their exact order.
//
// The share of a node is max over dimensions of charged / total, divided by its weight. Two shares
// are compared without rounding: an approximation in 63 bits with a proven error decides when the
// two lie far enough apart, and cross-multiplied integers decide otherwise. So the order is that of
// the rational numbers and equal shares are recognised as equal. Values; any thread.
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

  // The share of a node charged with this row. `approximate` receives the weighted approximation,
  // or kNotApproximated when more is charged than exists.
  Share share_of(const Sum* charged, std::uint32_t weight_milli, std::uint64_t& approximate) const;

  // Less than, equal to or greater than 0 as a is smaller, equal or greater.
  int compare(const Share& a, const Share& b) const;

  static constexpr std::uint64_t kNotApproximated = ~std::uint64_t{0};
  // Approximations that differ by more than this are in the order of the shares they stand for:
  // each is within 5 of share * 2^63 / weight (derived in share.cpp).
  static constexpr std::uint64_t kSlack = 16;

 private:
  struct Dimension {
    Sum total = 0;
    std::uint64_t reciprocal = 0;  // 2^127 / (total's highest 64 bits)
    std::uint8_t shift = 0;        // brings total's highest bit to bit 127
    std::uint8_t index = 0;
  };

  std::uint64_t approximate_of(const Dimension& dimension, Sum amount) const;
  bool less_in_dimension(const Dimension& a, Sum amount_a, const Dimension& b, Sum amount_b) const;

  std::array<Dimension, kMaxDimensions> dimensions_{};  // the counting ones, densely
  std::array<Sum, kMaxDimensions> totals_{};            // by dimension index
  std::uint32_t count_ = 0;
};

}  // namespace bourse::allocator
