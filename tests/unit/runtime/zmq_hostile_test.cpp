#include <fcntl.h>
#include <sys/ioctl.h>
#include <zmq.h>

#include <catch2/catch.hpp>

#include "tests/unit/runtime/raw_socket.hpp"
#include "tests/unit/runtime/zmq_fixture.hpp"

namespace bourse::runtime {
namespace {

using test::ClientLog;
using test::open_client;
using test::open_server;
using test::RawSocket;
using test::run_until;
using test::ServerLog;

// The ZMTP 3.0 greeting of a NULL client, then its READY command as DEALER.
std::string null_greeting() {
  std::string greeting("\xff\0\0\0\0\0\0\0\x01\x7f\x03\0NULL", 16);
  greeting.resize(64, '\0');
  return greeting;
}
std::string ready_command() {
  const std::string body = std::string("\x05READY\x0bSocket-Type\0\0\0\x06", 22) + "DEALER";
  return std::string("\x04") + static_cast<char>(body.size()) + body;
}

// A raw socket that has shaken hands properly: what comes next is a message.
RawSocket shaken(Loop& loop, ZmqServer& server, int receive_buffer = 0) {
  RawSocket raw(server.port(), receive_buffer);
  REQUIRE(raw.send(null_greeting() + ready_command()));
  // The server's greeting and READY: what is sent before them counts as part of the handshake.
  REQUIRE(run_until(loop, [&] { return raw.received().size() > 64 + 20; }));
  return raw;
}
const std::string kHello("\x00\x05hello", 7);

// A well-behaved client must be served while and after others misbehave.
void require_served(Loop& loop, ZmqServer& server, ServerLog& log) {
  ClientLog client_log;
  auto client = open_client(loop, client_log, server.endpoint());
  REQUIRE(run_until(loop, [&] { return client->connected(); }));
  REQUIRE(client->send("still there?").ok());
  REQUIRE(run_until(
      loop, [&] { return !log.messages.empty() && log.messages.back().second == "still there?"; }));
  REQUIRE(server.send(log.messages.back().first, "yes").ok());
  REQUIRE(run_until(loop, [&] { return client_log.messages.size() == 1; }));
}

TEST_CASE("a message over the limit costs its sender the connection and nobody else anything") {
  Loop loop;
  ServerLog log;
  ZmqServerOptions options;
  options.limits.max_message_bytes = 1000;
  auto server = open_server(loop, log, options);
  ClientLog client_log;
  auto client = open_client(loop, client_log, server->endpoint());
  REQUIRE(run_until(loop, [&] { return client->connected(); }));
  REQUIRE(client->send(std::string(1000, 'x')).ok());
  REQUIRE(client->send(std::string(1001, 'x')).ok());
  REQUIRE(run_until(loop, [&] { return client_log.disconnected == 1; }));
  REQUIRE(log.messages.size() == 1);
  require_served(loop, *server, log);
}

TEST_CASE("a client that is sent more than it takes connects anew, though libzmq would not") {
  Loop loop;
  ServerLog log;
  auto server = open_server(loop, log);
  ClientLog client_log;
  ZmqClientOptions options;
  options.limits.max_message_bytes = 1000;
  options.reconnect_max = Duration::milliseconds(50);
  auto client = open_client(loop, client_log, server->endpoint(), options);
  for (int round = 1; round <= 2; ++round) {
    REQUIRE(run_until(loop, [&] { return client->connected(); }));
    REQUIRE(client->send("hello").ok());
    REQUIRE(run_until(loop, [&] { return log.messages.size() == static_cast<size_t>(round); }));
    REQUIRE(server->send(log.messages.back().first, std::string(1001, 'x')).ok());
    REQUIRE(run_until(loop, [&] { return client_log.disconnected == round; }));
    REQUIRE_FALSE(client->connected());
  }
  REQUIRE(run_until(loop, [&] { return client->connected(); }));
  REQUIRE(client_log.messages.empty());
}

TEST_CASE("a frame that claims 2^62 bytes is refused before anything is allocated") {
  Loop loop;
  ServerLog log;
  auto server = open_server(loop, log);
  RawSocket attacker = shaken(loop, *server);
  REQUIRE(attacker.send(kHello));
  REQUIRE(run_until(loop, [&] { return log.messages.size() == 1; }));
  REQUIRE(attacker.send(std::string("\x02\x40\0\0\0\0\0\0\0", 9) + "some bytes"));
  REQUIRE(run_until(loop, [&] { return attacker.ended(); }));
  REQUIRE(log.messages.size() == 1);
  require_served(loop, *server, log);
}

TEST_CASE("garbage instead of a handshake closes that connection only") {
  Loop loop;
  ServerLog log;
  auto server = open_server(loop, log);
  RawSocket http(server->port());
  REQUIRE(http.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n" + std::string(200, 'z')));
  RawSocket cut(server->port());
  REQUIRE(cut.send(null_greeting().substr(0, 30)));
  cut.close();
  RawSocket bad_command(server->port());
  REQUIRE(
      bad_command.send(null_greeting() + std::string("\x04\xff", 2) + std::string(255, '\xee')));
  REQUIRE(run_until(loop, [&] { return bad_command.ended(); }));
  REQUIRE(log.opened.empty());
  require_served(loop, *server, log);
}

TEST_CASE("a connection that never shakes hands is closed when its time is up") {
  Loop loop;
  ServerLog log;
  ZmqServerOptions options;
  options.limits.handshake_timeout = Duration::milliseconds(100);
  auto server = open_server(loop, log, options);
  RawSocket silent(server->port());
  REQUIRE(run_until(loop, [&] { return silent.ended(); }));
  REQUIRE(run_until(loop, [&] { return server->stats().connections == 0; }));
}

TEST_CASE("a connection that shakes hands and then says nothing does not keep its place") {
  Loop loop;
  ServerLog log;
  ZmqServerOptions options;
  options.first_message_timeout = Duration::milliseconds(100);
  auto server = open_server(loop, log, options);
  ClientLog client_log;
  auto client = open_client(loop, client_log, server->endpoint());
  REQUIRE(run_until(loop, [&] { return client->connected(); }));
  REQUIRE(client->send("one").ok());
  RawSocket silent = shaken(loop, *server);
  REQUIRE(run_until(loop, [&] { return silent.ended(); }));
  REQUIRE(server->stats().connections_silent == 1);
  // Who has spoken may be silent afterwards.
  loop.run_for(Duration::milliseconds(250));
  REQUIRE(client_log.disconnected == 0);
  REQUIRE(log.closed.empty());
}

TEST_CASE("connections over the cap are closed at once, those within it are served") {
  Loop loop;
  ServerLog log;
  ZmqServerOptions options;
  options.max_connections = 5;
  auto server = open_server(loop, log, options);
  ClientLog first_log;
  auto first = open_client(loop, first_log, server->endpoint());
  REQUIRE(run_until(loop, [&] { return first->connected(); }));
  REQUIRE(first->send("one").ok());
  std::vector<RawSocket> flood;
  for (int i = 0; i < 50; ++i) flood.emplace_back(server->port());
  REQUIRE(run_until(loop, [&] { return server->stats().connections_refused >= 46; }));
  REQUIRE(run_until(loop, [&] { return server->stats().connections <= 5; }));
  REQUIRE(first->send("two").ok());
  REQUIRE(run_until(loop, [&] { return log.messages.size() == 2; }));
  flood.clear();
  REQUIRE(run_until(loop, [&] { return server->stats().connections == 1; }));
  require_served(loop, *server, log);
}

TEST_CASE("a peer that never reads costs its byte budget, is dropped, and others do not notice") {
  Loop loop;
  ServerLog log;
  ZmqServerOptions options;
  options.limits.queue_bytes = 1 << 20;
  options.limits.high_water_mark = 16;
  auto server = open_server(loop, log, options);
  RawSocket mute = shaken(loop, *server, 4096);
  REQUIRE(mute.send(kHello));
  REQUIRE(run_until(loop, [&] { return log.messages.size() == 1; }));
  const PeerId peer = log.opened[0];
  ClientLog other_log;
  auto other = open_client(loop, other_log, server->endpoint());
  REQUIRE(run_until(loop, [&] { return other->connected(); }));
  REQUIRE(other->send("other").ok());
  REQUIRE(run_until(loop, [&] { return log.opened.size() == 2; }));

  const std::size_t size = GENERATE(std::size_t{100}, std::size_t{60000});
  std::size_t accepted = 0;
  std::size_t sent_to_other = 0;
  std::size_t highest = 0;
  Status last;
  run_until(loop, [&] {
    for (int i = 0; i < 500 && last.ok(); ++i) {
      last = server->send(peer, std::string(size, 'x'));
      if (last.ok()) accepted += size;
    }
    highest = std::max(highest, server->stats().queued_bytes);
    if (server->send(log.opened[1], "tick").ok()) ++sent_to_other;
    return !last.ok();
  });
  REQUIRE(last.error().code == ErrorCode::full);
  REQUIRE(highest <= options.limits.queue_bytes);
  REQUIRE(run_until(loop, [&] { return log.closed.contains(peer); }));
  REQUIRE(log.closed.at(peer).code == ErrorCode::full);
  REQUIRE(run_until(loop, [&] { return other_log.messages.size() == sent_to_other; }));
  REQUIRE(server->stats().queued_bytes == 0);
  REQUIRE(server->send(peer, "x").error().code == ErrorCode::not_found);
  REQUIRE(run_until(loop, [&] { return server->stats().connections == 1; }));
}

TEST_CASE("a peer that chooses its own routing id is not served") {
  Loop loop;
  ServerLog log;
  auto server = open_server(loop, log);
  void* context = zmq_ctx_new();
  void* dealer = zmq_socket(context, ZMQ_DEALER);
  const int zero = 0;
  zmq_setsockopt(dealer, ZMQ_LINGER, &zero, sizeof zero);
  zmq_setsockopt(dealer, ZMQ_ROUTING_ID, "agent", 5);
  REQUIRE(zmq_connect(dealer, server->endpoint().c_str()) == 0);
  REQUIRE(zmq_send(dealer, "hello", 5, 0) == 5);
  require_served(loop, *server, log);
  loop.run_for(Duration::milliseconds(50));
  REQUIRE(log.opened.size() == 1);
  zmq_close(dealer);
  zmq_ctx_term(context);
}

TEST_CASE("a message of several frames drops its sender") {
  Loop loop;
  ServerLog log;
  auto server = open_server(loop, log);
  void* context = zmq_ctx_new();
  void* dealer = zmq_socket(context, ZMQ_DEALER);
  const int zero = 0;
  zmq_setsockopt(dealer, ZMQ_LINGER, &zero, sizeof zero);
  REQUIRE(zmq_connect(dealer, server->endpoint().c_str()) == 0);
  REQUIRE(zmq_send(dealer, "one", 3, ZMQ_SNDMORE) == 3);
  REQUIRE(zmq_send(dealer, "two", 3, 0) == 3);
  REQUIRE(run_until(loop, [&] { return log.closed.size() == 1; }));
  REQUIRE(log.closed.begin()->second.code == ErrorCode::invalid);
  REQUIRE(log.messages.empty());
  zmq_close(dealer);
  zmq_ctx_term(context);
}

TEST_CASE("peers that connect, speak and leave at once are each opened and closed once") {
  Loop loop;
  ServerLog log;
  auto server = open_server(loop, log);
  for (int i = 0; i < 100; ++i) {
    RawSocket brief = shaken(loop, *server);
    REQUIRE(brief.send(kHello));
    if (i % 7 == 0) loop.run_for(Duration::milliseconds(1));
  }
  REQUIRE(run_until(loop,
                    [&] { return server->stats().connections == 0 && log.closed.size() == 100; }));
  REQUIRE(log.opened.size() == 100);
  REQUIRE(log.messages.size() == 100);
  REQUIRE(server->stats().peers == 0);
  require_served(loop, *server, log);
}

// The number under which this process, the server, has the other end of that connection.
int other_end(const RawSocket& client) {
  sockaddr_in own{}, peer{};
  socklen_t size = sizeof own;
  ::getsockname(client.fd(), reinterpret_cast<sockaddr*>(&own), &size);
  for (int fd = 0; fd < 1024; ++fd) {
    size = sizeof peer;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0) continue;
    if (peer.sin_family == AF_INET && peer.sin_port == own.sin_port) return fd;
  }
  return -1;
}

// Waits without running a loop: what the server's own thread does meanwhile.
template <typename Condition>
bool comes_true(Condition condition) {
  const Instant deadline = monotonic_now() + Duration::seconds(10);
  while (!condition()) {
    if (monotonic_now() >= deadline) return false;
    ::usleep(200);
  }
  return true;
}

int unread(int fd) {
  int bytes = -1;
  return ::ioctl(fd, FIONREAD, &bytes) == 0 ? bytes : -1;
}

TEST_CASE("a connection on the descriptor of one that just ended is a peer of its own") {
  Loop loop;
  ServerLog log;
  auto server = open_server(loop, log);
  RawSocket first = shaken(loop, *server);
  REQUIRE(first.send(kHello));
  REQUIRE(run_until(loop, [&] { return log.messages.size() == 1; }));
  const int descriptor = other_end(first);
  REQUIRE(descriptor >= 0);
  RawSocket trigger = shaken(loop, *server);
  REQUIRE(trigger.send(kHello));
  REQUIRE(comes_true([&, fd = other_end(trigger)] { return unread(fd) == 0; }));

  // While the trigger's message is handled the first leaves and a second comes in its place and
  // speaks: both ends of the descriptor's life are told only after that message.
  RawSocket second;
  bool reused = false;
  log.during_message = [&] {
    first.close();
    if (!comes_true([&] { return ::fcntl(descriptor, F_GETFD) < 0; })) return;
    std::vector<int> lower;  // nothing but one number below it is free, for the client's end
    for (int fd; (fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) != descriptor;) {
      if (fd < 0 || fd > descriptor) return;
      lower.push_back(fd);
    }
    ::close(descriptor);
    ::close(lower.front());
    second = RawSocket(server->port());
    second.send(null_greeting() + ready_command());
    reused = comes_true([&] { return second.received().size() > 64 + 20; }) &&
             other_end(second) == descriptor && second.send(kHello) &&
             comes_true([&] { return unread(descriptor) == 0; });
    for (std::size_t i = 1; i < lower.size(); ++i) ::close(lower[i]);
  };
  REQUIRE(run_until(loop, [&] { return log.messages.size() == 3; }));
  REQUIRE(reused);
  REQUIRE(second.send(kHello));
  REQUIRE(run_until(loop, [&] { return log.messages.size() == 4; }));
  REQUIRE(log.messages[2].first == log.messages[3].first);
  REQUIRE(log.opened.size() == 3);
  REQUIRE(log.closed.size() == 1);
  REQUIRE(log.closed.contains(log.messages[0].first));
}

}  // namespace
}  // namespace bourse::runtime
