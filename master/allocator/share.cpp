#include "master/allocator/share.hpp"

#include "base/assert.hpp"

namespace bourse::allocator {

namespace {

struct Product {
  Sum high = 0;
  Sum low = 0;
};

Product multiply(Sum a, Sum b) {
  const auto a_low = static_cast<std::uint64_t>(a);
  const auto a_high = static_cast<std::uint64_t>(a >> 64);
  const auto b_low = static_cast<std::uint64_t>(b);
  const auto b_high = static_cast<std::uint64_t>(b >> 64);
  const Sum low = Sum{a_low} * b_low;
  const Sum middle_1 = Sum{a_high} * b_low;
  const Sum middle_2 = Sum{a_low} * b_high;
  const Sum carry =
      (low >> 64) + static_cast<std::uint64_t>(middle_1) + static_cast<std::uint64_t>(middle_2);
  return {Sum{a_high} * b_high + (middle_1 >> 64) + (middle_2 >> 64) + (carry >> 64),
          (carry << 64) | static_cast<std::uint64_t>(low)};
}

int order(const Product& a, const Product& b) {
  if (a.high != b.high) return a.high < b.high ? -1 : 1;
  if (a.low != b.low) return a.low < b.low ? -1 : 1;
  return 0;
}

std::uint8_t leading_zeros(Sum value) {
  const auto high = static_cast<std::uint64_t>(value >> 64);
  const auto low = static_cast<std::uint64_t>(value);
  return static_cast<std::uint8_t>(high != 0 ? __builtin_clzll(high) : 64 + __builtin_clzll(low));
}

}  // namespace

// With n = amount * 2^shift, t = total * 2^shift, N = floor(n / 2^64), T = floor(t / 2^64) >= 2^63:
// N/T lies within 2^-63 of amount/total. The reciprocal is short of 2^126 / T by less than 1, so
// N * reciprocal / 2^64 is short of N/T * 2^62 by less than 1, and its floor by less than 2. The
// result is within 3 of amount/total * 2^62, and so is the greatest of several of the greatest
// share; dividing by the weight and the floor of that leave it within 4. Two keys in the wrong
// order are at most 8 apart.
void ShareScale::prepare(std::span<const Sum> totals, std::uint32_t share_mask) {
  ASSERT(totals.size() <= kMaxDimensions);
  count_ = 0;
  narrow_ = true;
  for (std::uint32_t index = 0; index < totals.size(); ++index) {
    const Sum total = totals[index];
    totals_[index] = total;
    if (total == 0 || (share_mask >> index & 1) == 0) continue;
    Dimension& dimension = dimensions_[count_++];
    dimension.total = total;
    dimension.index = static_cast<std::uint8_t>(index);
    dimension.shift = leading_zeros(total);
    const auto high = static_cast<std::uint64_t>((total << dimension.shift) >> 64);
    dimension.reciprocal = static_cast<std::uint64_t>((Sum{1} << 126) / high);  // at most 2^63
    narrow_ = narrow_ && total >> 64 == 0;
  }
}

template <typename Amount>
Share ShareScale::share_of(const Amount* charged, std::uint32_t weight_milli) const {
  Share share;
  share.weight_milli = weight_milli;
  Sum total = 1;
  std::uint64_t best = 0;
  for (std::uint32_t i = 0; i < count_; ++i) {
    const Dimension& dimension = dimensions_[i];
    const Sum amount = charged[dimension.index];
    if (amount == 0) continue;
    const std::uint64_t key = key_in(dimension, amount);
    if (share.amount != 0) {
      const bool greater = decided(key, best) ? key > best
                                              : order(multiply(amount, total),
                                                      multiply(share.amount, dimension.total)) > 0;
      if (!greater) continue;
    }
    best = key;
    total = dimension.total;
    share.amount = amount;
    share.dimension = dimension.index;
  }
  return share;
}

template Share ShareScale::share_of(const Sum* charged, std::uint32_t weight_milli) const;
template Share ShareScale::share_of(const std::uint64_t* charged, std::uint32_t weight_milli) const;

int ShareScale::compare(const Share& a, const Share& b) const {
  if (a.amount == 0 || b.amount == 0) return int{a.amount != 0} - int{b.amount != 0};
  // Amounts stay under 2^96 and weights under 2^32, so these products fit into 128 bits.
  if (a.dimension == b.dimension) {
    const Sum left = a.amount * b.weight_milli;
    const Sum right = b.amount * a.weight_milli;
    return left < right ? -1 : int{left > right};
  }
  return order(multiply(a.amount, totals_[b.dimension] * b.weight_milli),
               multiply(b.amount, totals_[a.dimension] * a.weight_milli));
}

}  // namespace bourse::allocator
