// Writes one valid message of each kind into DIR/<target>/<number>: where fuzzing starts from.

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "proto/codec/executor.hpp"
#include "proto/codec/frames.hpp"
#include "proto/codec/links.hpp"
#include "proto/codec/record_io.hpp"
#include "proto/codec/records.hpp"
#include "tests/unit/proto/codec/sample.hpp"

using namespace bourse;
using namespace bourse::codec;

namespace {

std::filesystem::path root;
int number = 0;

void write(const char* target, std::string_view bytes) {
  const auto directory = root / target;
  std::filesystem::create_directories(directory);
  std::ofstream(directory / std::to_string(number++), std::ios::binary) << bytes;
}

// The frame that `append` makes of a message.
template <typename Append>
std::string frame(Append append) {
  std::string batch;
  append(batch);
  const auto frames = decode_frames(batch);
  return frames && !frames->empty() ? std::string(frames->front()) : std::string();
}

// Version and checksum are put back by the target.
std::string kind_and_payload(const std::string& record) {
  return record.substr(1, 1) + record.substr(10);
}

void write_public() {
  const EventShape modern{{~0u}, nullptr};
  for (const Encoding encoding : {Encoding::protobuf, Encoding::json}) {
    for (const auto& call : sample::scheduler_calls()) {
      const std::string body = encode_scheduler_call(encoding, call);
      write("scheduler_call", body);
      if (encoding == Encoding::json) write("json", body);
    }
    for (const auto& event : sample::scheduler_events()) {
      const std::string body = encode_scheduler_event(encoding, event, modern);
      write("scheduler_event", body);
      if (encoding == Encoding::json) write("json", body);
    }
    for (const auto& call : sample::executor_calls()) {
      write("executor_messages", encode_executor_call(encoding, call));
    }
    for (const auto& event : sample::executor_events()) {
      write("executor_messages", encode_executor_event(encoding, event));
    }
  }
}

void write_links() {
  std::string all;
  for (const auto& message : sample::agent_messages()) {
    write("agent_to_master", frame([&](auto& to) { append_agent_to_master(message, to); }));
    append_agent_to_master(message, all);
  }
  write("frames", all);
  for (const auto& message : sample::master_messages()) {
    write("master_to_agent", frame([&](auto& to) { append_master_to_agent(message, to); }));
  }
  for (const auto& call : sample::scheduler_calls()) {
    write("framework_to_master", frame([&](auto& to) {
            append_framework_to_master({{1, 2, 3}, call}, to);
          }));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: write_seeds DIR\n");
    return 2;
  }
  root = argv[1];
  write_public();
  write_links();
  for (const auto& command : sample::registry_commands()) {
    write("registry_record", kind_and_payload(encode_registry_command(command)));
  }
  for (const auto& record : sample::checkpoint_records()) {
    write("checkpoint_record", kind_and_payload(encode_checkpoint_record(record)));
  }
  std::string stream = "\x03";
  append_record(R"({"type":"HEARTBEAT"})", stream);
  append_record("", stream);
  write("record_io", stream);
  return 0;
}
