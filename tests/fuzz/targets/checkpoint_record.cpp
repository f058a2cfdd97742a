#include "fuzz.hpp"
#include "proto/codec/operation_orders.hpp"
#include "proto/codec/records.hpp"
#include "sealed.hpp"

using namespace bourse::codec;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = fuzz::text(data, size);
  (void)decode_checkpoint_record(input);
  if (const auto order = decode_operation_order(input); order.ok()) {
    const std::string bytes = encode_operation_order(*order);
    const auto again = decode_operation_order(bytes);
    fuzz::must(again.ok() && *again == *order);
  }
  const auto record = decode_checkpoint_record(fuzz::sealed(input));
  if (!record) return 0;
  const std::string bytes = encode_checkpoint_record(*record);
  const auto again = decode_checkpoint_record(bytes);
  fuzz::must(again.ok());
  fuzz::must(encode_checkpoint_record(*again) == bytes);
  return 0;
}
