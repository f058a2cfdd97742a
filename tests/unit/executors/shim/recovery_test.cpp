// An agent that dies and returns: what it finds.
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "agent/isolation/cgroup_base.hpp"
#include "agent/isolation/kernel_file.hpp"
#include "agent/isolation/state_file.hpp"
#include "tests/unit/executors/shim/container_world.hpp"

namespace bourse::isolation::testing {

using State = RecoveredContainer::State;

TEST_CASE("a shim survives the agent's death and the exit status is found by recover") {
  ContainerWorld world;
  world.launch(world.shell("a", "echo ready; while [ ! -e go ]; do sleep 0.01; done; exit 5"));
  world.wait<ContainerStarted>("a");
  world.agent_dies();
  CHECK(processes_with(world.id("a")).size() >= 1);
  std::ofstream(world.sandbox("a") + "/go") << "";
  REQUIRE(eventually([&] { return size_of(world.run_dir("a") + "/exit") > 0; }));
  REQUIRE(eventually([&] { return processes_with(world.id("a")).empty(); }));
  world.agent_returns();
  REQUIRE(world.recovered.size() == 1);
  CHECK(world.recovered[0].container_id == world.id("a"));
  REQUIRE(world.recovered[0].state == State::exited);
  CHECK(WEXITSTATUS(world.recovered[0].exit->wait_status) == 5);
  CHECK(world.recovered[0].exit->durable);
  for (int i = 0; i < 5; ++i) world.turn(5);
  CHECK(world.events.empty());
  world.release("a");
}

TEST_CASE("a task that runs through an agent's restart keeps its pid and can be killed") {
  ContainerWorld world;
  world.launch(world.shell("a", "sleep 1000"));
  const ProcessIdentity task = world.wait<ContainerStarted>("a").task;
  REQUIRE(eventually([&] { return size_of(world.run_dir("a") + "/task") > 0; }));
  world.agent_dies();
  world.agent_returns();
  REQUIRE(world.recovered.size() == 1);
  CHECK(world.recovered[0].state == State::running);
  CHECK(world.recovered[0].task == task);
  CHECK(is_alive(task));
  CHECK(world.runtime().launch(world.shell("a", "true")).error().code == ErrorCode::already_exists);
  REQUIRE(world.runtime().kill(world.id("a"), Duration::seconds(30)).ok());
  const auto begin = std::chrono::steady_clock::now();
  const ExitRecord record = world.wait_exit("a");
  CHECK(WTERMSIG(record.wait_status) == SIGTERM);
  // Poked by the new agent, the shim does not wait for its next attempt.
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(5));
  CHECK_FALSE(is_alive(task));
}

TEST_CASE("the grace of a kill runs out in the shim while there is no agent") {
  ContainerWorld world;
  world.launch(world.shell("a", "trap '' TERM; echo ready; while true; do sleep 0.01; done"));
  REQUIRE(world.turn_until([&] { return size_of(world.sandbox("a") + "/stdout") > 0; }));
  REQUIRE(world.runtime().kill(world.id("a"), Duration::milliseconds(200)).ok());
  world.turn();
  world.agent_dies();
  CHECK(eventually([&] { return processes_with(world.id("a")).empty(); }));
  world.agent_returns();
  REQUIRE(world.recovered.size() == 1);
  REQUIRE(world.recovered[0].state == State::exited);
  CHECK(WTERMSIG(world.recovered[0].exit->wait_status) == SIGKILL);
  CHECK(world.recovered[0].exit->killed);
  world.release("a");
}

TEST_CASE("a kill -9 of the whole agent process loses no container") {
  TempDir dir;
  RuntimeOptions options;
  options.runtime_dir = dir / "run";
  options.shim_path = BOURSE_SHIM_PATH;
  const std::string tag = "k" + std::to_string(::getpid());
  int started[2];
  REQUIRE(::pipe(started) == 0);
  const pid_t agent = ::fork();
  if (agent == 0) {
    pid_t task = 0;
    auto runtime = ContainerRuntime::open(options, [&](const ContainerEvent& event) {
      if (const auto* one = std::get_if<ContainerStarted>(&event)) task = one->task.pid;
    });
    if (!runtime.ok()) ::_exit(1);
    (void)(*runtime)->recover();
    ContainerSpec spec;
    spec.container_id = tag;
    spec.sandbox_dir = dir / "box";
    spec.shell_command = "sleep 1000";
    if (!(*runtime)->launch(spec).ok()) ::_exit(2);
    while (task == 0) (*runtime)->process();
    [[maybe_unused]] const ssize_t wrote = ::write(started[1], &task, sizeof task);
    while (true) ::pause();
  }
  pid_t task = 0;
  REQUIRE(::read(started[0], &task, sizeof task) == sizeof task);
  const ProcessIdentity identity = identify(task);
  ::kill(agent, SIGKILL);
  ::waitpid(agent, nullptr, 0);
  REQUIRE(is_alive(identity));
  {
    ContainerWorld world(options);
    REQUIRE(world.recovered.size() == 1);
    CHECK(world.recovered[0].state == State::running);
    REQUIRE(world.runtime().destroy(tag).ok());
    CHECK(world.turn_until([&] {
      return !world.events.empty() && std::holds_alternative<ContainerExited>(world.events.back());
    }));
    REQUIRE(world.runtime().release(tag).ok());
  }
  CHECK_FALSE(is_alive(identity));
  ::close(started[0]);
  ::close(started[1]);
}

TEST_CASE("a shim that died while the agent was away is found lost, and its leftovers are killed") {
  ContainerWorld world;
  world.launch(world.shell("a", "setsid sleep 1000 & sleep 1000"));
  const ProcessIdentity task = world.wait<ContainerStarted>("a").task;
  REQUIRE(eventually([&] { return size_of(world.run_dir("a") + "/task") > 0; }));
  const auto shim = decode_state(contents_of(world.run_dir("a") + "/shim"));
  REQUIRE(shim.ok());
  world.agent_dies();
  REQUIRE(::kill(static_cast<pid_t>(number_of(*shim, "pid")), SIGKILL) == 0);
  world.agent_returns();
  REQUIRE(world.recovered.size() == 1);
  const ContainerLost lost = world.wait<ContainerLost>("a");
  CHECK_FALSE(lost.leaked);
  CHECK(lost.reason.find("died without leaving an exit status") != std::string::npos);
  CHECK_FALSE(is_alive(task));
  world.release("a");
}

TEST_CASE("a pid of an earlier boot or of somebody else is never touched") {
  // Containers that only their files tell of, with this test's own pid where the shim's was.
  ContainerWorld world;
  const ProcessIdentity self = identify(::getpid());
  const auto forge = [&](const std::string& name, const std::string& boot, std::int64_t start) {
    const std::string dir = world.run_dir(name);
    REQUIRE(::mkdir(dir.c_str(), 0700) == 0);
    std::ofstream(dir + "/launch") << encode_state({{"container_id", world.id(name)},
                                                    {"token", std::string(32, 'f')},
                                                    {"boot_id", boot},
                                                    {"sandbox_dir", "/nowhere"}});
    const StateFields identity{{"state", "running"},
                               {"boot_id", boot},
                               {"pid", std::to_string(self.pid)},
                               {"start_time", std::to_string(start)}};
    std::ofstream(dir + "/shim") << encode_state(identity);
    std::ofstream(dir + "/task") << encode_state(identity);
  };
  world.agent_dies();
  forge("boot", "another-boot", self.start_time);
  forge("reused", boot_id(), self.start_time - 1);
  // Torn by a power loss, and a run directory whose agent died before it wrote into it.
  REQUIRE(::mkdir(world.run_dir("torn").c_str(), 0700) == 0);
  std::ofstream(world.run_dir("torn") + "/launch") << "container_id x\ntok";
  REQUIRE(::mkdir(world.run_dir("empty").c_str(), 0700) == 0);
  world.agent_returns();
  REQUIRE(world.recovered.size() == 3);
  for (const RecoveredContainer& one : world.recovered) CHECK(one.state == State::ending);
  CHECK(world.wait<ContainerLost>("boot").reason.find("the machine was restarted") !=
        std::string::npos);
  CHECK_FALSE(world.wait<ContainerLost>("reused").leaked);
  CHECK(world.wait<ContainerLost>("torn").reason.find("launch: state file is cut short") !=
        std::string::npos);
  CHECK(::access(world.run_dir("empty").c_str(), F_OK) != 0);
  for (const char* name : {"boot", "reused", "torn"}) world.release(name);
}

namespace {

// One digit or letter behind the first occurrence of `key` becomes another.
void damage(const std::string& file, const std::string& key) {
  std::string text = contents_of(file);
  const std::size_t at = text.find(key + " ");
  REQUIRE(at != std::string::npos);
  text[at + key.size() + 1] ^= 1;
  std::ofstream(file) << text;
}

bool noted(ContainerWorld& world, const std::string& words) {
  for (const std::string& note : world.runtime().notes()) {
    if (note.find(words) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("an exit file that was changed is not believed, and the reason names it") {
  ContainerWorld world;
  world.launch(world.shell("a", "while [ ! -e go ]; do sleep 0.01; done; exit 5"));
  world.wait<ContainerStarted>("a");
  world.agent_dies();
  std::ofstream(world.sandbox("a") + "/go") << "";
  REQUIRE(eventually([&] { return size_of(world.run_dir("a") + "/exit") > 0; }));
  REQUIRE(eventually([&] { return processes_with(world.id("a")).empty(); }));
  damage(world.run_dir("a") + "/exit", "wait_status");
  world.agent_returns();
  REQUIRE(world.recovered.size() == 1);
  CHECK(world.recovered[0].state == State::ending);
  CHECK(world.wait<ContainerLost>("a").reason.find(
            "how it ended is not known, its file is damaged: exit: state file is not as") !=
        std::string::npos);
  world.release("a");
}

TEST_CASE("a container whose launch file was changed is ended, and the reason names it") {
  ContainerWorld world;
  world.launch(world.shell("a", "setsid sleep 1000 & sleep 1000"));
  const ProcessIdentity task = world.wait<ContainerStarted>("a").task;
  world.agent_dies();
  damage(world.run_dir("a") + "/launch", "token");
  world.agent_returns();
  REQUIRE(world.recovered.size() == 1);
  CHECK(world.recovered[0].state == State::ending);
  const ContainerLost lost = world.wait<ContainerLost>("a");
  CHECK_FALSE(lost.leaked);
  CHECK(lost.reason.find("its file is damaged: launch: state file is not as it was written") !=
        std::string::npos);
  CHECK_FALSE(is_alive(task));
  world.release("a");
}

TEST_CASE("a changed shim or task file costs no container: its shim comes and tells") {
  ContainerWorld world;
  world.launch(world.shell("a", "sleep 1000"));
  const ProcessIdentity task = world.wait<ContainerStarted>("a").task;
  REQUIRE(eventually([&] { return size_of(world.run_dir("a") + "/task") > 0; }));
  world.agent_dies();
  damage(world.run_dir("a") + "/shim", "pid");
  damage(world.run_dir("a") + "/task", "pid");
  world.events.clear();
  world.agent_returns();
  REQUIRE(world.recovered.size() == 1);
  CHECK(world.recovered[0].state == State::running);
  CHECK(world.recovered[0].task.empty());
  CHECK(world.wait<ContainerStarted>("a").task == task);
  CHECK(noted(world, "shim: state file is not as it was written"));
  CHECK(noted(world, "task: state file is not as it was written"));
  REQUIRE(world.runtime().kill(world.id("a"), Duration::seconds(30)).ok());
  CHECK(WTERMSIG(world.wait_exit("a").wait_status) == SIGTERM);
}

TEST_CASE("a launch that no shim ever took up is fenced off and failed") {
  ContainerWorld world;
  world.agent_dies();
  const std::string dir = world.run_dir("a");
  REQUIRE(::mkdir(dir.c_str(), 0700) == 0);
  std::ofstream(dir + "/launch") << encode_state({{"container_id", world.id("a")},
                                                  {"token", std::string(32, 'f')},
                                                  {"boot_id", boot_id()},
                                                  {"sandbox_dir", "/nowhere"}});
  world.agent_returns();
  REQUIRE(world.recovered.size() == 1);
  CHECK(world.wait<ContainerFailed>("a").reason.find("no shim came up") != std::string::npos);
  // A shim that comes late finds the place taken.
  CHECK(contents_of(dir + "/shim").find("state abandoned") == 0);
  world.agent_dies();
  world.agent_returns();
  REQUIRE(world.recovered.size() == 1);
  CHECK(world.recovered[0].state == State::ending);
  world.wait<ContainerFailed>("a");
  world.release("a");
}

TEST_CASE("a cgroup that no run directory knows is destroyed by recover") {
  ContainerWorld world;
  if (skip_unless(world.runtime().controllers() != 0, "no usable cgroup")) return;
  world.agent_dies();
  std::vector<std::string> dirs;
  for (const std::string& base : world.cgroup_dirs()) {
    dirs.push_back(base + "/c-stray");
    REQUIRE(::mkdir(dirs.back().c_str(), 0755) == 0);
  }
  const pid_t pid = ::fork();
  if (pid == 0) {
    while (true) ::pause();
  }
  REQUIRE(write_value(dirs[0] + "/cgroup.procs", std::to_string(pid)) == 0);
  world.agent_returns();
  CHECK(world.turn_until([&] { return ::access(dirs[0].c_str(), F_OK) != 0; }));
  int status = 0;
  CHECK(::waitpid(pid, &status, 0) == pid);
  CHECK(WIFSIGNALED(status));
}

TEST_CASE("two agents cannot use one runtime directory") {
  ContainerWorld world;
  auto second = ContainerRuntime::open(world.options(), nullptr);
  REQUIRE_FALSE(second.ok());
  CHECK(second.error().code == ErrorCode::conflict);
  CHECK(second.error().message.find("another agent uses runtime_dir") == 0);
  RuntimeOptions options = world.options();
  options.shim_path = "/no/shim";
  CHECK(ContainerRuntime::open(options, nullptr).error().message.find("'/no/shim'") !=
        std::string::npos);
}

}  // namespace bourse::isolation::testing
