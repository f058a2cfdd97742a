// Standing, taking the epoch, losing it.
#include <catch2/catch.hpp>

#include "coordination/core/names.hpp"
#include "tests/unit/coordination/core/world.hpp"

using namespace bourse;
using namespace bourse::coordination;
using namespace bourse::coordination::test;

namespace {

std::vector<std::string> create_paths(const Process& process) {
  std::vector<std::string> out;
  for (const auto& [id, request] : process.requests) {
    if (const auto* create = std::get_if<zk::Create>(&request)) out.push_back(create->path);
  }
  return out;
}

bool wrote(const Process& process) {
  for (const auto& [id, request] : process.requests) {
    if (std::holds_alternative<zk::Multi>(request) || std::holds_alternative<zk::Set>(request)) {
      return true;
    }
  }
  return false;
}

}  // namespace

TEST_CASE("the lowest candidate leads and everyone knows its words") {
  World world;
  for (const char* name : {"a", "b", "c"}) world.add(name).start();
  CoordinationConfig watcher;
  watcher.stand = false;
  Process& agent = world.add("d", watcher);
  agent.start();
  REQUIRE(world.elect());
  world.run_for(kSecond);
  const std::string leader = "I am " + world.leader()->name();
  int leading = 0;
  for (const auto& [name, process] : world.processes) {
    REQUIRE(process->leader.has_value());
    CHECK(process->leader->info == leader);
    CHECK(process->leader->ours == process->leads());
    leading += process->leads() ? 1 : 0;
  }
  CHECK(leading == 1);
  CHECK(world.names("/bourse").size() == 3);
  CHECK(agent.requests.size() < 20);
}

TEST_CASE("under the election path stand candidates only") {
  CoordinationConfig config;
  config.path = "/sites/one/mesos";
  World world;
  Process& a = world.add("a", config);
  a.start();
  REQUIRE(world.elect());
  const auto names = world.names("/sites/one/mesos");
  REQUIRE(names == std::vector<std::string>{"json.info_0000000000"});
  CHECK(world.zookeeper.tree().at("/sites/one/mesos/" + names[0]).data == "I am a");
  CHECK(world.names("/sites/one/mesos.bourse") ==
        std::vector<std::string>{"epoch", "registry", "shards"});
}

TEST_CASE("taking the leadership is one transaction that raises the epoch") {
  World world;
  Process& a = world.add("a");
  a.start();
  REQUIRE(world.elect());
  CHECK(a.leadership->epoch == 1);
  CHECK(a.leadership->cluster_id.size() == 36);
  const std::string cluster = a.leadership->cluster_id;
  int takes = 0;
  for (const auto& [id, request] : a.requests) {
    const auto* multi = std::get_if<zk::Multi>(&request);
    if (multi == nullptr) continue;
    ++takes;
    REQUIRE(multi->changes.size() == 3);
    CHECK(std::get<zk::Check>(multi->changes[0]).path == a.own_path());
  }
  CHECK(takes == 1);
  a.crash();
  Process& b = world.add("b");
  b.start();
  REQUIRE(world.elect());
  CHECK(b.leadership->epoch == 2);
  CHECK(b.leadership->cluster_id == cluster);
  CHECK(world.epoch().epoch == 2);
}

TEST_CASE("the epoch is taken before the registry is read") {
  World world;
  Process& a = world.add("a");
  a.start();
  REQUIRE(world.elect());
  a.write("k", "v");
  world.run_for(kSecond);
  a.crash();
  Process& b = world.add("b");
  b.start();
  REQUIRE(world.elect());
  bool taken = false;
  for (const auto& [id, request] : b.requests) {
    taken = taken || std::holds_alternative<zk::Multi>(request);
    const auto* get = std::get_if<zk::Get>(&request);
    if (get != nullptr && get->path.starts_with("/bourse.bourse/shards/")) CHECK(taken);
  }
  CHECK(b.leadership->entries == std::vector<std::pair<std::string, std::string>>{{"k", "v"}});
}

TEST_CASE("an ambiguous candidacy is found by its session and not doubled") {
  for (const bool done : {true, false}) {
    CAPTURE(done);
    World world;
    Process& a = world.add("a");
    a.on_effect = [&, armed = true](const Effect& effect) mutable {
      const auto* ask = std::get_if<ZkRequest>(&effect.body);
      const auto* create = ask ? std::get_if<zk::Create>(&ask->request) : nullptr;
      if (create == nullptr || !create->sequential || !armed) return;
      if (world.zookeeper.tree().count("/bourse") == 0) return;  // the path is made first
      armed = false;
      world.zookeeper.lose_next_write(a.handle(), done);
    };
    a.start();
    REQUIRE(world.elect());
    CHECK(world.names("/bourse").size() == 1);
    const auto paths = create_paths(a);
    CHECK(std::count(paths.begin(), paths.end(), "/bourse/json.info_") == (done ? 2 : 3));
  }
}

TEST_CASE("a candidate made twice behind a server's back keeps the earlier node") {
  // A server that is behind does not show the first node, so a second one is made.
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    sim::ZooKeeperPace pace;
    pace.lag = Duration::seconds(3);
    pace.reconnect = Duration::milliseconds(20);
    World world(seed, pace);
    Process& a = world.add("a");
    int left = 2;
    a.on_effect = [&](const Effect& effect) {
      const auto* ask = std::get_if<ZkRequest>(&effect.body);
      const auto* create = ask ? std::get_if<zk::Create>(&ask->request) : nullptr;
      if (create == nullptr || !create->sequential || left == 0) return;
      if (world.zookeeper.tree().count("/bourse") == 0) return;
      --left;
      world.zookeeper.lose_next_write(a.handle(), true);
    };
    a.start();
    REQUIRE(world.elect());
    REQUIRE(world.run_until([&] { return world.names("/bourse").size() == 1; }));
    CHECK(a.leads());
  }
}

TEST_CASE("an ambiguous taking is settled by the taker's name") {
  for (const bool done : {true, false}) {
    CAPTURE(done);
    World world;
    Process& a = world.add("a");
    a.on_effect = [&, armed = true](const Effect& effect) mutable {
      const auto* ask = std::get_if<ZkRequest>(&effect.body);
      if (ask == nullptr || !std::holds_alternative<zk::Multi>(ask->request) || !armed) return;
      armed = false;
      world.zookeeper.lose_next_write(a.handle(), done);
    };
    a.start();
    REQUIRE(world.elect());
    CHECK(a.leadership->epoch == 1);
    CHECK(world.epoch().epoch == 1);
  }
}

TEST_CASE("sequence numbers are compared over their wrap") {
  CHECK(stood_before(1, 2));
  CHECK_FALSE(stood_before(2, 1));
  CHECK(stood_before(2'147'483'647, -2'147'483'648));
  CHECK_FALSE(stood_before(-2'147'483'648, 2'147'483'647));
  CHECK(sequence_of("json.info_2147483647") == 2'147'483'647);
  CHECK(sequence_of("json.info_-2147483648") == -2'147'483'647 - 1);
  CHECK(sequence_of("json.info_-000000005") == -5);
  CHECK_FALSE(sequence_of("json.info_12").has_value());
  CHECK_FALSE(sequence_of("log_replicas").has_value());
  CHECK_FALSE(sequence_of("json.info_00000000x1").has_value());
}

TEST_CASE("a standby writes nothing but its candidate's node") {
  // A standby's timer once expunged every task of a cluster (marathon 1039).
  World world;
  world.add("a").start();
  REQUIRE(world.elect());
  Process& b = world.add("b");
  b.start();
  world.run_for(Duration::seconds(600));
  CHECK_FALSE(b.leads());
  CHECK_FALSE(wrote(b));
  CHECK(create_paths(b) == std::vector<std::string>{"/bourse/json.info_"});
  const PersistId id = b.write("k", "v");
  CHECK(b.refusal(id) == "this master does not lead");
  CHECK_FALSE(wrote(b));
}

TEST_CASE("a leader that cannot reach ZooKeeper steps down before its session ends") {
  // Marathon 2509 kept leading while it reconnected; 2751 did not know that it had lost.
  World world;
  Process& a = world.add("a");
  a.start();
  REQUIRE(world.elect());
  world.run_for(kSecond);
  const Instant cut = world.schedule.now();
  world.zookeeper.cut(a.handle(), true);
  REQUIRE(world.run_until([&] { return !a.alive(); }));
  CHECK(world.schedule.now() - cut < a.timeout);
  CHECK(world.names("/bourse").size() == 1);  // the servers still believe in it
  CHECK(a.stepped_down.find("two thirds") != std::string::npos);
}

TEST_CASE("a leader may act only while its lease lasts") {
  World world;
  Process& a = world.add("a");
  a.start();
  REQUIRE(world.elect());
  CHECK(a.core().may_act(a.now()));
  CHECK(a.core().may_act(a.now() + kSecond));
  CHECK_FALSE(a.core().may_act(a.now() + a.timeout * 2 / 3));
}

TEST_CASE("an answer read late renews the lease from when it was asked for") {
  World world;
  Process& a = world.add("a");
  a.start();
  REQUIRE(world.elect());
  world.run_for(kSecond);
  REQUIRE(world.run_until([&] { return !a.core().state().asked.empty(); }));
  a.pause(true);
  // The answer waits in the socket until two thirds of the session have passed.
  world.run_for(a.timeout * 2 / 3);
  a.pause(false);
  world.run_for(Duration::milliseconds(1));
  CHECK(a.stepped_down.find("two thirds") != std::string::npos);
}

TEST_CASE("a leader that is slow to read but was heard in time goes on") {
  World world;
  Process& a = world.add("a");
  a.start();
  REQUIRE(world.elect());
  world.run_for(kSecond);
  for (int i = 0; i < 20; ++i) {
    a.pause(true);
    world.run_for(Duration::milliseconds(1500));
    a.pause(false);
    world.run_for(Duration::milliseconds(800));
  }
  CHECK(a.leads());
}

TEST_CASE("a leader whose session expired steps down and its successor has the next epoch") {
  World world;
  Process& a = world.add("a");
  Process& b = world.add("b");
  a.start();
  REQUIRE(world.elect());
  b.start();
  world.run_for(kSecond);
  world.zookeeper.expire(a.handle());
  REQUIRE(world.run_until([&] { return b.leads(); }));
  REQUIRE(world.run_until([&] { return !a.alive(); }));
  CHECK(b.leadership->epoch == 2);
}

TEST_CASE("a standby whose session expired stands again under a new one") {
  World world;
  Process& a = world.add("a");
  Process& b = world.add("b");
  a.start();
  REQUIRE(world.elect());
  b.start();
  world.run_for(kSecond);
  world.zookeeper.expire(b.handle());
  REQUIRE(world.run_until([&] { return b.sessions == 2 && world.names("/bourse").size() == 2; }));
  CHECK(b.alive());
  a.crash();
  CHECK(world.run_until([&] { return b.leads(); }));
}

TEST_CASE("events of an older handle are dropped") {
  // MESOS-1265: what the old session still said was taken for news of the new one.
  World world;
  Process& a = world.add("a");
  a.start();
  REQUIRE(world.elect());
  Process& b = world.add("b");
  b.start();
  world.run_for(kSecond);
  world.zookeeper.expire(b.handle());
  REQUIRE(world.run_until([&] { return b.sessions == 2 && world.names("/bourse").size() == 2; }));
  const std::size_t asked = b.requests.size();
  const std::uint64_t before = b.core().fingerprint();
  b.step(SessionExpired{SessionNumber(1)});
  b.step(SessionSuspended{SessionNumber(1)});
  b.step(SessionConnected{SessionNumber(1), 99, kSecond});
  b.step(WatchFired{SessionNumber(1), "/bourse"});
  b.step(AuthFailed{SessionNumber(1)});
  b.step(Replied{ZkRequestId(1), {zk::Code::no_auth}});
  CHECK(b.core().fingerprint() == before);
  CHECK(b.requests.size() == asked);
}

TEST_CASE("a leader whose node is removed by hand steps down and another takes over") {
  World world;
  Process& a = world.add("a");
  Process& b = world.add("b");
  a.start();
  REQUIRE(world.elect());
  b.start();
  world.run_for(kSecond);
  REQUIRE(world.zookeeper.by_hand(zk::Remove{a.own_path()}).code == zk::Code::ok);
  REQUIRE(world.run_until([&] { return b.leads() && !a.alive(); }));
  CHECK(a.stepped_down.find("removed") != std::string::npos);
}

TEST_CASE("a node that no candidate made is passed over and told about") {
  World world;
  REQUIRE(world.zookeeper.by_hand(zk::Create{"/bourse"}).code == zk::Code::ok);
  REQUIRE(world.zookeeper.by_hand(zk::Create{"/bourse/json.info_0000000000", "evil"}).code ==
          zk::Code::ok);
  REQUIRE(world.zookeeper.by_hand(zk::Create{"/bourse/log_replicas"}).code == zk::Code::ok);
  Process& a = world.add("a");
  a.start();
  REQUIRE(world.elect());
  CHECK(a.noted("coordination.stranger", "/bourse/json.info_0000000000"));
  CHECK(a.leader->info == "I am a");
}

TEST_CASE("an ensemble that is away for minutes brings back one leader in time") {
  World world;
  for (const char* name : {"a", "b", "c"}) {
    Process& process = world.add(name);
    process.on_exit = [&] { world.schedule.in(kSecond, [&process] { process.start(); }); };
    process.start();
  }
  REQUIRE(world.elect());
  world.zookeeper.set_available(false);
  world.run_for(Duration::seconds(300));
  CHECK(world.leader() == nullptr);
  for (const auto& [name, process] : world.processes) {
    REQUIRE(process->alive());
    if (process->leader) CHECK(process->leader->info == std::nullopt);
    CHECK(process->sessions < 12);
  }
  world.zookeeper.set_available(true);
  CHECK(world.elect(Duration::seconds(6)));
}

TEST_CASE("a handle without a server is opened again, so that names are resolved again") {
  // MESOS-4546: a client went on asking addresses that were no longer ZooKeeper's.
  World world;
  world.zookeeper.set_available(false);
  Process& a = world.add("a");
  a.start();
  REQUIRE(world.run_until([&] { return a.sessions == 3; }, Duration::seconds(200)));
  world.zookeeper.set_available(true);
  CHECK(world.elect());
}

TEST_CASE("refused credentials are a sentence and are tried again ever more slowly") {
  World world;
  world.zookeeper.refuse_credentials(true);
  Process& a = world.add("a");
  a.start();
  world.run_for(Duration::seconds(300));
  CHECK(a.noted("coordination.auth_failed", "user and password"));
  CHECK(a.sessions > 5);
  CHECK(a.sessions < 40);
  world.zookeeper.refuse_credentials(false);
  CHECK(world.elect());
}

TEST_CASE("a path whose access list does not admit us is a sentence and no crash") {
  World world;
  world.zookeeper.by_hand(zk::Create{"/bourse"});
  world.zookeeper.forbid("/bourse");
  Process& a = world.add("a");
  a.start();
  world.run_for(Duration::seconds(120));
  CHECK(a.alive());
  CHECK(a.noted("coordination.refused", "no_auth"));
  CHECK(a.notes.size() < 20);
  world.zookeeper.forbid("");
  CHECK(world.elect());
}

TEST_CASE("a path that cannot be an election's is refused by its field") {
  CHECK(check_path("/bourse").ok());
  CHECK(check_path("/a/b-c").ok());
  for (const char* path : {"", "/", "bourse", "/a//b", "/a/", "/a/../b", "/a\n"}) {
    CAPTURE(path);
    REQUIRE_FALSE(check_path(path).ok());
    CHECK(check_path(path).error().message.starts_with("path: '"));
  }
}
