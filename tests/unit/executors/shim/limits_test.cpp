// Limits that hold: memory, processes, cpu, descriptors, output.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>

#include "tests/unit/executors/shim/container_world.hpp"

namespace bourse::isolation::testing {

namespace {

bool without(const ContainerRuntime& runtime, Controllers wanted) {
  return skip_unless((runtime.controllers() & wanted) == wanted,
                     "needs a cgroup controller that is not usable here");
}

}  // namespace

TEST_CASE("a task that exceeds its memory limit ends with the oom flag") {
  ContainerWorld world;
  if (without(world.runtime(), kMemory)) return;
  // The shell survives its child's death; the container must not.
  ContainerSpec spec = world.shell("a", "perl -e '$x = \"x\" x 200_000_000'; sleep 1000");
  spec.limits.memory_bytes = 40 << 20;
  world.launch(spec);
  world.wait<ContainerOom>("a");
  const ExitRecord record = world.wait_exit("a");
  CHECK(record.oom);
  CHECK(WIFSIGNALED(record.wait_status));
  CHECK(record.memory_peak_bytes >= 39 << 20);
  CHECK(record.memory_peak_bytes <= 40 << 20);
  CHECK(describe_exit(record).find("memory limit exceeded") != std::string::npos);
}

TEST_CASE("a task within its memory limit is left alone") {
  ContainerWorld world;
  if (without(world.runtime(), kMemory)) return;
  ContainerSpec spec = world.shell("a", "perl -e '$x = \"x\" x 10_000_000'");
  spec.limits.memory_bytes = 64 << 20;
  world.launch(spec);
  const ExitRecord record = world.wait_exit("a");
  CHECK(record.succeeded());
  CHECK(record.oom_kills == 0);
}

TEST_CASE("a task cannot have more processes than its limit and a fork bomb dies on kill") {
  ContainerWorld world;
  if (without(world.runtime(), kPids)) return;
  ContainerSpec spec = world.shell("a", "exec perl -e 'fork while 1'");
  spec.limits.pids = 20;
  spec.limits.cpu_milli = 200;
  world.launch(spec);
  world.wait<ContainerStarted>("a");
  CHECK(world.turn_until([&] { return world.runtime().usage(world.id("a"))->pids >= 15; }));
  for (int i = 0; i < 20; ++i) {
    world.turn(1);
    CHECK(world.runtime().usage(world.id("a"))->pids <= 21);  // and process 1
  }
  REQUIRE(world.runtime().destroy(world.id("a")).ok());
  CHECK_FALSE(world.wait_exit("a").leaked);
}

TEST_CASE("a task gets the cpu it was given and not more") {
  ContainerWorld world;
  if (without(world.runtime(), kCpu | kCpuacct)) return;
  ContainerSpec spec = world.shell("a", "while true; do :; done");
  spec.limits.cpu_milli = 50;  // a busy machine has that much for it
  // What it used counts from its start on, and a slow machine tells of that late.
  const auto begin = std::chrono::steady_clock::now();
  world.launch(spec);
  world.wait<ContainerStarted>("a");
  CHECK(world.turn_until(
      [&] { return world.runtime().usage(world.id("a"))->cpu_throttled_periods >= 6; }));
  const auto wall = std::chrono::steady_clock::now() - begin;
  const double used = static_cast<double>(world.runtime().usage(world.id("a"))->cpu_ns);
  const double given =
      0.05 *
      static_cast<double>(std::chrono::duration_cast<std::chrono::nanoseconds>(wall).count());
  // One period more than its share is the kernel's granularity.
  CHECK(used <= given + 2 * 5e6 + 30e6);
  REQUIRE(world.runtime().destroy(world.id("a")).ok());
  world.wait_exit("a");
}

TEST_CASE("a task cannot open more descriptors than its limit") {
  ContainerWorld world;
  ContainerSpec spec = world.shell("a", "ulimit -n; ulimit -Hn; ulimit -n 100");
  spec.limits.fds = 50;
  world.launch(spec);
  CHECK_FALSE(world.wait_exit("a").succeeded());
  CHECK(contents_of(world.sandbox("a") + "/stdout") == "50\n50\n");
}

TEST_CASE("a task that prints 1 GB keeps only its cap on the disk and its last words") {
  ContainerWorld world;
  ContainerSpec spec = world.shell("a", "head -c 1000000000 /dev/zero; echo last words");
  spec.limits.output_cap_bytes = 4 << 20;
  world.launch(spec);
  const auto on_disk = [&] {
    const long long now = size_of(world.sandbox("a") + "/stdout");
    const long long before = size_of(world.sandbox("a") + "/stdout.1");
    return std::max(now, 0LL) + std::max(before, 0LL);
  };
  long long most = 0;
  world.turn_until([&] {
    most = std::max(most, on_disk());
    return world.find<ContainerExited>("a") != nullptr;
  });
  const ExitRecord record = world.wait_exit("a");
  CHECK(record.succeeded());
  CHECK(record.output_dropped_bytes == 0);
  CHECK(most <= 4 << 20);
  CHECK(on_disk() <= 4 << 20);
  CHECK(on_disk() >= 2 << 20);
  const std::string tail = contents_of(world.sandbox("a") + "/stdout");
  CHECK(tail.substr(tail.size() - 11) == "last words\n");
}

TEST_CASE("a task that turns its log into a link makes nobody write elsewhere") {
  ContainerWorld world;
  const std::string target = world.sandbox("target");
  ContainerSpec spec =
      world.shell("a", "mkdir stdout.1; for i in 1 2 3 4 5 6; do rm -f stdout; ln -s " + target +
                           " stdout; head -c 20000 /dev/zero; sleep 0.02; done");
  spec.limits.output_cap_bytes = 16'384;
  world.launch(spec);
  world.wait_exit("a");
  CHECK(size_of(target) == -1);
}

TEST_CASE("a sandbox on a full disk loses output but not the task") {
  if (skip_unless(is_root(), "mounting a small disk needs root")) return;
  const SmallDisk disk("64k");
  ContainerWorld world;
  ContainerSpec spec = world.shell("a", "head -c 1000000 /dev/zero; echo done > /dev/null");
  spec.sandbox_dir = disk.path() + "/box";
  world.launch(spec);
  const ExitRecord record = world.wait_exit("a");
  CHECK(record.succeeded());
  CHECK(record.output_dropped_bytes > 900'000);
}

}  // namespace bourse::isolation::testing
