#include "fuzz.hpp"
#include "proto/codec/executor.hpp"
#include "proto/codec/links.hpp"

using namespace bourse;
using namespace bourse::codec;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto body = fuzz::text(data, size);
  for (const Encoding encoding : {Encoding::protobuf, Encoding::json}) {
    if (const auto call = decode_executor_call(encoding, body)) {
      const std::string bytes = encode_executor_call(Encoding::protobuf, *call);
      fuzz::must(decode_executor_call(Encoding::protobuf, bytes).ok());
    }
    if (const auto event = decode_executor_event(encoding, body)) {
      (void)encode_executor_event(Encoding::json, *event);
    }
  }
  std::string batch;
  if (const auto call = decode_executor_call_frame(body)) append_executor_call(*call, batch);
  if (const auto event = decode_executor_event_frame(body)) append_executor_event(*event, batch);
  return 0;
}
