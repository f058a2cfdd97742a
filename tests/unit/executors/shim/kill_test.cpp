// Killing: grace, stubbornness, trees, frozen groups, what cannot be removed.
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>

#include "agent/isolation/kernel_file.hpp"
#include "tests/unit/executors/shim/container_world.hpp"

namespace bourse::isolation::testing {

namespace {

void wait_for_output(ContainerWorld& world, const std::string& name, const std::string& text) {
  REQUIRE(world.turn_until([&] {
    return contents_of(world.sandbox(name) + "/stdout").find(text) != std::string::npos;
  }));
}

}  // namespace

TEST_CASE("a task that handles SIGTERM ends in its own way within the grace") {
  ContainerWorld world;
  world.launch(world.shell(
      "a", "trap 'echo bye; exit 7' TERM; echo ready; while true; do sleep 0.01; done"));
  wait_for_output(world, "a", "ready");
  REQUIRE(world.runtime().kill(world.id("a"), Duration::seconds(30)).ok());
  const ExitRecord record = world.wait_exit("a");
  CHECK(WEXITSTATUS(record.wait_status) == 7);
  CHECK(record.killed);
  CHECK(contents_of(world.sandbox("a") + "/stdout") == "ready\nbye\n");
}

TEST_CASE("a plain task dies of SIGTERM at once, although it has a pid namespace of its own") {
  ContainerWorld world;
  ContainerSpec spec = world.shell("a", "");
  spec.argv = {"/bin/sleep", "1000"};
  world.launch(spec);
  world.wait<ContainerStarted>("a");
  REQUIRE(world.runtime().kill(world.id("a"), Duration::seconds(60)).ok());
  const ExitRecord record = world.wait_exit("a", 10'000);
  CHECK(WTERMSIG(record.wait_status) == SIGTERM);
}

TEST_CASE("a task that ignores SIGTERM dies after the grace and not before") {
  ContainerWorld world;
  world.launch(
      world.shell("a", "trap 'echo no' TERM; echo ready; while true; do sleep 0.01; done"));
  wait_for_output(world, "a", "ready");
  const auto begin = std::chrono::steady_clock::now();
  REQUIRE(world.runtime().kill(world.id("a"), Duration::milliseconds(300)).ok());
  const ExitRecord record = world.wait_exit("a");
  const auto took = std::chrono::steady_clock::now() - begin;
  CHECK(took >= std::chrono::milliseconds(290));
  CHECK(WTERMSIG(record.wait_status) == SIGKILL);
  CHECK(contents_of(world.sandbox("a") + "/stdout").find("no") != std::string::npos);
}

TEST_CASE("a tree of daemonised and orphaned processes dies whole") {
  ContainerWorld world;
  world.launch(world.shell(
      "a",
      "(setsid sh -c 'trap \"\" TERM HUP; sh -c \"sleep 1000\" & sleep 1000' &) ; "
      "(setsid setsid sleep 1000 &) ; sh -c 'sleep 1000 & sleep 1000' & echo ready; sleep 1000"));
  wait_for_output(world, "a", "ready");
  // The shim, process 1, the shell and at least six more.
  REQUIRE(world.turn_until([&] { return processes_with(world.tag()).size() >= 8; }));
  REQUIRE(world.runtime().kill(world.id("a"), Duration::milliseconds(50)).ok());
  CHECK_FALSE(world.wait_exit("a").leaked);
  CHECK(eventually([&] { return processes_with(world.tag()).empty(); }));
}

TEST_CASE("what a task leaves behind when it exits by itself dies with it") {
  ContainerWorld world;
  world.launch(world.shell("a", "setsid sleep 1000 & sleep 1000 & exit 4"));
  CHECK(WEXITSTATUS(world.wait_exit("a").wait_status) == 4);
  CHECK(eventually([&] { return processes_with(world.tag()).empty(); }));
}

TEST_CASE("a signal reaches the task") {
  ContainerWorld world;
  world.launch(world.shell("a", "trap 'exit 9' USR1; echo ready; while true; do sleep 0.01; done"));
  wait_for_output(world, "a", "ready");
  CHECK(world.runtime().signal(world.id("a"), 0).error().code == ErrorCode::invalid);
  REQUIRE(world.runtime().signal(world.id("a"), SIGUSR1).ok());
  CHECK(WEXITSTATUS(world.wait_exit("a").wait_status) == 9);
}

TEST_CASE("a kill that comes before the shim is up is not forgotten") {
  ContainerWorld world;
  world.launch(world.shell("a", "sleep 1000"));
  REQUIRE(world.runtime().kill(world.id("a"), Duration{}).ok());
  const ExitRecord record = world.wait_exit("a");
  CHECK(record.killed);
}

TEST_CASE("a container whose cgroup was frozen is killed all the same") {
  ContainerWorld world;
  if (skip_unless((world.runtime().controllers() & kFreezer) != 0, "no usable freezer")) return;
  world.launch(world.shell("a", "sleep 1000"));
  world.wait<ContainerStarted>("a");
  int frozen = 0;
  for (const std::string& base : world.cgroup_dirs()) {
    const std::string dir = base + "/c-" + world.id("a");
    if (write_value(dir + "/freezer.state", "FROZEN") == 0) ++frozen;
    if (write_value(dir + "/cgroup.freeze", "1") == 0) ++frozen;
  }
  REQUIRE(frozen >= 1);
  REQUIRE(world.runtime().kill(world.id("a"), Duration::milliseconds(50)).ok());
  CHECK_FALSE(world.wait_exit("a").leaked);
}

TEST_CASE("a container whose cgroup cannot be removed is leaked and later cleared") {
  if (skip_unless(is_root(), "making cgroups needs root")) return;
  RuntimeOptions options;
  options.destroy_limit = Duration::milliseconds(200);
  ContainerWorld world(options);
  if (skip_unless(world.runtime().controllers() != 0, "no usable cgroup")) return;
  world.launch(world.shell("a", "sleep 1000"));
  world.wait<ContainerStarted>("a");
  // Deeper than the walk goes: stands for anything that the kernel does not let go.
  std::vector<std::string> made{world.cgroup_dirs()[0] + "/c-" + world.id("a")};
  for (int depth = 0; depth < 12; ++depth) {
    made.push_back(made.back() + "/d");
    REQUIRE(::mkdir(made.back().c_str(), 0755) == 0);
  }
  REQUIRE(world.runtime().destroy(world.id("a")).ok());
  const ExitRecord record = world.wait<ContainerExited>("a").record;
  CHECK(record.leaked);
  CHECK(world.runtime().release(world.id("a")).error().code == ErrorCode::conflict);
  for (std::size_t i = made.size() - 1; i > 0; --i) ::rmdir(made[i].c_str());
  REQUIRE(world.runtime().destroy(world.id("a")).ok());
  world.wait<ContainerCleared>("a");
  world.release("a");
}

}  // namespace bourse::isolation::testing
