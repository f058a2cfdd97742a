#include "fuzz.hpp"
#include "proto/codec/frames.hpp"
#include "proto/codec/links.hpp"

using namespace bourse::codec;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto message = decode_framework_to_master(fuzz::text(data, size));
  if (!message) return 0;
  std::string batch, again;
  append_framework_to_master(*message, batch);
  const auto frames = decode_frames(batch);
  if (batch.empty() || !frames) return 0;
  const auto second = decode_framework_to_master(frames->front());
  // An operation known by name only has lost its members, which may have been required.
  if (!second) return 0;
  append_framework_to_master(*second, again);
  fuzz::must(again == batch);
  return 0;
}
