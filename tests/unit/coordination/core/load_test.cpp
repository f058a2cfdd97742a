// Reading the registry: what it takes to lead, and what keeps a candidate from it.
#include <catch2/catch.hpp>

#include "base/fingerprint.hpp"
#include "coordination/core/names.hpp"
#include "tests/unit/coordination/core/world.hpp"

using namespace bourse;
using namespace bourse::coordination;
using namespace bourse::coordination::test;

namespace {

// An ensemble with a registry of one entry that nobody leads.
struct Left {
  explicit Left(CoordinationConfig config = {}, std::uint64_t seed = 1) : world(seed) {
    Process& a = world.add("a", config);
    a.start();
    REQUIRE(world.elect());
    const PersistId id = a.write("key", "value");
    REQUIRE(world.run_until([&] { return a.stored(id); }));
    a.crash();
    world.run_for(Duration::seconds(10));
    world.forget();
  }

  void put(const std::string& path, const std::string& data) {
    if (world.zookeeper.by_hand(zk::Set{path, data}).code != zk::Code::ok) {
      REQUIRE(world.zookeeper.by_hand(zk::Create{path, data}).code == zk::Code::ok);
    }
  }
  std::string data(const std::string& path) const { return world.zookeeper.tree().at(path).data; }
  // A candidate that cannot lead: says why, gives its place away, stays.
  std::string refusal(CoordinationConfig config = {}) {
    Process& b = world.add("b", config);
    b.start();
    REQUIRE(world.run_until([&] { return b.phase() == Phase::withdrawn; }));
    world.run_for(kSecond);
    CHECK(b.alive());
    CHECK(world.names("/bourse").empty());
    CHECK(b.noted("coordination.cannot_lead"));
    return b.core().state().reason;
  }

  World world;
  const std::string shard = shard_path("/bourse", shard_of("key", 8));
};

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a registry with a damaged shard is not led, and the sentence names the path") {
  Left left;
  std::string bytes = left.data(left.shard);
  bytes[20] = static_cast<char>(bytes[20] ^ 1);
  left.put(left.shard, bytes);
  const std::string reason = left.refusal();
  CHECK(reason.find(left.shard + ": its checksum does not match") == 0);
}

TEST_CASE("a shard of a newer form is not guessed at") {
  Left left;
  std::string body = left.data(left.shard).substr(8);
  body[0] = 2;
  Fingerprint sum;
  sum.add(std::string_view(body));
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<char>(sum.value() >> (8 * i)));
  left.put(left.shard, bytes + body);
  CHECK(left.refusal() ==
        left.shard + ": has version 2, this build reads version 1: run a newer build");
}

TEST_CASE("a registry that demands what this build does not know is not led") {
  CoordinationConfig newer;
  newer.demands = {"quota"};
  newer.features = {"quota"};
  Left left(newer);
  const std::string reason = left.refusal();
  CHECK(has(reason, "/bourse.bourse/registry: a newer master wrote it with quota"));
  // The older one gives way to one that can.
  Process& c = left.world.add("c", newer);
  c.start();
  REQUIRE(left.world.elect());
  CHECK(c.leads());
  CHECK(c.leadership->entries.size() == 1);
}

TEST_CASE("a registry of somebody else is not led, and nothing of it is changed") {
  Left left;
  const std::string epoch = left.data(epoch_path("/bourse"));
  CoordinationConfig other;
  other.demands = {"service-book"};
  other.features = other.demands;
  other.expects = other.demands;
  CHECK(has(left.refusal(other), "/bourse.bourse/registry: is somebody else's"));
  CHECK(left.data(epoch_path("/bourse")) == epoch);
}

TEST_CASE("a registry whose import is not finished is not led, and nothing of it is changed") {
  Left left;
  left.put(registry_path("/bourse"), encode(RegistryRecord{8, {std::string(kUnfinishedImport)}}));
  const std::string epoch = left.data(epoch_path("/bourse"));
  CHECK(has(left.refusal(), "/bourse.bourse/registry: an import of the registry is under way"));
  CHECK(left.data(epoch_path("/bourse")) == epoch);
}

TEST_CASE("a feature is demanded in the transaction that takes the leadership") {
  Left left;
  CoordinationConfig newer;
  newer.demands = {"quota"};
  newer.features = {"quota"};
  Process& b = left.world.add("b", newer);
  b.start();
  REQUIRE(left.world.elect());
  const auto record = decode_registry(left.data("/bourse.bourse/registry"), "/").value();
  CHECK(record.features == std::vector<std::string>{"quota"});
  CHECK(record.shards == 8);
}

TEST_CASE("the number of shards is the registry's, not the configuration's") {
  Left left;
  CoordinationConfig config;
  config.shards = 99;
  Process& b = left.world.add("b", config);
  b.start();
  REQUIRE(left.world.elect());
  CHECK(b.core().state().store.shards.size() == 8);
  CHECK(b.leadership->entries.size() == 1);
}

TEST_CASE("a registry without its epoch, or an epoch without its registry, is not begun anew") {
  for (const std::string gone : {"/bourse.bourse/epoch", "/bourse.bourse/registry"}) {
    CAPTURE(gone);
    Left left;
    REQUIRE(left.world.zookeeper.by_hand(zk::Remove{gone}).code == zk::Code::ok);
    CHECK(left.refusal().find(gone + " is missing while ") == 0);
  }
  Left left;
  left.world.zookeeper.by_hand(zk::Remove{"/bourse.bourse/epoch"});
  left.world.zookeeper.by_hand(zk::Remove{"/bourse.bourse/registry"});
  CHECK(has(left.refusal(), "holds a registry, but /bourse.bourse/epoch is missing"));
}

TEST_CASE("fifty thousand agents are written one by one and read back by the next leader") {
  constexpr int kAgents = 50'000;
  World world;
  Process& a = world.add("a");
  a.config().shards = 512;  // as a master makes
  a.start();
  REQUIRE(world.elect());
  std::map<std::string, std::string> written;
  // As many at a time as a master has under way when all its agents come at once.
  for (int begun = 0; begun < kAgents;) {
    for (int i = 0; i < 2'500; ++i, ++begun) {
      const std::string key = "agent/c0ffee-S" + std::to_string(begun);
      const std::string value = key + " " + std::string(280, 'x');
      a.write(key, value);
      written.emplace(key, value);
    }
    const auto answered = static_cast<std::size_t>(begun);
    REQUIRE(world.run_until([&] { return a.answers.size() == answered; }, Duration::seconds(600)));
  }
  for (const Effect& answer : a.answers) REQUIRE(std::holds_alternative<Stored>(answer.body));
  for (const auto& [path, node] : world.zookeeper.tree()) {
    CHECK(node.data.size() <= 64u << 10);  // a server's memory and log are not ours alone
  }
  a.crash();
  Process& b = world.add("b");
  b.start();
  REQUIRE(world.elect());
  const auto& read = b.leadership->entries;
  CHECK(std::map<std::string, std::string>(read.begin(), read.end()) == written);
  CHECK(b.leadership->epoch == 2);
}

TEST_CASE("strange nodes among the shards keep a candidate from leading") {
  for (const std::string name : {"lock", "0008", "00000"}) {
    CAPTURE(name);
    Left left;
    left.put("/bourse.bourse/shards/" + name, "x");
    CHECK(left.refusal().find("/bourse.bourse/shards/" + name + " is no shard") == 0);
  }
}

TEST_CASE("an entry in the wrong shard is corruption") {
  Left left;
  const std::uint32_t wrong = (shard_of("key", 8) + 1) % 8;
  left.put(shard_path("/bourse", wrong), encode(ShardRecord{1, 1, {{"key", "value"}}}));
  CHECK(has(left.refusal(), "holds 'key', which belongs into another shard"));
}

TEST_CASE("an epoch restored without its shards is noticed") {
  Left left;
  left.put(left.shard, encode(ShardRecord{7, 1, {{"key", "value"}}}));
  CHECK(has(left.refusal(), "was written in epoch 7"));
}

TEST_CASE("an epoch that does not parse keeps everyone from leading") {
  Left left;
  left.put("/bourse.bourse/epoch", "seven");
  CHECK(left.refusal().find("/bourse.bourse/epoch: cut off") == 0);
}

TEST_CASE(
    "who has read the registry when its lease is over already does not lead, and takes it anew") {
  Left left;
  Process& b = left.world.add("b");
  b.start();
  const auto asked_for_shards = [&] {
    if (b.phase() != Phase::loading || b.requests.empty()) return false;
    const auto* get = std::get_if<zk::Get>(&b.requests.back().second);
    return get != nullptr && has(get->path, "/shards/");
  };
  REQUIRE(left.world.run_until(asked_for_shards));
  const Epoch taken = left.world.epoch().epoch;
  // With the answers waiting for it: longer than its lease, not as long as its session.
  b.pause(true);
  left.world.run_for(Duration::milliseconds(3'000));
  b.pause(false);
  bool acts_late = false;
  REQUIRE(left.world.run_until([&] {
    acts_late = acts_late || (b.leads() && !b.core().may_act(b.now()));
    return b.leads();
  }));
  CHECK_FALSE(acts_late);
  CHECK(b.leadership->epoch > taken);
  CHECK(b.leadership->entries.size() == 1);
}

TEST_CASE("who could not lead stands again later and leads once it is mended") {
  Left left;
  const std::string good = left.data(left.shard);
  left.put(left.shard, "damaged beyond all recognition");
  left.refusal();
  Process& b = left.world.at("b");
  left.world.run_for(Duration::seconds(600));
  CHECK(b.alive());
  CHECK(left.world.epoch().epoch < 10);  // with back-off, not in a loop
  left.put(left.shard, good);
  REQUIRE(left.world.elect(Duration::seconds(301)));
  CHECK(b.leadership->entries.size() == 1);
}

TEST_CASE("who won but cannot make sense of the registry gives way to one who can") {
  Left left;
  Process& b = left.world.add("b");
  b.start();
  REQUIRE(left.world.elect());
  b.step(Declined{"entry 'zebra': this build does not know what it is about"});
  CHECK(b.phase() == Phase::withdrawn);
  CHECK_FALSE(b.core().may_act(b.now()));
  CHECK(b.noted("coordination.cannot_lead", "zebra"));
  left.world.run_for(kSecond);
  CHECK(left.world.names("/bourse").empty());
  // What it is asked for meanwhile is refused, and its lease, which nobody renews, ends nothing.
  const PersistId id = b.write("k", "v");
  CHECK(b.refusal(id) == "this master does not lead");
  Process& c = left.world.add("c");
  c.start();
  REQUIRE(left.world.run_until([&] { return c.leads(); }));
  CHECK(c.leadership->entries.size() == 1);
  left.world.run_for(Duration::seconds(60));
  CHECK(b.alive());
  CHECK(b.leader->info == "I am c");
  // It stands again behind the other, and wins once that is away.
  c.crash();
  REQUIRE(left.world.run_until([&] { return b.leads(); }));
}

TEST_CASE("who never makes sense of the registry wins ever more rarely") {
  Left left;
  Process& b = left.world.add("b");
  int won = 0;
  b.on_effect = [&](const Effect& effect) {
    if (!std::holds_alternative<BecameLeader>(effect.body)) return;
    ++won;
    left.world.schedule.in({}, [&] { b.step(Declined{"zebra"}); });
  };
  b.start();
  left.world.run_for(Duration::seconds(1'200));
  CHECK(b.alive());
  CHECK(won >= 4);
  CHECK(won < 14);  // 30, 60, 120, 240 s, then 5 minutes; half of each at the least
}

TEST_CASE("who could not lead still tells who does") {
  CoordinationConfig newer;
  newer.demands = {"quota"};
  newer.features = {"quota"};
  Left left(newer);
  left.refusal();
  left.world.add("c", newer).start();
  REQUIRE(left.world.elect());
  REQUIRE(left.world.run_until([&] {
    const auto& leader = left.world.at("b").leader;
    return leader && leader->info == "I am c";
  }));
}

TEST_CASE("reading a registry keeps a bounded number of requests under way") {
  CoordinationConfig config;
  config.shards = 200;
  config.reads_in_flight = 10;
  World world;
  Process& a = world.add("a", config);
  a.start();
  REQUIRE(world.elect());
  PersistId last;
  for (int i = 0; i < 1'000; ++i) last = a.write("key" + std::to_string(i), "v");
  REQUIRE(world.run_until([&] { return a.stored(last); }));
  a.crash();
  Process& b = world.add("b", config);
  std::size_t most = 0;
  b.on_effect = [&](const Effect&) { most = std::max(most, b.core().state().loading.in_flight); };
  b.start();
  REQUIRE(world.elect());
  CHECK(most == 10);
  CHECK(b.leadership->entries.size() == 1'000);
}

TEST_CASE("reading goes on where it was when the connection is lost") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    CoordinationConfig config;
    config.shards = 100;
    config.reads_in_flight = 4;
    World world(seed);
    Process& a = world.add("a", config);
    a.start();
    REQUIRE(world.elect());
    PersistId last;
    for (int i = 0; i < 300; ++i) last = a.write("key" + std::to_string(i), "v");
    REQUIRE(world.run_until([&] { return a.stored(last); }));
    a.crash();
    Process& b = world.add("b", config);
    b.start();
    REQUIRE(world.run_until([&] { return b.phase() == Phase::loading; }));
    world.run_for(Duration::milliseconds(static_cast<std::int64_t>(seed)));
    world.zookeeper.break_connection(b.handle());
    REQUIRE(world.elect());
    CHECK(b.leadership->entries.size() == 300);
    CHECK(b.leadership->epoch == 2);
  }
}
