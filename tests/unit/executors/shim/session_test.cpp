// Sessions: programs of operators in a container that runs, on the real kernel.
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <optional>

#include "agent/isolation/session_protocol.hpp"
#include "tests/unit/executors/shim/container_world.hpp"

namespace bourse::isolation::testing {

namespace {

// The agent's end of one.
class Peer {
 public:
  explicit Peer(int socket) : socket_(socket) {}
  ~Peer() { close(); }
  void close() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
  }
  void send(const std::string& message) const {
    REQUIRE(::send(socket_, message.data(), message.size(), MSG_NOSIGNAL) > 0);
  }
  void input(const std::string& bytes) const {
    send(session_message(SessionMessage::input, bytes));
  }
  // Takes what comes until the condition holds; false when the other end closed before, or late.
  bool read_until(const std::function<bool()>& condition) {
    return eventually([&] {
      pollfd one{socket_, POLLIN, 0};
      while (!condition() && socket_ >= 0 && ::poll(&one, 1, 0) == 1) {
        std::string bytes(64 << 10, '\0');
        const ssize_t got = ::recv(socket_, bytes.data(), bytes.size(), 0);
        if (got <= 0) {
          closed = true;
          close();
          break;
        }
        take(bytes.substr(0, static_cast<std::size_t>(got)));
      }
      return condition();
    });
  }
  bool read_to_end() {
    return read_until([this] { return exited || failed; });
  }

  std::string out;
  std::string err;
  bool started = false;
  bool closed = false;
  std::optional<std::int32_t> exited;
  std::optional<SessionNumbers> failed;
  std::int32_t taken = 0;

 private:
  void take(const std::string& message) {
    const SessionNumbers numbers = numbers_of(message);
    switch (static_cast<SessionMessage>(message[0])) {
      case SessionMessage::started:
        started = true;
        break;
      case SessionMessage::out:
        out += message.substr(1);
        break;
      case SessionMessage::err:
        err += message.substr(1);
        break;
      case SessionMessage::taken:
        taken += numbers.first;
        break;
      case SessionMessage::exited:
        exited = numbers.first;
        break;
      case SessionMessage::failed:
        failed = numbers;
        break;
      default:
        FAIL("a message of type " << int{message[0]});
    }
  }

  int socket_;
};

SessionSpec session(const ContainerWorld& world, const std::string& command) {
  SessionSpec spec;
  spec.container_id = world.id("a");
  spec.session_id = "s";
  spec.argv = {"/bin/sh", "-c", command};
  spec.env = {{"SESSION_OF", world.tag()}};
  return spec;
}

Peer open(ContainerWorld& world, const SessionSpec& spec) {
  Result<int> socket = world.runtime().open_session(spec);
  INFO((socket.ok() ? "" : socket.error().message));
  REQUIRE(socket.ok());
  return Peer(*socket);
}

void begin(ContainerWorld& world, const std::string& command = "exec sleep 1000") {
  world.launch(world.shell("a", command));
  world.wait<ContainerStarted>("a");
}

void end(ContainerWorld& world) {
  (void)world.runtime().destroy(world.id("a"));
  world.wait_exit("a");
}

}  // namespace

TEST_CASE("a session runs in the cgroup, the namespaces and the sandbox of its container") {
  ContainerWorld world;
  begin(world);
  Peer peer = open(world, session(world, "cat /proc/self/cgroup; pwd; cat; exit 5"));
  peer.input("typed");
  peer.input("");
  REQUIRE(peer.read_to_end());
  CHECK(peer.started);
  REQUIRE(peer.exited);
  CHECK(WEXITSTATUS(*peer.exited) == 5);
  CHECK(peer.taken == 5);
  CHECK(peer.out.find(world.sandbox("a") + "\ntyped") != std::string::npos);
  if (world.runtime().controllers() != 0) {
    CHECK(peer.out.find(world.id("a") + "/session-s\n") != std::string::npos);
  }
  if (world.runtime().namespaces_available()) {
    Peer inside = open(world, session(world, "cat /proc/1/comm"));
    REQUIRE(inside.read_to_end());
    CHECK(inside.out == "bourse-init\n");
  }
  CHECK(processes_with("SESSION_OF=" + world.tag()).empty());
  end(world);
}

TEST_CASE("all that a session started ends when the agent's end of its socket is closed") {
  ContainerWorld world;
  begin(world);
  Peer peer = open(world, session(world, "setsid sleep 1000 & echo up; exec sleep 1000"));
  REQUIRE(peer.read_until([&] { return peer.out == "up\n"; }));
  REQUIRE(processes_with("SESSION_OF=" + world.tag()).size() >= 2);
  peer.close();
  CHECK(eventually([&] { return processes_with("SESSION_OF=" + world.tag()).empty(); }));
  end(world);
}

TEST_CASE("all that a session started ends with its container") {
  ContainerWorld world;
  begin(world);
  Peer peer = open(world, session(world, "setsid sleep 1000 & echo up; exec sleep 1000"));
  REQUIRE(peer.read_until([&] { return peer.out == "up\n"; }));
  end(world);
  CHECK(processes_with("SESSION_OF=" + world.tag()).empty());
  REQUIRE(peer.read_to_end());
  CHECK(WTERMSIG(*peer.exited) == SIGKILL);
}

TEST_CASE("what a session left whose own process was killed is cleared") {
  ContainerWorld world;
  begin(world);
  SessionSpec spec = session(world, "setsid sleep 1000 & echo up; exec sleep 1000");
  spec.session_id = world.id("session");
  Peer peer = open(world, spec);
  REQUIRE(peer.read_until([&] { return peer.out == "up\n"; }));
  // Its name is this test's alone.
  const std::vector<pid_t> own = processes_with(std::string("--session\0", 10) + spec.session_id);
  REQUIRE(own.size() == 1);
  ::kill(own.front(), SIGKILL);
  REQUIRE(peer.read_until([&] { return peer.closed; }));
  CHECK_FALSE(peer.exited);
  CHECK(eventually([&] { return world.runtime().clear_session(world.id("a"), spec.session_id); }));
  if (world.runtime().controllers() != 0) {
    CHECK(eventually([&] { return processes_with("SESSION_OF=" + world.tag()).empty(); }));
  }
  end(world);
}

TEST_CASE("the memory of a session is its container's, and so is the end that it brings") {
  ContainerWorld world;
  if (skip_unless((world.runtime().controllers() & kMemory) != 0, "needs the memory controller")) {
    return;
  }
  ContainerSpec spec = world.shell("a", "exec sleep 1000");
  spec.limits.memory_bytes = 40 << 20;
  world.launch(spec);
  world.wait<ContainerStarted>("a");
  Peer peer = open(world, session(world, "perl -e '$x = \"x\" x 200_000_000'; sleep 1000"));
  world.wait<ContainerOom>("a");
  CHECK(world.wait_exit("a").oom);
  CHECK(processes_with("SESSION_OF=" + world.tag()).empty());
}

TEST_CASE("a session with a terminal is resized, interrupted and ended by what is typed") {
  ContainerWorld world;
  begin(world);
  SessionSpec spec = session(world, "test -t 0 && stty size; read l; stty size; cat; echo end");
  spec.tty = true;
  spec.rows = 31;
  spec.columns = 91;
  Peer peer = open(world, spec);
  REQUIRE(peer.read_until([&] { return peer.out == "31 91\r\n"; }));
  peer.send(session_numbers(SessionMessage::resize, 42, 122));
  peer.input("\n");
  REQUIRE(peer.read_until([&] { return peer.out.find("42 122\r\n") != std::string::npos; }));
  peer.input("");
  REQUIRE(peer.read_to_end());
  CHECK(peer.out.find("end\r\n") != std::string::npos);
  CHECK(*peer.exited == 0);
  spec.argv = {"sleep", "1000"};
  Peer second = open(world, spec);
  REQUIRE(second.read_until([&] { return second.started; }));
  second.input("\x03");
  REQUIRE(second.read_to_end());
  CHECK(WTERMSIG(*second.exited) == SIGINT);
  end(world);
}

TEST_CASE("a signal reaches a session that reads nothing and is not read") {
  ContainerWorld world;
  begin(world);
  Peer peer = open(world, session(world, "exec cat /dev/zero"));
  REQUIRE(peer.read_until([&] { return peer.started; }));
  peer.input(std::string(kMostSessionPiece, 'x'));
  peer.send(session_numbers(SessionMessage::signal, SIGTERM));
  REQUIRE(peer.read_to_end());
  CHECK(WTERMSIG(*peer.exited) == SIGTERM);
  end(world);
}

TEST_CASE("a session that cannot begin says at which step and why, and leaves nothing") {
  ContainerWorld world;
  begin(world);
  SessionSpec spec = session(world, "");
  spec.argv = {"/no/such/program"};
  Peer peer = open(world, spec);
  REQUIRE(peer.read_to_end());
  REQUIRE(peer.failed);
  CHECK(peer.failed->first == static_cast<std::int32_t>(LaunchStep::exec));
  CHECK(peer.failed->second == ENOENT);
  CHECK_FALSE(peer.started);
  spec.user = "no-such-user";
  CHECK(world.runtime().open_session(spec).error().code == ErrorCode::not_found);
  spec.user.clear();
  spec.container_id = world.id("other");
  CHECK(world.runtime().open_session(spec).error().code == ErrorCode::not_found);
  spec.container_id = world.id("a");
  spec.argv = {std::string(200 << 10, 'x')};
  CHECK(world.runtime().open_session(spec).error().code == ErrorCode::too_large);
  spec.argv = {};
  CHECK(world.runtime().open_session(spec).error().code == ErrorCode::invalid);
  end(world);
}

TEST_CASE("a session of a user has that user's rights and no way to more") {
  ContainerWorld world;
  if (skip_unless(is_root(), "needs root to be somebody else")) return;
  ContainerSpec container = world.shell("a", "exec sleep 1000");
  container.user = "nobody";
  container.limits.fds = 77;
  world.launch(container);
  world.wait<ContainerStarted>("a");
  SessionSpec spec = session(
      world, "id -un; ulimit -Hn; grep NoNewPrivs /proc/self/status; test -t 0 && echo x > $(tty)");
  spec.user = "nobody";
  spec.tty = true;
  Peer peer = open(world, spec);
  REQUIRE(peer.read_to_end());
  CHECK(peer.out == "nobody\r\n77\r\nNoNewPrivs:\t1\r\nx\r\n");
  end(world);
}

}  // namespace bourse::isolation::testing
