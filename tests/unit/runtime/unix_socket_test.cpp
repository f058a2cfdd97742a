#include "runtime/unix_socket.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <cstring>
#include <map>

#include "tests/unit/runtime/wait_for.hpp"

namespace bourse::runtime {
namespace {

using test::run_until;
using test::TempDir;

struct Log {
  std::vector<ConnectionId> opened;
  std::vector<PeerCredentials> credentials;
  std::vector<std::string> messages;
  std::map<ConnectionId, Error> closed;

  UnixServerHandlers handlers() {
    UnixServerHandlers h;
    h.on_open = [this](ConnectionId id, const PeerCredentials& who) {
      opened.push_back(id);
      credentials.push_back(who);
    };
    h.on_message = [this](ConnectionId, std::string_view bytes) { messages.emplace_back(bytes); };
    h.on_close = [this](ConnectionId id, const Error& why) { closed.emplace(id, why); };
    return h;
  }
};

struct ClientLog {
  std::vector<std::string> messages;
  std::vector<Error> closed;

  UnixConnectionHandlers handlers() {
    UnixConnectionHandlers h;
    h.on_message = [this](std::string_view bytes) { messages.emplace_back(bytes); };
    h.on_close = [this](const Error& why) { closed.push_back(why); };
    return h;
  }
};

int raw_connect(const std::string& path) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  REQUIRE(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  return fd;
}

struct Fixture {
  Loop loop;
  TempDir dir;
  std::string path = dir.file("s");
  Log log;
  std::unique_ptr<UnixServer> server;

  explicit Fixture(UnixLimits limits = {}) {
    server = std::move(UnixServer::listen(loop, path, limits, log.handlers())).value();
  }
  std::unique_ptr<UnixConnection> connect(ClientLog& client, UnixLimits limits = {}) {
    return std::move(UnixConnection::connect(loop, path, limits, client.handlers())).value();
  }
  void require_served() {
    ClientLog client;
    auto connection = connect(client);
    REQUIRE(connection->send("still there?").ok());
    REQUIRE(run_until(
        loop, [&] { return !log.messages.empty() && log.messages.back() == "still there?"; }));
  }
};

TEST_CASE("messages of every size cross a unix socket whole and in order, both ways") {
  Fixture f;
  ClientLog client;
  auto connection = f.connect(client);
  std::vector<std::string> sent;
  for (const std::size_t size : {0u, 1u, 3u, 70000u, 200u, 4u << 20}) {
    sent.emplace_back(size, static_cast<char>('a' + sent.size()));
    REQUIRE(connection->send(sent.back()).ok());
  }
  REQUIRE(run_until(f.loop, [&] { return f.log.messages.size() == sent.size(); }));
  REQUIRE(f.log.messages == sent);
  for (const std::string& message : sent) REQUIRE(f.server->send(f.log.opened[0], message).ok());
  REQUIRE(run_until(f.loop, [&] { return client.messages.size() == sent.size(); }));
  REQUIRE(client.messages == sent);
  REQUIRE(connection->queued_bytes() == 0);
}

TEST_CASE("the server learns the process and user at the other end from the kernel") {
  Fixture f;
  ClientLog client;
  auto connection = f.connect(client);
  REQUIRE(run_until(f.loop, [&] { return f.log.opened.size() == 1; }));
  REQUIRE(f.log.credentials[0].pid == getpid());
  REQUIRE(f.log.credentials[0].uid == getuid());
  REQUIRE(connection->peer().pid == getpid());
}

TEST_CASE("a peer that is killed is noticed, after its last message") {
  Fixture f;
  const pid_t child = fork();
  if (child == 0) {
    const int fd = raw_connect(f.path);
    const char frame[] = "\x04\0\0\0last";
    if (::write(fd, frame, 8) != 8) _exit(1);
    pause();
    _exit(0);
  }
  REQUIRE(run_until(f.loop, [&] { return f.log.messages.size() == 1; }));
  REQUIRE(f.log.closed.empty());
  kill(child, SIGKILL);
  REQUIRE(run_until(f.loop, [&] { return f.log.closed.size() == 1; }));
  REQUIRE(f.log.closed.begin()->second.code == ErrorCode::unavailable);
  REQUIRE(f.server->connections() == 0);
  REQUIRE(f.server->send(f.log.opened[0], "x").error().code == ErrorCode::not_found);
  waitpid(child, nullptr, 0);
}

TEST_CASE("a length over the limit closes that connection before anything is allocated") {
  Fixture f({.max_message_bytes = 1000});
  const int fd = raw_connect(f.path);
  REQUIRE(::write(fd, "\xff\xff\xff\xff", 4) == 4);
  REQUIRE(run_until(f.loop, [&] { return f.log.closed.size() == 1; }));
  REQUIRE(f.log.closed.begin()->second.code == ErrorCode::too_large);
  char c = 0;
  REQUIRE(::read(fd, &c, 1) == 0);
  ::close(fd);
  f.require_served();
}

TEST_CASE("a truncated message is never delivered") {
  Fixture f;
  const int fd = raw_connect(f.path);
  REQUIRE(::write(fd, "\x05\0\0\0hel", 7) == 7);
  f.loop.run_for(Duration::milliseconds(10));
  ::close(fd);
  REQUIRE(run_until(f.loop, [&] { return f.log.closed.size() == 1; }));
  REQUIRE(f.log.messages.empty());
  f.require_served();
}

TEST_CASE("a message cut into single bytes arrives whole") {
  Fixture f;
  const int fd = raw_connect(f.path);
  for (const char c : std::string("\x05\0\0\0hello\x01\0\0\0x", 14)) {
    REQUIRE(::write(fd, &c, 1) == 1);
    f.loop.run_for(Duration::milliseconds(1));
  }
  REQUIRE(run_until(f.loop, [&] { return f.log.messages.size() == 2; }));
  REQUIRE(f.log.messages == std::vector<std::string>{"hello", "x"});
  ::close(fd);
}

TEST_CASE("a unix peer that never reads costs its byte budget and is dropped") {
  Fixture f({.max_message_bytes = 100000, .queue_bytes = 500000});
  const int mute = raw_connect(f.path);
  ClientLog client;
  REQUIRE(run_until(f.loop, [&] { return f.log.opened.size() == 1; }));
  auto other = f.connect(client);
  REQUIRE(run_until(f.loop, [&] { return f.log.opened.size() == 2; }));
  Status last;
  std::size_t ticks = 0;
  for (int i = 0; i < 1000 && last.ok(); ++i) {
    last = f.server->send(f.log.opened[0], std::string(50000, 'x'));
    if (f.server->send(f.log.opened[1], "tick").ok()) ++ticks;
    f.loop.run_for(Duration{});
  }
  REQUIRE(last.error().code == ErrorCode::full);
  REQUIRE(run_until(f.loop, [&] { return f.log.closed.size() == 1; }));
  REQUIRE(f.log.closed.at(f.log.opened[0]).code == ErrorCode::full);
  REQUIRE(run_until(f.loop, [&] { return client.messages.size() == ticks; }));
  ::close(mute);
}

TEST_CASE("unix connections over the cap are closed at once") {
  Fixture f({.max_connections = 3});
  std::vector<int> fds;
  for (int i = 0; i < 10; ++i) fds.push_back(raw_connect(f.path));
  REQUIRE(run_until(f.loop, [&] { return f.log.opened.size() == 3; }));
  char c = 0;
  REQUIRE(::read(fds[9], &c, 1) == 0);
  for (const int fd : fds) ::close(fd);
  REQUIRE(run_until(f.loop, [&] { return f.server->connections() == 0; }));
  f.require_served();
}

TEST_CASE("while reading is off a connection waits and then delivers everything") {
  Fixture f;
  ClientLog client;
  auto connection = f.connect(client);
  REQUIRE(run_until(f.loop, [&] { return f.log.opened.size() == 1; }));
  f.server->set_reading(f.log.opened[0], false);
  for (int i = 0; i < 100; ++i) REQUIRE(connection->send(std::to_string(i)).ok());
  f.loop.run_for(Duration::milliseconds(20));
  REQUIRE(f.log.messages.empty());
  f.server->set_reading(f.log.opened[0], true);
  REQUIRE(run_until(f.loop, [&] { return f.log.messages.size() == 100; }));
}

TEST_CASE("a handler may close the connection it is called for, and no later message arrives") {
  Loop loop;
  TempDir dir;
  std::unique_ptr<UnixServer> server;
  int messages = 0;
  UnixServerHandlers h;
  h.on_message = [&](ConnectionId id, std::string_view) {
    ++messages;
    REQUIRE(server->send(id, "bye").ok());
    server->close(id);
  };
  server = std::move(UnixServer::listen(loop, dir.file("s"), {}, std::move(h))).value();
  ClientLog client;
  auto connection =
      std::move(UnixConnection::connect(loop, dir.file("s"), {}, client.handlers())).value();
  for (int i = 0; i < 10; ++i) REQUIRE(connection->send("x").ok());
  REQUIRE(run_until(loop, [&] { return client.closed.size() == 1; }));
  REQUIRE(messages == 1);
  REQUIRE(client.messages == std::vector<std::string>{"bye"});
  REQUIRE_FALSE(connection->open());
}

TEST_CASE("a stale socket file is replaced, a live one and a long path are errors") {
  Fixture f;
  const auto second = UnixServer::listen(f.loop, f.path, {}, {});
  REQUIRE(second.error().message.find(f.path) != std::string::npos);
  f.require_served();
  const auto too_long = UnixServer::listen(f.loop, "/tmp/" + std::string(120, 'x'), {}, {});
  REQUIRE(too_long.error().message.find("107") != std::string::npos);
  struct stat info {};
  REQUIRE(::stat(f.path.c_str(), &info) == 0);
  REQUIRE((info.st_mode & 0777) == 0600);
  // A killed daemon leaves its file behind.
  const std::string stale = f.dir.file("stale");
  const pid_t child = fork();
  if (child == 0) {
    Loop loop;
    auto left = UnixServer::listen(loop, stale, {}, {});
    _exit(left.ok() ? 0 : 1);
  }
  waitpid(child, nullptr, 0);
  REQUIRE(std::filesystem::exists(stale));
  REQUIRE(UnixServer::listen(f.loop, stale, {}, {}).ok());
  REQUIRE_FALSE(std::filesystem::exists(stale));  // removed with its server
  REQUIRE(UnixConnection::connect(f.loop, stale, {}, {}).error().code == ErrorCode::unavailable);
}

TEST_CASE("an inherited socket is adopted, anything else is refused") {
  Loop loop;
  int fds[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
  ClientLog a_log;
  ClientLog b_log;
  auto a = std::move(UnixConnection::adopt(loop, fds[0], {}, a_log.handlers())).value();
  auto b = std::move(UnixConnection::adopt(loop, fds[1], {}, b_log.handlers())).value();
  REQUIRE(a->send("hello").ok());
  REQUIRE(run_until(loop, [&] { return b_log.messages.size() == 1; }));
  a.reset();
  REQUIRE(run_until(loop, [&] { return b_log.closed.size() == 1; }));
  REQUIRE_FALSE(UnixConnection::adopt(loop, 0, {}, {}).ok());
}

}  // namespace
}  // namespace bourse::runtime
