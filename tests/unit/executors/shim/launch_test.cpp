// Launching, output, exit statuses, refusals: one container at a time, as root or not.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>

#include "tests/unit/executors/shim/container_world.hpp"

namespace bourse::isolation::testing {

TEST_CASE("a container runs its command in its sandbox and its output is kept") {
  ContainerWorld world;
  world.launch(world.shell("a", "pwd; echo to-stderr >&2; cat /proc/self/cgroup > groups"));
  const ContainerStarted started = world.wait<ContainerStarted>("a");
  CHECK(started.task.pid > 0);
  CHECK(started.task.start_time > 0);
  const ExitRecord record = world.wait_exit("a");
  CHECK(record.succeeded());
  CHECK(record.durable);
  CHECK(contents_of(world.sandbox("a") + "/stdout") == world.sandbox("a") + "\n");
  CHECK(contents_of(world.sandbox("a") + "/stderr") == "to-stderr\n");
}

TEST_CASE("launch latency and shim memory are printed") {
  ContainerWorld world;
  std::vector<double> started_us;
  std::vector<double> ended_us;
  for (int i = 0; i < 40; ++i) {
    const std::string name = "l" + std::to_string(i);
    ContainerSpec spec = world.shell(name, "x");
    spec.shell_command.clear();
    spec.argv = {"/bin/true"};
    spec.limits.cpu_milli = 1000;
    spec.limits.memory_bytes = 64 << 20;
    spec.limits.pids = 64;
    const auto begin = std::chrono::steady_clock::now();
    const auto us = [&] {
      return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin)
          .count();
    };
    world.launch(spec);
    world.wait<ContainerStarted>(name);
    started_us.push_back(us());
    world.wait<ContainerExited>(name);
    ended_us.push_back(us());
    world.release(name);
  }
  std::sort(started_us.begin(), started_us.end());
  std::sort(ended_us.begin(), ended_us.end());
  world.launch(world.shell("m", "sleep 1000"));
  world.wait<ContainerStarted>("m");
  std::printf("launch to started: p50 %.0f us, p90 %.0f us; to exited: p50 %.0f us\n",
              started_us[20], started_us[36], ended_us[20]);
  for (const pid_t pid : processes_with(world.tag())) {
    const std::string dir = "/proc/" + std::to_string(pid);
    std::printf("%s: %s\n", contents_of(dir + "/comm").c_str(),
                contents_of(dir + "/smaps_rollup").c_str());
  }
}

}  // namespace bourse::isolation::testing
