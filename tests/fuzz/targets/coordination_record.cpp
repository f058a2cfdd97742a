// What stands in the znodes below our path, where others may write too.
#include "base/fingerprint.hpp"
#include "coordination/core/names.hpp"
#include "coordination/core/record.hpp"
#include "fuzz.hpp"

using namespace bourse::coordination;

namespace {

// With the right checksum, so that what is behind it is reached at all.
std::string sealed(std::string_view body) {
  bourse::Fingerprint sum;
  sum.add(body);
  std::string out;
  for (int i = 0; i < 8; ++i) out.push_back(static_cast<char>(sum.value() >> (8 * i)));
  return out.append(body);
}

template <typename Decode>
void read(std::string_view bytes, const Decode& decode) {
  const auto record = decode(bytes, "/bourse/record");
  if (!record) return;
  const auto again = decode(encode(*record), "/bourse/record");
  fuzz::must(again.ok() && *again == *record);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = fuzz::text(data, size);
  for (const std::string& bytes : {std::string(input), sealed(input)}) {
    read(bytes, decode_epoch);
    read(bytes, decode_registry);
    read(bytes, decode_shard);
  }
  if (const auto shard = shard_number(input)) {
    fuzz::must(shard_path("/p", *shard).ends_with(input));
  }
  (void)sequence_of(input);
  return 0;
}
