#include "master/record/recording.hpp"
#include "fuzz.hpp"
#include "master/record/event_form.hpp"
#include "master/record/segment_name.hpp"
#include "master/record/state_image.hpp"

using namespace bourse::master;

namespace {

void walk(std::string_view bytes) {
  auto reader = SegmentReader::open(bytes, "fuzzed");
  if (!reader) return;
  while (true) {
    const auto record = reader->next();
    if (!record || !*record) return;
  }
}

void read_state(std::string_view bytes) {
  const auto state = decode_state(bytes);
  if (!state) return;
  const std::string once = encode_state(*state);
  const auto again = decode_state(once);
  fuzz::must(again.ok());
  fuzz::must(encode_state(*again) == once);
}

void read_event(std::string_view bytes) {
  const auto event = decode_event(bytes);
  if (!event) return;
  std::string once;
  if (!encode_event(*event, once)) return;  // grew over the limit of a frame
  const auto again = decode_event(once);
  fuzz::must(again.ok());
  std::string twice;
  fuzz::must(encode_event(*again, twice).ok());
  fuzz::must(once == twice);
}

}  // namespace

// The first byte says what the rest is; a segment also with the right checksums, which no
// random bytes have.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto input = fuzz::text(data, size).substr(1);
  switch (data[0] % 6) {
    case 0: {
      walk(input);
      std::string sealed(kRecordingMagic);
      append_record(RecordKind::event, input, sealed);
      walk(sealed + std::string(input));
      break;
    }
    case 1:
      read_event(input);
      break;
    case 2:
      read_state(input);
      break;
    case 3:
      (void)decode_header(input);
      break;
    case 4:
      (void)decode_mark(input);
      (void)decode_ending(input);
      break;
    default:
      (void)parse_segment_name(input);
      break;
  }
  return 0;
}
