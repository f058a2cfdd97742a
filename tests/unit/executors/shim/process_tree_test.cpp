// Each node of the process tree is killed, stopped, or denied its disk (docs/process-tree.md).
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "agent/isolation/shim_protocol.hpp"
#include "agent/isolation/state_file.hpp"
#include "tests/unit/executors/shim/container_world.hpp"

namespace bourse::isolation::testing {

namespace {

pid_t shim_of(const ContainerWorld& world, const std::string& name) {
  const auto shim = decode_state(contents_of(world.run_dir(name) + "/shim"));
  REQUIRE(shim.ok());
  return static_cast<pid_t>(number_of(*shim, "pid"));
}

pid_t parent_of(pid_t pid) {
  const auto stat = stat_of_process(pid);
  return stat ? stat->parent : 0;
}

}  // namespace

TEST_CASE("the shim is the parent of the task and stands outside of every container's cgroup") {
  ContainerWorld world;
  world.launch(world.shell("a", "sleep 1000"));
  const pid_t task = world.wait<ContainerStarted>("a").task.pid;
  const pid_t shim = shim_of(world, "a");
  CHECK(parent_of(task) == shim);
  CHECK(parent_of(shim) == world.runtime().launcher().pid);
  CHECK(parent_of(world.runtime().launcher().pid) == ::getpid());
  if (world.runtime().controllers() == 0) return;
  const std::string of_shim = contents_of("/proc/" + std::to_string(shim) + "/cgroup");
  const std::string of_task = contents_of("/proc/" + std::to_string(task) + "/cgroup");
  CHECK(of_shim.find("/shims\n") != std::string::npos);
  CHECK(of_shim.find(world.id("a")) == std::string::npos);
  CHECK(of_task.find("/c-" + world.id("a") + "\n") != std::string::npos);
  CHECK(of_shim != contents_of("/proc/self/cgroup"));
}

TEST_CASE("the launcher is killed: running shims survive, a new launcher serves the next launch") {
  ContainerWorld world;
  world.launch(world.shell("a", "sleep 1000"));
  const ProcessIdentity task = world.wait<ContainerStarted>("a").task;
  const ProcessIdentity first = world.runtime().launcher();
  REQUIRE(::kill(first.pid, SIGKILL) == 0);
  REQUIRE(world.turn_until(
      [&] { return !world.runtime().launcher().empty() && world.runtime().launcher() != first; }));
  CHECK(is_alive(task));
  world.launch(world.shell("b", "echo after"));
  CHECK(world.wait_exit("b").succeeded());
  REQUIRE(world.runtime().destroy(world.id("a")).ok());
  CHECK(world.wait_exit("a").killed);
}

TEST_CASE("the launcher is killed amid launches: each of them starts or fails, none hangs") {
  ContainerWorld world;
  constexpr int kLaunches = 20;
  for (int i = 0; i < kLaunches; ++i) {
    world.launch(world.shell("n" + std::to_string(i), "true"));
    if (i == kLaunches / 2) ::kill(world.runtime().launcher().pid, SIGKILL);
  }
  const auto ended = [&](int i) {
    const std::string name = "n" + std::to_string(i);
    return world.find<ContainerExited>(name) != nullptr ||
           world.find<ContainerFailed>(name) != nullptr;
  };
  int exited = 0;
  for (int i = 0; i < kLaunches; ++i) {
    const std::string name = "n" + std::to_string(i);
    CHECK(world.turn_until([&] { return ended(i); }));
    if (const auto* one = world.find<ContainerExited>(name)) {
      CHECK(one->record.succeeded());
      ++exited;
    }
    world.release(name);
  }
  world.launch(world.shell("last", "true"));
  CHECK(world.wait_exit("last").succeeded());
  CHECK(exited <= kLaunches);
}

TEST_CASE("the launcher is stopped: the launch fails in time and a new launcher takes over") {
  RuntimeOptions options;
  options.launch_timeout = Duration::milliseconds(300);
  ContainerWorld world(options);
  const ProcessIdentity first = world.runtime().launcher();
  REQUIRE(::kill(first.pid, SIGSTOP) == 0);
  REQUIRE(eventually([&] { return stat_of_process(first.pid)->state == 'T'; }));
  world.launch(world.shell("a", "true"));
  CHECK(world.wait<ContainerFailed>("a").reason.find("no shim came up") != std::string::npos);
  world.release("a");
  CHECK_FALSE(is_alive(first));
  world.launch(world.shell("b", "true"));
  CHECK(world.wait_exit("b").succeeded());
}

TEST_CASE("the shim is killed: the container dies with it and is reported lost") {
  ContainerWorld world;
  world.launch(world.shell("a", "setsid sleep 1000 & sh -c 'sleep 1000 & sleep 1000'"));
  const ProcessIdentity task = world.wait<ContainerStarted>("a").task;
  REQUIRE(::kill(shim_of(world, "a"), SIGKILL) == 0);
  const ContainerLost lost = world.wait<ContainerLost>("a");
  CHECK_FALSE(lost.leaked);
  CHECK_FALSE(is_alive(task));
  CHECK(eventually([&] { return processes_with(world.tag()).empty(); }));
  for (const std::string& base : world.cgroup_dirs()) {
    CHECK(::access((base + "/c-" + world.id("a")).c_str(), F_OK) != 0);
  }
  world.release("a");
}

TEST_CASE(
    "a task dies with its shim even when no agent and no pid namespace is there to see to it") {
  RuntimeOptions options;
  options.use_cgroups = false;
  options.use_namespaces = false;
  ContainerWorld world(options);
  ContainerSpec spec = world.shell("a", "");
  spec.argv = {"/bin/sleep", "1000"};
  if (is_root()) spec.user = "nobody";  // changing the user clears a parent-death signal
  world.launch(spec);
  const ProcessIdentity task = world.wait<ContainerStarted>("a").task;
  const pid_t shim = shim_of(world, "a");
  world.agent_dies();
  REQUIRE(::kill(shim, SIGKILL) == 0);
  CHECK(eventually([&] { return !is_alive(task); }));
  world.agent_returns();
  world.wait<ContainerLost>("a");
  world.release("a");
}

TEST_CASE("the shim is killed before the task started: lost or failed, and nothing left") {
  ContainerWorld world;
  for (int i = 0; i < 10; ++i) {
    const std::string name = "a" + std::to_string(i);
    world.launch(world.shell(name, "sleep 1000"));
    for (const std::string file = world.run_dir(name) + "/shim"; size_of(file) <= 0;) world.turn(0);
    ::kill(shim_of(world, name), SIGKILL);
    CHECK(world.turn_until([&] {
      return world.find<ContainerLost>(name) != nullptr ||
             world.find<ContainerFailed>(name) != nullptr;
    }));
    world.release(name);
  }
}

TEST_CASE("the shim gets SIGTERM: it ends its task with the configured grace and says so") {
  RuntimeOptions options;
  options.term_grace = Duration::milliseconds(100);
  ContainerWorld world(options);
  world.launch(world.shell("a", "trap '' TERM; echo ready; while true; do sleep 0.01; done"));
  REQUIRE(world.turn_until([&] { return size_of(world.sandbox("a") + "/stdout") > 0; }));
  REQUIRE(::kill(shim_of(world, "a"), SIGTERM) == 0);
  const ExitRecord record = world.wait_exit("a");
  CHECK(WTERMSIG(record.wait_status) == SIGKILL);
  CHECK(record.killed);
}

TEST_CASE("process 1 of a container is killed: all of the container dies and its end is reported") {
  if (skip_unless(is_root(), "a pid namespace needs root")) return;
  ContainerWorld world;
  world.launch(world.shell("a", "sleep 1000 & sleep 1000"));
  const pid_t task = world.wait<ContainerStarted>("a").task.pid;
  pid_t init = 0;
  for (const pid_t pid : descendants_of(shim_of(world, "a"))) {
    if (contents_of("/proc/" + std::to_string(pid) + "/comm") == "bourse-init\n") init = pid;
  }
  REQUIRE(init != 0);
  CHECK(init != task);
  REQUIRE(::kill(init, SIGKILL) == 0);
  CHECK(WTERMSIG(world.wait_exit("a").wait_status) == SIGKILL);
}

TEST_CASE("a task cannot kill or signal process 1 of its container") {
  if (skip_unless(is_root(), "a pid namespace needs root")) return;
  ContainerWorld world;
  world.launch(world.shell("a", "kill -9 1; kill -15 1; sleep 0.05; exit 3"));
  CHECK(WEXITSTATUS(world.wait_exit("a").wait_status) == 3);
}

TEST_CASE("the task is killed by somebody else: its end is reported with the signal") {
  ContainerWorld world;
  world.launch(world.shell("a", "sleep 1000 & sleep 1000"));
  REQUIRE(::kill(world.wait<ContainerStarted>("a").task.pid, SIGKILL) == 0);
  const ExitRecord record = world.wait_exit("a");
  CHECK(WTERMSIG(record.wait_status) == SIGKILL);
  CHECK_FALSE(record.killed);
}

TEST_CASE("the disk is full when a task exits: the status is stored in what was reserved for it") {
  if (skip_unless(is_root(), "mounting a small disk needs root")) return;
  const SmallDisk small("256k");
  const std::string disk = small.path();
  {
    RuntimeOptions options;
    options.runtime_dir = disk + "/run";
    ContainerWorld world(options);
    world.launch(world.shell("a", "while [ ! -e go ]; do sleep 0.01; done; exit 6"));
    world.wait<ContainerStarted>("a");
    REQUIRE(eventually([&] { return size_of(world.run_dir("a") + "/task") > 0; }));
    {
      std::ofstream fill(disk + "/fill");
      const std::string block(4096, 'x');
      while (fill.write(block.data(), 4096).flush()) continue;
    }
    REQUIRE(std::filesystem::space(disk).available == 0);
    std::ofstream(world.sandbox("a") + "/go") << "";
    const ExitRecord record = world.wait<ContainerExited>("a").record;
    CHECK(WEXITSTATUS(record.wait_status) == 6);
    CHECK(record.durable);
    // And a launch on the full disk is refused with the reason.
    const Status refused = world.runtime().launch(world.shell("b", "true"));
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == ErrorCode::full);
    CHECK(refused.error().message.find("No space left on device") != std::string::npos);
    world.release("a");
    std::filesystem::remove(disk + "/fill");
  }
}

TEST_CASE("a status that cannot be stored is reported as not durable and held until released") {
  ContainerWorld world;
  const auto end_with_blocked_disk = [&](const std::string& name) {
    world.launch(world.shell(name, "while [ ! -e go ]; do sleep 0.01; done; exit 6"));
    world.wait<ContainerStarted>(name);
    REQUIRE(eventually([&] { return size_of(world.run_dir(name) + "/task") > 0; }));
    // A directory where the file must be written stands for any disk that refuses.
    REQUIRE(::unlink((world.run_dir(name) + "/exit.tmp").c_str()) == 0);
    REQUIRE(::mkdir((world.run_dir(name) + "/exit.tmp").c_str(), 0700) == 0);
    std::ofstream(world.sandbox(name) + "/go") << "";
    const ExitRecord record = world.wait<ContainerExited>(name).record;
    CHECK(WEXITSTATUS(record.wait_status) == 6);
    CHECK_FALSE(record.durable);
    return identify(shim_of(world, name));
  };
  const ProcessIdentity held = end_with_blocked_disk("held");
  world.turn(50);
  CHECK(is_alive(held));
  REQUIRE(::rmdir((world.run_dir("held") + "/exit.tmp").c_str()) == 0);
  world.release("held");
  CHECK(eventually([&] { return !is_alive(held); }));

  // The agent dies before it has stored it: its successor learns it.
  const ProcessIdentity kept = end_with_blocked_disk("kept");
  world.agent_dies();
  CHECK(is_alive(kept));
  REQUIRE(::rmdir((world.run_dir("kept") + "/exit.tmp").c_str()) == 0);
  CHECK(eventually([&] { return size_of(world.run_dir("kept") + "/exit") > 0; }));
  world.agent_returns();
  REQUIRE(world.recovered.size() == 1);
  CHECK(WEXITSTATUS(world.recovered[0].exit->wait_status) == 6);
  world.release("kept");
  CHECK(eventually([&] { return !is_alive(kept); }));
}

TEST_CASE("a shim whose run directory was removed leaves when its task has ended") {
  ContainerWorld world;
  world.launch(world.shell("a", "sleep 1000"));
  const ProcessIdentity task = world.wait<ContainerStarted>("a").task;
  REQUIRE(eventually([&] { return size_of(world.run_dir("a") + "/task") > 0; }));
  const ProcessIdentity shim = identify(shim_of(world, "a"));
  world.agent_dies();
  std::filesystem::remove_all(world.run_dir("a"));
  REQUIRE(::kill(task.pid, SIGKILL) == 0);
  CHECK(eventually([&] { return !is_alive(shim); }));
  world.agent_returns();
  CHECK(world.recovered.empty());
}

TEST_CASE("strangers and garbage on the shims' socket are shown the door") {
  ContainerWorld world;
  world.launch(world.shell("a", "sleep 1000"));
  world.wait<ContainerStarted>("a");
  const auto connect_and_send = [&](const void* bytes, std::size_t size) {
    const int fd = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    (world.options().runtime_dir + "/shims.sock").copy(address.sun_path, 107);
    REQUIRE(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::send(fd, bytes, size, 0) == static_cast<ssize_t>(size));
    char byte = 0;
    ssize_t got = -1;
    CHECK(world.turn_until([&] { return (got = ::recv(fd, &byte, 1, MSG_DONTWAIT)) == 0; }));
    ::close(fd);
  };
  connect_and_send("garbage", 7);
  Frame hello = make_frame(FrameType::hello);
  connect_and_send(&hello, sizeof hello);  // an empty token
  Frame exited = make_frame(FrameType::exited);
  connect_and_send(&exited, sizeof exited);  // no hello first
  CHECK(world.find<ContainerExited>("a") == nullptr);
  REQUIRE(world.runtime().destroy(world.id("a")).ok());
  world.wait_exit("a");
}

}  // namespace bourse::isolation::testing
