// What agent, launcher and shim tell each other, on the socket and through files.
#include "agent/isolation/exit_record.hpp"
#include "agent/isolation/launch_record.hpp"
#include "agent/isolation/state_file.hpp"
#include "fuzz.hpp"

using namespace bourse::isolation;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = fuzz::text(data, size);
  if (const auto record = decode_launch_record(bytes)) {
    const auto again = decode_launch_record(encode_launch_record(*record));
    fuzz::must(again.ok() && *again == *record);
  }
  if (const auto fields = decode_state(bytes)) {
    (void)describe_exit(exit_record_of(*fields));
    const auto again = decode_state(encode_state(*fields));
    fuzz::must(again.ok() && *again == *fields);
  }
  Frame frame;
  if (decode_frame(data, size, frame)) (void)describe_exit(exit_record_of(frame));
  return 0;
}
