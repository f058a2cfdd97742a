#include "base/digest.hpp"

#include "base/fingerprint.hpp"

namespace bourse {

Digest digest_of(std::string_view bytes) {
  Fingerprint high;
  Fingerprint low;
  high.add(std::uint64_t{0x243f6a8885a308d3ULL});  // distinct keys: first words of pi
  low.add(std::uint64_t{0x13198a2e03707344ULL});
  high.add(bytes);
  low.add(bytes);
  return {high.value(), low.value()};
}

}  // namespace bourse
