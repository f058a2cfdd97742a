// Where the modelled ensemble must be as unkind as a real one.
#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/unit/coordination/core/world.hpp"

using namespace bourse;
using namespace bourse::coordination;
using namespace bourse::coordination::test;

namespace {

// A client that is no coordinator: nothing holds it back.
struct Client {
  World world;
  std::vector<EventBody> told;
  sim::ZooKeeperModel::Handle handle = world.zookeeper.open(
      SessionNumber(1), Duration::seconds(4), [this](EventBody body) { told.push_back(body); });
  std::uint64_t asked = 0;

  template <typename Event>
  bool heard() const {
    return std::any_of(told.begin(), told.end(),
                       [](const EventBody& body) { return std::holds_alternative<Event>(body); });
  }
  zk::Code ask(zk::Request request) {
    const ZkRequestId id(++asked);
    world.zookeeper.request(handle, id, std::move(request));
    zk::Code code = zk::Code::other;
    const bool answered = world.run_until([&] {
      for (const EventBody& body : told) {
        const auto* replied = std::get_if<Replied>(&body);
        if (replied == nullptr || replied->id != id) continue;
        code = replied->reply.code;
        return true;
      }
      return false;
    });
    CHECK(answered);
    return code;
  }
  bool connect() {
    told.clear();
    return world.run_until([&] { return heard<SessionConnected>(); });
  }
};

}  // namespace

TEST_CASE("a request over a megabyte costs the modelled connection and does not happen") {
  const std::string large(1'100'000, 'x');
  Client client;
  REQUIRE(client.connect());
  // As measured with real servers: a megabyte passes, and more is no refusal but a loss.
  CHECK(client.ask(zk::Create{"/fits", std::string(1'000'000, 'x')}) == zk::Code::ok);
  CHECK_FALSE(client.heard<SessionSuspended>());

  CHECK(client.ask(zk::Set{"/fits", large}) == zk::Code::connection_loss);
  CHECK(client.world.run_until([&] { return client.heard<SessionSuspended>(); }));
  CHECK(client.world.zookeeper.tree().at("/fits").data.size() == 1'000'000);
  REQUIRE(client.connect());  // the session stands

  // In parts that fit it is one request all the same.
  const std::string half(550'000, 'x');
  CHECK(client.ask(zk::Multi{{zk::Create{"/a", half}, zk::Create{"/b", half}}}) ==
        zk::Code::connection_loss);
  CHECK(client.world.zookeeper.tree().count("/a") == 0);
  REQUIRE(client.connect());
  CHECK(client.ask(zk::Create{"/a", half}) == zk::Code::ok);
}
