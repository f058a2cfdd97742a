#include "fuzz.hpp"
#include "proto/codec/frames.hpp"
#include "proto/codec/links.hpp"

using namespace bourse::codec;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto message = decode_master_to_framework(fuzz::text(data, size));
  if (!message) return 0;
  // Written for the newest framework: nothing is left out.
  const EventShape modern{{~0u}, nullptr};
  std::string batch, again;
  append_master_to_framework(*message, modern, batch);
  const auto frames = decode_frames(batch);
  if (batch.empty() || !frames) return 0;
  const auto second = decode_master_to_framework(frames->front());
  fuzz::must(second.ok());
  append_master_to_framework(*second, modern, again);
  fuzz::must(again == batch);
  return 0;
}
