#include "proto/codec/service_records.hpp"

#include "fuzz.hpp"
#include "sealed.hpp"

using namespace bourse::codec;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = fuzz::text(data, size);
  (void)decode_service_command(input);
  const auto record = decode_service_command(fuzz::sealed(input));
  if (!record) return 0;
  const std::string bytes = encode_service_command(*record);
  const auto again = decode_service_command(bytes);
  fuzz::must(again.ok());
  fuzz::must(encode_service_command(*again) == bytes);
  return 0;
}
