#include "fuzz.hpp"
#include "proto/codec/scheduler.hpp"

using namespace bourse;
using namespace bourse::codec;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto body = fuzz::text(data, size);
  for (const std::uint32_t bits : {0u, ~0u}) {
    const EventShape shape{{bits}, nullptr};
    for (const Encoding encoding : {Encoding::protobuf, Encoding::json}) {
      const auto event = decode_scheduler_event(encoding, body);
      if (!event) continue;
      (void)encode_scheduler_event(Encoding::json, *event, shape);
      (void)encode_scheduler_event(Encoding::protobuf, *event, shape);
    }
  }
  return 0;
}
