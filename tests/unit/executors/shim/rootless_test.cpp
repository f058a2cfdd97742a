// The same as nobody: what an agent without root does and says.
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <functional>

#include "tests/unit/executors/shim/container_world.hpp"

namespace bourse::isolation::testing {

namespace {

// Runs the body in a child that is nobody, with an open runtime directory of its own. The body
// returns "" or what went wrong. Catch2 cannot check in a child; the text is checked here.
struct Rootless {
  std::string dir;
  std::string id;
  std::unique_ptr<ContainerRuntime> runtime;
  std::vector<ContainerEvent> events;

  template <typename Event>
  const Event* wait() {
    const Event* found = nullptr;
    eventually([&] {
      runtime->process();
      for (const ContainerEvent& event : events) {
        if (const auto* one = std::get_if<Event>(&event)) found = one;
      }
      return found != nullptr;
    });
    return found;
  }
  ContainerSpec shell(const std::string& command) const {
    ContainerSpec spec;
    spec.container_id = id;
    spec.sandbox_dir = dir + "/box";
    spec.shell_command = command;
    spec.env = {{"PATH", "/usr/bin:/bin"}, {"WORLD", id}};
    return spec;
  }
};

// A copy of the shim that nobody can run: the build may lie in a directory that is root's own.
std::string readable_shim(const std::string& dir) {
  const std::string copy = dir + "/bourse-shim";
  std::filesystem::copy_file(BOURSE_SHIM_PATH, copy);
  REQUIRE(::chmod(copy.c_str(), 0755) == 0);
  return copy;
}

std::string run_as_nobody(const std::function<std::string(Rootless&)>& body) {
  TempDir dir("/tmp");  // programs may be run from there
  REQUIRE(::chmod(dir.path().c_str(), 0777) == 0);
  const std::string shim = readable_shim(dir.path());
  int pipe[2];
  REQUIRE(::pipe(pipe) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    std::string answer;
    if (::geteuid() == 0 &&
        (::setresgid(65534, 65534, 65534) != 0 || ::setresuid(65534, 65534, 65534) != 0)) {
      ::_exit(2);
    }
    Rootless rootless;
    rootless.dir = dir.path();
    rootless.id = "nobody" + std::to_string(::getpid());
    RuntimeOptions options;
    options.runtime_dir = dir / "run";
    options.shim_path = shim;
    options.use_cgroups = true;
    auto opened = ContainerRuntime::open(
        options, [&](const ContainerEvent& event) { rootless.events.push_back(event); });
    if (!opened.ok()) {
      answer = opened.error().message;
    } else {
      rootless.runtime = std::move(*opened);
      (void)rootless.runtime->recover();
      answer = body(rootless);
      if (answer.empty()) {
        (void)rootless.runtime->release(rootless.id).ok();
        if (!rootless.runtime->shut_down().ok()) answer = "containers are left";
        if (!eventually([&] { return processes_with(rootless.id).empty(); })) {
          answer = "processes are left";
        }
      }
    }
    [[maybe_unused]] const ssize_t wrote = ::write(pipe[1], answer.data(), answer.size());
    ::_exit(0);
  }
  ::close(pipe[1]);
  std::string answer(1000, '\0');
  const ssize_t got = ::read(pipe[0], answer.data(), answer.size());
  answer.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  ::close(pipe[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? answer : "the child failed";
}

}  // namespace

TEST_CASE("without root a container runs and ends, and the agent says what it cannot enforce") {
  CHECK(run_as_nobody([](Rootless& on) -> std::string {
          std::string notes;
          for (const std::string& note : on.runtime->notes()) notes += note + "\n";
          if (notes.find("no root: process groups and rlimits only") == std::string::npos) {
            return "notes: " + notes;
          }
          if (on.runtime->namespaces_available()) return "claims namespaces";
          ContainerSpec spec = on.shell("echo out; ulimit -d; exit 3");
          spec.limits.memory_bytes = 64 << 20;
          if (!on.runtime->launch(spec).ok()) return "launch refused";
          const auto* exited = on.wait<ContainerExited>();
          if (exited == nullptr) return "no exit";
          if (WEXITSTATUS(exited->record.wait_status) != 3) return describe_exit(exited->record);
          if (contents_of(on.dir + "/box/stdout") != "out\n65536\n") {
            return contents_of(on.dir + "/box/stdout");
          }
          return "";
        }) == "");
}

TEST_CASE("without root a daemonised tree dies whole all the same") {
  CHECK(run_as_nobody([](Rootless& on) -> std::string {
          const Status launched = on.runtime->launch(
              on.shell("(setsid sh -c 'trap \"\" TERM; sleep 1000 & sleep 1000' &); "
                       "setsid sleep 1000 & trap '' TERM; sleep 1000"));
          if (!launched.ok()) return launched.error().message;
          if (on.wait<ContainerStarted>() == nullptr) return "not started";
          if (!eventually([&] { return processes_with(on.id).size() >= 5; })) return "no tree";
          if (!on.runtime->kill(on.id, Duration::milliseconds(100)).ok()) return "kill refused";
          const auto* exited = on.wait<ContainerExited>();
          if (exited == nullptr) return "no exit";
          if (exited->record.leaked) return "leaked";
          return "";
        }) == "");
}

TEST_CASE("without root the death of a shim ends its task and is reported lost") {
  CHECK(run_as_nobody([](Rootless& on) -> std::string {
          if (!on.runtime->launch(on.shell("sleep 1000 & sleep 1000")).ok()) return "refused";
          const auto* started = on.wait<ContainerStarted>();
          if (started == nullptr) return "not started";
          const auto stat = stat_of_process(started->task.pid);
          if (!stat || ::kill(stat->parent, SIGKILL) != 0) return "cannot kill the shim";
          if (on.wait<ContainerLost>() == nullptr) return "not lost";
          return "";
        }) == "");
}

TEST_CASE("without root another user is refused with the reason") {
  if (skip_unless(is_root(), "the test must be able to become nobody")) return;
  CHECK(run_as_nobody([](Rootless& on) -> std::string {
          ContainerSpec spec = on.shell("true");
          spec.user = "root";
          const Status status = on.runtime->launch(spec);
          if (status.ok()) return "launched as root";
          return status.error().message ==
                         "user 'root' is not this agent's user 'nobody', and only an agent that "
                         "runs as root can switch"
                     ? ""
                     : status.error().message;
        }) == "");
}

}  // namespace bourse::isolation::testing
