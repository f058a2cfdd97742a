// Launching, environments, exit statuses, refusals: one container at a time.
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>

#include "tests/unit/executors/shim/container_world.hpp"

namespace bourse::isolation::testing {

TEST_CASE("a container runs its command in its sandbox and its output is kept") {
  ContainerWorld world;
  world.launch(world.shell("a", "pwd; echo to-stderr >&2"));
  const ContainerStarted started = world.wait<ContainerStarted>("a");
  CHECK(started.task.pid > 0);
  CHECK(started.task.start_time > 0);
  const ExitRecord record = world.wait_exit("a");
  CHECK(record.succeeded());
  CHECK(record.durable);
  CHECK(record.cpu_ns > 0);
  CHECK(contents_of(world.sandbox("a") + "/stdout") == world.sandbox("a") + "\n");
  CHECK(contents_of(world.sandbox("a") + "/stderr") == "to-stderr\n");
}

TEST_CASE("a task inherits descriptors 0, 1 and 2 and nothing else") {
  ContainerWorld world;
  world.launch(world.shell("a", "ls /proc/$$/fd; [ /proc/$$/fd/0 -ef /dev/null ] && echo empty"));
  world.wait_exit("a");
  CHECK(contents_of(world.sandbox("a") + "/stdout") == "0\n1\n2\nempty\n");
}

TEST_CASE("what the agent forgot to close reaches neither launcher nor shim") {
  int forgotten[2];
  REQUIRE(::pipe(forgotten) == 0);  // without close-on-exec
  ContainerWorld world;
  world.launch(world.shell("a", "sleep 1000"));
  world.wait<ContainerStarted>("a");
  ::close(forgotten[1]);
  char byte = 0;
  CHECK(::read(forgotten[0], &byte, 1) == 0);  // nobody else holds the other end
  ::close(forgotten[0]);
}

TEST_CASE("a task has its own environment, default signals and no new privileges") {
  ContainerWorld world;
  ContainerSpec spec =
      world.shell("a", "env; while read -r line; do echo \"$line\"; done < /proc/self/status");
  spec.env = {{"PATH", "/usr/bin:/bin"}, {"ONE", "1=2 3"}, {"EMPTY", ""}};
  world.launch(spec);
  world.wait_exit("a");
  const std::string out = contents_of(world.sandbox("a") + "/stdout");
  INFO(out);
  CHECK(out.find("ONE=1=2 3\n") != std::string::npos);
  CHECK(out.find("EMPTY=\n") != std::string::npos);
  CHECK(out.find("BOURSE_SHIM") == std::string::npos);
  CHECK(out.find("SigBlk:\t0000000000000000") != std::string::npos);
  CHECK(out.find("SigIgn:\t0000000000000000") != std::string::npos);
  CHECK(out.find("NoNewPrivs:\t1") != std::string::npos);
}

TEST_CASE("every way to end is told apart") {
  ContainerWorld world;
  world.launch(world.shell("three", "exit 3"));
  CHECK(WEXITSTATUS(world.wait_exit("three").wait_status) == 3);
  world.launch(world.shell("signal", "kill -9 $$"));
  const ExitRecord killed = world.wait_exit("signal");
  CHECK(WIFSIGNALED(killed.wait_status));
  CHECK(WTERMSIG(killed.wait_status) == SIGKILL);
  CHECK_FALSE(killed.killed);
  CHECK_FALSE(killed.oom);

  ContainerSpec spec = world.shell("missing", "");
  spec.argv = {"/no/such/program"};
  world.launch(spec);
  const ExitRecord missing = world.wait_exit("missing");
  CHECK_FALSE(missing.launched);
  CHECK(describe_exit(missing) == "could not run the program: No such file or directory");
  CHECK(world.find<ContainerStarted>("missing") == nullptr);
}

TEST_CASE("a specification that cannot be is refused with the reason and leaves nothing") {
  ContainerWorld world;
  const auto refusal = [&](const ContainerSpec& spec) {
    const Status status = world.runtime().launch(spec);
    REQUIRE_FALSE(status.ok());
    return status.error().message;
  };
  ContainerSpec spec = world.shell("a", "true");
  spec.container_id = "../evil";
  CHECK(refusal(spec).find("container_id '../evil' must be") == 0);
  spec = world.shell("a", "");
  CHECK(refusal(spec).find("needs either argv or shell_command") != std::string::npos);
  spec = world.shell("a", "true");
  spec.user = "no-such-user";
  CHECK(refusal(spec) == "user 'no-such-user' does not exist on this agent");
  spec = world.shell("a", "true");
  spec.limits.memory_bytes = -1;
  CHECK(refusal(spec) == "limit memory_bytes is -1; it must not be negative");
  spec = world.shell("a", std::string(200'000, 'x'));
  CHECK(refusal(spec).find("no string over 128 KiB") != std::string::npos);
  spec = world.shell("a", "true");
  spec.env.emplace_back("A=B", "c");
  CHECK(refusal(spec).find("must not be empty or contain '='") != std::string::npos);
  spec = world.shell("a", "true");
  spec.sandbox_dir = "relative";
  CHECK(refusal(spec).find("must be an absolute path") != std::string::npos);
  CHECK(world.runtime().container_ids().empty());
  CHECK(std::filesystem::is_empty(world.options().runtime_dir + "/containers"));
}

TEST_CASE("a second launch of a living or unreleased container is refused") {
  ContainerWorld world;
  world.launch(world.shell("a", "sleep 1000"));
  world.wait<ContainerStarted>("a");
  CHECK(world.runtime().launch(world.shell("a", "true")).error().code == ErrorCode::already_exists);
  CHECK(world.runtime().release(world.id("a")).error().code == ErrorCode::conflict);
  REQUIRE(world.runtime().destroy(world.id("a")).ok());
  world.wait<ContainerExited>("a");
  CHECK(world.runtime().launch(world.shell("a", "true")).error().code == ErrorCode::already_exists);
  CHECK(world.runtime().kill(world.id("a"), Duration{}).error().code == ErrorCode::conflict);
  world.release("a");
  world.events.clear();
  world.launch(world.shell("a", "true"));
  CHECK(world.wait_exit("a").succeeded());
  CHECK(world.runtime().kill(world.id("a"), Duration{}).error().code == ErrorCode::not_found);
}

TEST_CASE("a task runs as the user it names, in a sandbox that is theirs") {
  if (skip_unless(is_root(), "switching users needs root")) return;
  ContainerWorld world;
  ContainerSpec spec = world.shell("a", "id -u; id -g; touch mine && echo wrote");
  spec.user = "nobody";
  world.launch(spec);
  CHECK(world.wait_exit("a").succeeded());
  CHECK(contents_of(world.sandbox("a") + "/stdout") == "65534\n65534\nwrote\n");
  struct stat info {};
  REQUIRE(::stat((world.sandbox("a") + "/stdout").c_str(), &info) == 0);
  CHECK(info.st_uid == 65534);
}

TEST_CASE("a container as root has pid, mount, ipc and uts namespaces of its own") {
  if (skip_unless(is_root(), "namespaces need root")) return;
  ContainerWorld world;
  REQUIRE(world.runtime().namespaces_available());
  world.launch(world.shell("a",
                           "for n in pid mnt ipc uts net; do readlink /proc/self/ns/$n; done; "
                           "ls -d /proc/[0-9]* | wc -l; mount -t tmpfs x /mnt && echo mounted"));
  CHECK(world.wait_exit("a").succeeded());
  const std::string out = contents_of(world.sandbox("a") + "/stdout");
  for (const char* name : {"pid", "mnt", "ipc", "uts"}) {
    const std::string own = std::filesystem::read_symlink(std::string("/proc/self/ns/") + name);
    INFO(name);
    CHECK(out.find(std::string(name) + ":[") != std::string::npos);
    CHECK(out.find(own) == std::string::npos);
  }
  CHECK(out.find(std::filesystem::read_symlink("/proc/self/ns/net").string()) != std::string::npos);
  CHECK(out.find("mounted") != std::string::npos);  // and ContainerWorld counts the host's mounts
  const std::size_t line = out.find("\n", out.find("net:["));
  CHECK(std::stoi(out.substr(line + 1)) <= 5);  // init, sh, ls, wc
}

TEST_CASE("launch latency and shim memory are printed") {
  ContainerWorld world;
  std::vector<double> started_us;
  std::vector<double> ended_us;
  constexpr int kRuns = 40;
  for (int i = 0; i < kRuns; ++i) {
    const std::string name = "l" + std::to_string(i);
    ContainerSpec spec = world.shell(name, "");
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
  std::printf("launch to started: min %.0f us, p50 %.0f us, p90 %.0f us; to exited: p50 %.0f us\n",
              started_us[0], started_us[kRuns / 2], started_us[kRuns * 9 / 10],
              ended_us[kRuns / 2]);
  int shims = 0;
  for (const pid_t pid : processes_with(world.tag())) {
    const std::string dir = "/proc/" + std::to_string(pid);
    if (contents_of(dir + "/comm") != "bourse-shim\n") continue;
    const std::string rollup = contents_of(dir + "/smaps_rollup");
    const auto kib = [&](const std::string& key) {
      const std::size_t at = rollup.find(key);
      return at == std::string::npos ? 0LL : std::stoll(rollup.substr(at + key.size()));
    };
    const long long own = kib("Private_Clean:") + kib("Private_Dirty:");
    std::printf("shim memory: %lld KiB private, %lld KiB RSS\n", own, kib("Rss:"));
    if (is_root()) {  // others may not look into a shim
      CHECK(own > 0);
      CHECK(own <= 1024);
      CHECK(kib("Rss:") <= 2048);
    }
    ++shims;
  }
  CHECK(shims == 1);
}

}  // namespace bourse::isolation::testing
