// A session with three servers, of which some die or stop.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>

#include "tests/unit/runtime/zookeeper_fixture.hpp"

namespace bourse::runtime::test {

namespace {

ZookeeperServers& ensemble() {
  static ZookeeperServers servers(3);
  return servers;
}

// The server that a socket of this program is connected to; REQUIRES that there is one session
// only.
int attached_server() {
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    sockaddr_in peer = {};
    socklen_t size = sizeof(peer);
    const int fd = std::stoi(entry.path().filename().string());
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0) continue;
    const std::string address = "127.0.0.1:" + std::to_string(ntohs(peer.sin_port));
    for (int i = 0; i < ensemble().count(); ++i) {
      if (ensemble().address(i) == address) return i;
    }
  }
  return -1;
}

std::vector<std::string> all_but(int index) {
  std::vector<std::string> out = ensemble().addresses();
  out.erase(out.begin() + index);
  return out;
}

void wait_until_all_serve() {
  for (int i = 0; i < ensemble().count(); ++i) ensemble().wait_until_serving(i);
}

}  // namespace

TEST_CASE("the session moves to another server when its own dies, with its nodes and watches",
          "[zookeeper]") {
  wait_until_all_serve();
  Loop loop;
  ZkClient client(loop);
  client.connect(options_for(ensemble().addresses()));
  const int own = attached_server();
  REQUIRE(own >= 0);
  ZkClient other(loop);
  other.connect(options_for(all_but(own)));
  const std::string path = fresh_path("moves");
  client.create(path, "before");
  client.create(path + "/mine", "", {.ephemeral = true});
  client.get(path, true);
  client.noted.clear();
  client.order.clear();
  client.asked = 0;

  // The change happens while the client's server stands still, so only the next one can tell it.
  ensemble().pause(own);
  while (other.set(path, "after").code != ZkCode::ok) REQUIRE(other.until(ZkPhase::connected));
  for (int i = 0; i < 10; ++i) client.ask_get(path);
  CHECK(client.watches.empty());
  ensemble().kill(own);
  REQUIRE(run_until(loop, [&] { return client.answers() == 10; }));
  const bool back = client.until(ZkPhase::connected);
  INFO("state " << name_of(client.states.back().phase) << ", " << client.session->last_error());
  REQUIRE(back);
  CHECK(client.times_answered() == std::vector<int>(10, 1));
  CHECK(client.order.front() == "suspended");
  CHECK(client.states.back().session_id == client.states.front().session_id);
  REQUIRE(run_until(loop, [&] { return !client.watches.empty(); }));
  CHECK(client.watches == std::vector<ZkWatch>{{ZkEvent::changed, path}});
  CHECK(client.get(path).text == "after");
  CHECK(client.exists(path + "/mine").stat.ephemeral_owner == client.session->session_id());
  ensemble().start(own);
}

TEST_CASE("writes go on after the leading server was killed, each answered exactly once",
          "[zookeeper]") {
  wait_until_all_serve();
  Loop loop;
  ZkClient client(loop);
  client.connect(options_for(ensemble().addresses()));
  const std::string path = fresh_path("leader");
  client.create(path, "");
  client.noted.clear();
  client.asked = 0;
  const int leader = ensemble().leader();
  REQUIRE(leader >= 0);
  for (int i = 0; i < 200; ++i) client.ask_set(path, std::to_string(i));
  ensemble().kill(leader);
  const std::size_t sent = 200;
  REQUIRE(run_until(
      loop, [&] { return client.answers() >= sent; }, Duration::seconds(30)));
  CHECK(client.times_answered() == std::vector<int>(sent, 1));
  for (const auto& noted : client.noted) {
    CHECK((noted.code == ZkCode::ok || noted.code == ZkCode::connection_loss));
  }
  REQUIRE(run_until(loop, [&] { return client.states.back().phase == ZkPhase::connected; }));
  while (client.set(path, "after").code != ZkCode::ok) REQUIRE(client.until(ZkPhase::connected));
  CHECK(client.states.back().session_id == client.states.front().session_id);
  ensemble().start(leader);
}

TEST_CASE("an ensemble that stops whole and goes on is waited for, without a busy loop",
          "[zookeeper]") {
  wait_until_all_serve();
  Loop loop;
  ZkClient client(loop);
  client.connect(options_for(ensemble().addresses(), Duration::seconds(2)));
  const std::string path = fresh_path("stops");
  client.create(path, "");
  client.noted.clear();
  client.asked = 0;
  for (int i = 0; i < 3; ++i) ensemble().pause(i);
  const auto before = client.session->stats();
  for (int i = 0; i < 10; ++i) client.ask_set(path, "x");
  REQUIRE(client.until(ZkPhase::suspended));
  REQUIRE(run_until(loop, [&] { return client.answers() == 10; }));
  CHECK(client.times_answered() == std::vector<int>(10, 1));
  loop.run_for(Duration::seconds(2));
  CHECK(client.session->stats().wakeups - before.wakeups <= 100);
  CHECK(client.session->stats().attempts - before.attempts <= 20);
  for (int i = 0; i < 3; ++i) ensemble().resume(i);
  REQUIRE(run_until(
      loop,
      [&] {
        const ZkPhase phase = client.states.back().phase;
        return phase == ZkPhase::connected || phase == ZkPhase::expired;
      },
      Duration::seconds(30)));
  if (client.states.back().phase == ZkPhase::connected) {
    CHECK(client.states.back().session_id == client.states.front().session_id);
  }
  wait_until_all_serve();  // it may have to elect anew
  ZkClient next(loop);
  next.connect(options_for(ensemble().addresses()));
  CHECK(next.exists(path).code == ZkCode::ok);
}

}  // namespace bourse::runtime::test
