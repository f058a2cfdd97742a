#include "model/gateway_link.hpp"

#include "fuzz.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto message = fuzz::text(data, size);
  const auto envelopes = bourse::decode_envelopes(message);
  if (!envelopes) return 0;
  std::string again;
  for (const bourse::Envelope& envelope : *envelopes) bourse::append_envelope(envelope, again);
  fuzz::must(again == message);
  return 0;
}
