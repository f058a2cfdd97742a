#include "fuzz.hpp"
#include "proto/codec/scheduler.hpp"

using namespace bourse;
using namespace bourse::codec;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto body = fuzz::text(data, size);
  for (const Encoding encoding : {Encoding::protobuf, Encoding::json}) {
    const auto call = decode_scheduler_call(encoding, body);
    if (!call) continue;
    const std::string bytes = encode_scheduler_call(Encoding::protobuf, *call);
    // An operation known by name only has lost its members, which may have been required.
    const auto again = decode_scheduler_call(Encoding::protobuf, bytes);
    if (!again) continue;
    fuzz::must(encode_scheduler_call(Encoding::protobuf, *again) == bytes);
  }
  return 0;
}
