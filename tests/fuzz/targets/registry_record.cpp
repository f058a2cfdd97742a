#include "fuzz.hpp"
#include "proto/codec/records.hpp"
#include "sealed.hpp"

using namespace bourse::codec;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = fuzz::text(data, size);
  (void)decode_registry_command(input);
  const auto record = decode_registry_command(fuzz::sealed(input));
  if (!record) return 0;
  const std::string bytes = encode_registry_command(*record);
  const auto again = decode_registry_command(bytes);
  fuzz::must(again.ok());
  fuzz::must(encode_registry_command(*again) == bytes);
  return 0;
}
