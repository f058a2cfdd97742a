#include <sys/wait.h>

#include <catch2/catch.hpp>
#include <cerrno>

#include "agent/isolation/exit_record.hpp"
#include "agent/isolation/launch_record.hpp"
#include "agent/isolation/shim_protocol.hpp"

namespace bourse::isolation {
namespace {

ExitRecord some_exit() {
  ExitRecord record;
  record.launched = true;
  record.wait_status = 9;
  record.oom = true;
  record.killed = true;
  record.durable = true;
  record.unhealthy = true;
  record.cpu_ns = 1'234'567'890'123;
  record.memory_peak_bytes = 5'000'000'000;
  record.oom_kills = 2;
  record.output_dropped_bytes = 7;
  return record;
}

LaunchRecord some_launch() {
  LaunchRecord record;
  record.container_id = "c-1";
  record.token = std::string(kTokenBytes, 'a');
  record.run_dir = "/run/x";
  record.socket_dir = "/run";
  record.sandbox_dir = "/sandbox";
  record.argv = {"/bin/sh", "-c", "echo \"a\nb\""};
  record.env = {"A=1", "EMPTY="};
  record.switch_user = true;
  record.uid = 65534;
  record.gid = 65534;
  record.groups = {1, 2, 3};
  record.namespaces = kAllNamespaces;
  record.cgroup_dirs = {{true, kAllControllers, "/sys/fs/cgroup/x"}, {false, kPids, "/p"}};
  record.limits = {500, false, 64 << 20, 10};
  record.max_fds = 1024;
  record.output_cap_bytes = 1 << 20;
  record.health = {CheckSpec::Kind::command, {"/bin/true"}, {"A=1"}, 0, false, "", 1, 2, 3, 4, 5};
  record.check = {CheckSpec::Kind::http, {}, {}, 8080, true, "/well", 6, 7, 8, 9, 10};
  record.kill_grace_ms = 11;
  return record;
}

}  // namespace

TEST_CASE("an exit record is the same through the wire and through the file") {
  for (const ExitRecord& record : {some_exit(), [] {
                                     ExitRecord failed;
                                     failed.launch_step = LaunchStep::exec;
                                     failed.launch_errno = ENOENT;
                                     failed.leaked = true;
                                     failed.durable = true;
                                     return failed;
                                   }()}) {
    Frame sent = make_frame(FrameType::exited);
    put_exit_record(record, sent);
    Frame received;
    REQUIRE(decode_frame(&sent, sizeof sent, received));
    CHECK(exit_record_of(received) == record);
    CHECK(exit_record_of(fields_of(record)) == record);
  }
}

TEST_CASE("a frame of an older peer is completed with zeros and a foreign one refused") {
  Frame sent = make_frame(FrameType::started);
  sent.pid = 42;
  sent.cpu_ns = 99;
  Frame received;
  REQUIRE(decode_frame(&sent, 72, received));
  CHECK(received.pid == 42);
  CHECK(received.cpu_ns == 0);
  char longer[sizeof(Frame) + 64] = {};
  std::memcpy(longer, &sent, sizeof sent);
  REQUIRE(decode_frame(longer, sizeof longer, received));
  CHECK(received.cpu_ns == 99);
  CHECK_FALSE(decode_frame(&sent, 7, received));
  sent.magic = 1;
  CHECK_FALSE(decode_frame(&sent, sizeof sent, received));
}

TEST_CASE("a launch record survives a round trip and no cut of it is accepted") {
  const std::string bytes = encode_launch_record(some_launch());
  const auto back = decode_launch_record(bytes);
  REQUIRE(back.ok());
  CHECK(*back == some_launch());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CHECK_FALSE(decode_launch_record(bytes.substr(0, size)).ok());
  }
  CHECK_FALSE(decode_launch_record(bytes + "x").ok());
  // A length that lies must not make us allocate what is not there.
  std::string lying = bytes;
  lying[8 + 7] = '\x7f';
  CHECK_FALSE(decode_launch_record(lying).ok());
}

TEST_CASE("every end of a container has a sentence") {
  ExitRecord record;
  record.launched = true;
  record.wait_status = 3 << 8;
  CHECK(describe_exit(record) == "exited with status 3");
  CHECK(describe_exit(some_exit()) == "killed by signal 9, memory limit exceeded");
  record = {};
  record.launch_step = LaunchStep::exec;
  record.launch_errno = ENOENT;
  CHECK(describe_exit(record) == "could not run the program: No such file or directory");
  for (int step = 0; step <= 13; ++step) {
    CHECK(std::string(name_of(static_cast<LaunchStep>(step))) != "");
  }
}

}  // namespace bourse::isolation
