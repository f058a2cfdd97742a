#include "proto/codec/registry_export.hpp"
#include "base/digest.hpp"
#include "fuzz.hpp"

#include <cstdio>

using namespace bourse;
using namespace bourse::codec;

namespace {

// With a last line that fits what is before it, as only an export has.
std::string ended(std::string_view before) {
  const Digest digest = digest_of(before);
  char sum[33];
  std::snprintf(sum, sizeof sum, "%016llx%016llx", static_cast<unsigned long long>(digest.high),
                static_cast<unsigned long long>(digest.low));
  return std::string(before) + "{\"checksum\":\"" + sum + "\"}\n";
}

void read(std::string_view text) {
  const auto registry = read_registry_export(text);
  if (!registry) return;
  const std::string once = write_registry_export(*registry);
  const auto again = read_registry_export(once);
  fuzz::must(again.ok());
  (void)describe_counts(*again);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = fuzz::text(data, size);
  read(input);
  read(ended(input));
  return 0;
}
