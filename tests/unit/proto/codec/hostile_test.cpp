// Every decoder against damaged input: cut anywhere, bits flipped, nested without end. Each must
// answer with an error or a value, never crash; the fuzz targets look further.

#include <catch2/catch.hpp>
#include <functional>

#include "base/prng.hpp"
#include "proto/codec/executor.hpp"
#include "proto/codec/frames.hpp"
#include "proto/codec/links.hpp"
#include "proto/codec/records.hpp"
#include "proto/codec/scheduler.hpp"
#include "tests/unit/proto/codec/sample.hpp"

using namespace bourse;
using namespace bourse::codec;

namespace {

struct Subject {
  const char* name;
  std::string bytes;
  std::function<bool(std::string_view)> decodes;
};

std::string_view frame_of(const std::string& batch) {
  const auto frames = decode_frames(batch);
  REQUIRE(frames.ok());
  return frames->front();
}

std::vector<Subject> subjects() {
  const EventShape modern{{~0u}, nullptr};
  std::vector<Subject> out;
  for (const Encoding encoding : {Encoding::protobuf, Encoding::json}) {
    out.push_back({"scheduler call", encode_scheduler_call(encoding, sample::scheduler_calls()[2]),
                   [=](std::string_view b) { return decode_scheduler_call(encoding, b).ok(); }});
    out.push_back({"scheduler event",
                   encode_scheduler_event(encoding, sample::scheduler_events()[1], modern),
                   [=](std::string_view b) { return decode_scheduler_event(encoding, b).ok(); }});
    out.push_back({"executor call", encode_executor_call(encoding, sample::executor_calls()[0]),
                   [=](std::string_view b) { return decode_executor_call(encoding, b).ok(); }});
    out.push_back({"executor event", encode_executor_event(encoding, sample::executor_events()[0]),
                   [=](std::string_view b) { return decode_executor_event(encoding, b).ok(); }});
  }
  std::string batch;
  append_agent_to_master(sample::agent_messages()[0], batch);
  out.push_back({"agent to master", std::string(frame_of(batch)),
                 [](std::string_view b) { return decode_agent_to_master(b).ok(); }});
  batch.clear();
  append_master_to_agent(sample::master_messages()[2], batch);
  out.push_back({"master to agent", std::string(frame_of(batch)),
                 [](std::string_view b) { return decode_master_to_agent(b).ok(); }});
  batch.clear();
  append_framework_to_master({{1, 1, 1}, sample::scheduler_calls()[2]}, batch);
  out.push_back({"framework to master", std::string(frame_of(batch)),
                 [](std::string_view b) { return decode_framework_to_master(b).ok(); }});
  out.push_back({"checkpoint record", encode_checkpoint_record(sample::checkpoint_records()[3]),
                 [](std::string_view b) { return decode_checkpoint_record(b).ok(); }});
  return out;
}

}  // namespace

TEST_CASE("no cut of a message crashes its decoder") {
  for (const Subject& subject : subjects()) {
    CAPTURE(subject.name);
    REQUIRE(subject.decodes(subject.bytes));
    const std::size_t step = std::max<std::size_t>(1, subject.bytes.size() / 400);
    std::size_t refused = 0;
    for (std::size_t size = 0; size < subject.bytes.size(); size += step) {
      if (!subject.decodes(std::string_view(subject.bytes).substr(0, size))) ++refused;
    }
    CHECK(refused > 0);
  }
}

TEST_CASE("no flipped bytes crash a decoder") {
  Prng prng(7);
  for (const Subject& subject : subjects()) {
    CAPTURE(subject.name);
    for (int round = 0; round < 300; ++round) {
      std::string damaged = subject.bytes;
      for (int flips = 0; flips < 3; ++flips) {
        damaged[static_cast<std::size_t>(prng.next() % damaged.size())] =
            static_cast<char>(prng.next());
      }
      subject.decodes(damaged);
    }
  }
  SUCCEED();
}

TEST_CASE("protobuf nested deeper than its limit is refused") {
  // TaskStatus.container_status.container_id.parent.parent...: field 2 within field 2.
  std::string id = std::string("\x0a\x01x", 3);
  for (int depth = 0; depth < 64; ++depth) {
    std::string outer = std::string("\x0a\x01x", 3) + '\x12';
    std::string length;
    for (std::size_t size = id.size(); true; size >>= 7) {
      length.push_back(static_cast<char>(size >= 0x80 ? (size & 0x7f) | 0x80 : size));
      if (size < 0x80) break;
    }
    id = outer + length + id;
  }
  const auto nest = [](const std::string& key, const std::string& body) {
    std::string length;
    for (std::size_t size = body.size(); true; size >>= 7) {
      length.push_back(static_cast<char>(size >= 0x80 ? (size & 0x7f) | 0x80 : size));
      if (size < 0x80) break;
    }
    return key + length + body;
  };
  const std::string status =
      nest("\x0a", nest("\x0a", "t")) + std::string("\x10\x01", 2) + nest("\x6a", nest("\x22", id));
  const std::string event = std::string("\x08\x04", 2) + nest("\x2a", nest("\x0a", status));
  CHECK_FALSE(decode_scheduler_event(Encoding::protobuf, event).ok());
}

TEST_CASE("text that is not UTF-8 never becomes an id or a name") {
  SchedulerCall kill{FrameworkId("F"), call::Kill{TaskId("t\xff"), AgentId(), std::nullopt}};
  CHECK_FALSE(
      decode_scheduler_call(Encoding::protobuf, encode_scheduler_call(Encoding::protobuf, kill))
          .ok());
}
