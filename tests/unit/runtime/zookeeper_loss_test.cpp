// One session, and a server that is killed, paused, away or elsewhere.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <thread>

#include "tests/unit/runtime/zookeeper_fixture.hpp"

namespace bourse::runtime::test {

namespace {

// Every case leaves it running.
ZookeeperServers& mortal_server() {
  static ZookeeperServers server;
  return server;
}

ZookeeperOptions mortal(Duration timeout = Duration::seconds(30)) {
  return options_for(mortal_server().addresses(), timeout);
}

void check_all_lost_once(ZkClient& client, std::size_t count) {
  REQUIRE(run_until(client.loop, [&] { return client.answers() >= count; }));
  CHECK(client.times_answered() == std::vector<int>(count, 1));
  for (const auto& noted : client.noted) CHECK(noted.code == ZkCode::connection_loss);
  for (const auto& noted : client.noted) CHECK(noted.results.empty());
}

// A private view of the machine's host table, for the calling thread and those it makes.
class HostTable {
 public:
  bool enter() {
    if (::unshare(CLONE_NEWNS) != 0) return false;
    write("");
    std::ofstream(directory_.file("nsswitch")) << "hosts: files\n";
    return ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
           ::mount(directory_.file("hosts").c_str(), "/etc/hosts", nullptr, MS_BIND, nullptr) ==
               0 &&
           ::mount(directory_.file("nsswitch").c_str(), "/etc/nsswitch.conf", nullptr, MS_BIND,
                   nullptr) == 0;
  }
  void write(const std::string& line) { std::ofstream(directory_.file("hosts")) << line << "\n"; }

 private:
  TempDir directory_;
};

}  // namespace

TEST_CASE("requests under way when the server dies are each answered connection_loss exactly once",
          "[zookeeper]") {
  ZookeeperServers& server = mortal_server();
  Loop loop;
  ZkClient client(loop);
  client.connect(mortal());
  const std::string path = fresh_path("flight");
  const std::string mine = fresh_path("flight");
  client.create(path, "0");
  client.create(mine, "", {.ephemeral = true});
  client.get(path, true);
  client.noted.clear();
  client.order.clear();
  client.asked = 0;

  server.pause();
  for (int i = 0; i < 30; ++i) client.ask_set(path, std::to_string(i));
  for (int i = 0; i < 10; ++i) client.ask_get(path);
  for (int i = 0; i < 10; ++i) {
    client.ask_multi({ZkOp::check(path, 0), ZkOp::set(path, "m"), ZkOp::create(path + "/c", "")});
  }
  loop.run_for(Duration::milliseconds(50));
  CHECK(client.answers() == 0);
  CHECK(client.session->stats().outstanding >= 50);
  server.kill();
  check_all_lost_once(client, 50);
  CHECK(client.order.front() == "suspended");
  CHECK(client.session->stats().outstanding == 0);
  CHECK(client.session->stats().outstanding_bytes == 0);
  CHECK_FALSE(client.session->last_error().empty());

  // The same session goes on when the server is back: its nodes and watches are still there.
  server.start();
  REQUIRE(client.until(ZkPhase::connected));
  CHECK(client.states.size() == 3);
  CHECK(client.states.back().session_id == client.states.front().session_id);
  CHECK(client.session->last_error().empty());
  CHECK(client.exists(mine).stat.ephemeral_owner == client.session->session_id());
  client.set(path, "after");
  REQUIRE(run_until(loop, [&] { return !client.watches.empty(); }));
  CHECK(client.watches.front() == ZkWatch{ZkEvent::changed, path});
}

TEST_CASE("a connection that breaks while a request is written costs its requests once and no more",
          "[zookeeper]") {
  ZookeeperServers& server = mortal_server();
  server.wait_until_serving(0);
  Loop loop;
  ZkClient client(loop);
  client.connect(mortal());
  const std::string path = fresh_path("broken");
  client.create(path, "before");
  client.noted.clear();
  client.order.clear();
  client.asked = 0;

  // The loop does not run, so it is the request itself that meets the closed connection.
  server.kill();
  for (int i = 0; i < 20; ++i) client.ask_set(path, std::string(10000, 'x'));
  check_all_lost_once(client, 20);
  CHECK(std::count(client.order.begin(), client.order.end(), "suspended") == 1);
  server.start();
  REQUIRE(client.until(ZkPhase::connected));
  // Nothing of what was lost is sent to the new server, neither whole nor its second half.
  CHECK(client.get(path).text == "before");
  CHECK(client.get(path).stat.version == 0);
  for (int i = 0; i < 20; ++i) CHECK(client.set(path, "after").code == ZkCode::ok);
  CHECK(std::count(client.order.begin(), client.order.end(), "suspended") == 1);
}

TEST_CASE("a request without a connection is answered connection_loss and never sent",
          "[zookeeper]") {
  ZookeeperServers& server = mortal_server();
  server.wait_until_serving(0);
  Loop loop;
  ZkClient client(loop);
  client.open(mortal());
  const std::string path = fresh_path("unsent");
  CHECK(client.session->state().phase == ZkPhase::connecting);
  client.ask_multi({ZkOp::create(path, "")});
  client.ask_get(path);
  client.ask_set(path, "");
  check_all_lost_once(client, 3);
  REQUIRE(client.until(ZkPhase::connected));
  CHECK(client.exists(path).code == ZkCode::no_node);
}

TEST_CASE("an ensemble that is away is tried again and again, with pauses, until it is back",
          "[zookeeper]") {
  ZookeeperServers& server = mortal_server();
  server.wait_until_serving(0);
  server.kill();
  Loop loop;
  ZkClient client(loop);
  ZookeeperOptions options = mortal();
  // A second name of the same closed port: a round has two attempts.
  options.servers.push_back("127.0.0.2" + server.address().substr(9));
  client.open(options);
  loop.run_for(Duration::seconds(3));
  CHECK(client.states.empty());
  CHECK(client.session->last_error().find("Connection refused") != std::string::npos);
  const ZookeeperStats stats = client.session->stats();
  CHECK(stats.attempts >= 4);
  CHECK(stats.attempts <= 40);
  CHECK(stats.wakeups <= 100);
  server.start();
  REQUIRE(client.until(ZkPhase::connected));
  CHECK(client.create(fresh_path("away")).code == ZkCode::ok);
}

TEST_CASE("one server of several is enough, whichever it is", "[zookeeper]") {
  ZookeeperServers& server = mortal_server();
  server.wait_until_serving(0);
  Loop loop;
  ZookeeperOptions options = mortal();
  for (std::size_t dead = 1; dead <= 5; ++dead) {
    options.servers.push_back("127.0.0." + std::to_string(1 + dead) + server.address().substr(9));
    for (int i = 0; i < 4; ++i) {
      ZkClient client(loop);
      client.connect(options);
      CHECK(client.session->stats().attempts <= dead + 1);  // each once, in an order drawn anew
    }
  }
}

TEST_CASE("a server that takes the connection and says nothing is left for the next one",
          "[zookeeper]") {
  ZookeeperServers& server = mortal_server();
  server.wait_until_serving(0);
  // As a server that is met while it starts: the kernel accepts, nobody answers.
  const int silent = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  REQUIRE(::bind(silent, reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(::listen(silent, 16) == 0);
  REQUIRE(::getsockname(silent, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  Loop loop;
  ZookeeperOptions options = mortal(Duration::seconds(60));
  options.servers.push_back("127.0.0.1:" + std::to_string(ntohs(address.sin_port)));
  // Which one comes first is drawn; left to itself the client stays with it for 40 s.
  std::vector<std::unique_ptr<ZkClient>> clients;
  for (int i = 0; i < 12; ++i) {
    clients.push_back(std::make_unique<ZkClient>(loop));
    clients.back()->open(options);
  }
  for (const auto& client : clients) REQUIRE(client->until(ZkPhase::connected));
  clients.clear();
  ::close(silent);
}

TEST_CASE("a server that hangs is left after two thirds of the timeout, without a busy loop",
          "[zookeeper]") {
  ZookeeperServers& server = mortal_server();
  server.wait_until_serving(0);
  Loop loop;
  ZkClient client(loop);
  client.connect(mortal(Duration::milliseconds(1500)));
  client.noted.clear();
  client.asked = 0;
  server.pause();
  const Instant paused = monotonic_now();
  const auto wakeups = client.session->stats().wakeups;
  client.ask_get("/");
  REQUIRE(client.until(ZkPhase::suspended));
  check_all_lost_once(client, 1);
  CHECK(client.session->last_contact() <= paused);
  loop.run_for(Duration::seconds(2));
  CHECK(client.session->stats().wakeups <= wakeups + 100);
  server.resume();
  // Whether the session outlived this is the server's to say; it is told either way.
  REQUIRE(run_until(loop, [&] {
    const ZkPhase phase = client.states.back().phase;
    return phase == ZkPhase::connected || phase == ZkPhase::expired;
  }));
}

TEST_CASE("destroying a session does not wait for a server that hangs", "[zookeeper]") {
  ZookeeperServers& server = mortal_server();
  server.wait_until_serving(0);
  Loop loop;
  ZkClient idle(loop);
  idle.connect(mortal());
  ZkClient loaded(loop);
  ZookeeperOptions options = mortal();
  options.max_outstanding_bytes = 64u << 20;
  loaded.connect(options);
  const std::string path = fresh_path("hangs");
  server.pause();
  for (int i = 0; i < 100; ++i) loaded.ask_set(path, std::string(500 << 10, 'x'));
  loop.run_for(Duration::milliseconds(50));
  const Instant before = monotonic_now();
  idle.session.reset();
  loaded.session.reset();
  // Left to itself the client waits 1.5 s for the one and 3 s for the other.
  CHECK(monotonic_now() - before < Duration::seconds(1));
  loop.run_for(Duration::milliseconds(50));
  CHECK(loaded.answers() == 0);
  server.resume();
}

TEST_CASE("names are looked up anew while there is no connection", "[zookeeper]") {
  if (::geteuid() != 0) {
    WARN("skipped: a host table of our own needs root");
    return;
  }
  ZookeeperServers& server = mortal_server();
  server.wait_until_serving(0);
  std::thread([&] {
    HostTable table;
    REQUIRE(table.enter());
    Loop loop;
    ZkClient client(loop);
    const std::string port = server.address().substr(10);
    client.open(options_for({"ensemble.example:" + port}));
    REQUIRE(run_until(loop, [&] {
      return client.session->last_error().find("cannot resolve 'ensemble.example'") !=
             std::string::npos;
    }));
    table.write("127.0.0.9 ensemble.example");  // nobody there
    REQUIRE(run_until(loop, [&] {
      return client.session->last_error() == "127.0.0.9:" + port + ": Connection refused";
    }));
    table.write("127.0.0.1 ensemble.example");
    REQUIRE(client.until(ZkPhase::connected));
    const auto session_id = client.session->session_id();

    // The whole ensemble moves: the session finds it and goes on.
    table.write("127.0.0.9 ensemble.example");
    server.kill();
    REQUIRE(client.until(ZkPhase::suspended));
    REQUIRE(run_until(loop, [&] {
      return client.session->last_error() == "127.0.0.9:" + port + ": Connection refused";
    }));
    server.start();
    table.write("127.0.0.1 ensemble.example");
    REQUIRE(client.until(ZkPhase::connected));
    CHECK(client.session->session_id() == session_id);
  }).join();
}

TEST_CASE("authentication that the servers refuse is told, and final", "[zookeeper]") {
  ZookeeperServers server(1, {"-Dzookeeper.DigestAuthenticationProvider.enabled=false"});
  Loop loop;
  ZkClient client(loop);
  ZookeeperOptions options = options_for(server.addresses());
  options.digest_auth = "ada:secret";
  client.open(options);
  REQUIRE(client.until(ZkPhase::auth_failed));
  CHECK(client.get("/").code == ZkCode::auth_failed);
  CHECK(client.multi({ZkOp::create("/a", "")}).code == ZkCode::auth_failed);
  const auto attempts = client.session->stats().attempts;
  loop.run_for(Duration::milliseconds(300));
  CHECK(client.session->stats().attempts == attempts);
  CHECK(client.states.back().phase == ZkPhase::auth_failed);
}

}  // namespace bourse::runtime::test
