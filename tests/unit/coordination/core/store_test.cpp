// Writes: gathered, fenced, answered in order.
#include <algorithm>
#include <catch2/catch.hpp>

#include "coordination/core/names.hpp"
#include "tests/unit/coordination/core/world.hpp"

using namespace bourse;
using namespace bourse::coordination;
using namespace bourse::coordination::test;

namespace {

using Entries = std::vector<std::pair<std::string, std::string>>;

// A world with one leader.
struct Led {
  explicit Led(CoordinationConfig config = {}, std::uint64_t seed = 1, sim::ZooKeeperPace pace = {})
      : world(seed, pace), a(world.add("a", config)) {
    a.start();
    REQUIRE(world.elect());
    world.run_for(kSecond);
    a.requests.clear();
  }

  // The transactions of writes that left since.
  std::vector<zk::Multi> multis() const {
    std::vector<zk::Multi> out;
    for (const auto& [id, request] : a.requests) {
      if (const auto* multi = std::get_if<zk::Multi>(&request)) out.push_back(*multi);
    }
    return out;
  }
  bool settle(PersistId id) {
    return world.run_until([&] { return a.stored(id) || !a.refusal(id).empty(); });
  }
  // What the next leader reads.
  Entries reread() {
    a.crash();
    Process& next = world.add("z");
    next.start();
    REQUIRE(world.elect());
    return next.leadership->entries;
  }

  World world;
  Process& a;
};

// A key of this shard among eight.
std::string key_in(std::uint32_t shard, int number = 0) {
  for (int i = 0;; ++i) {
    std::string key = "k" + std::to_string(i);
    if (shard_of(key, 8) == shard && number-- == 0) return key;
  }
}

// Loses the answer of the next transaction of writes.
void lose_next(Led& led, bool done, int times = 1) {
  led.a.on_effect = [&led, done, times](const Effect& effect) mutable {
    const auto* ask = std::get_if<ZkRequest>(&effect.body);
    if (ask == nullptr || !std::holds_alternative<zk::Multi>(ask->request) || times == 0) return;
    --times;
    led.world.zookeeper.lose_next_write(led.a.handle(), done);
  };
}

std::uint64_t writes_of_shard(const World& world, std::uint32_t shard) {
  const auto it = world.zookeeper.tree().find(shard_path("/bourse", shard));
  return it == world.zookeeper.tree().end() ? 0
                                            : static_cast<std::uint64_t>(it->second.version) + 1;
}

}  // namespace

TEST_CASE("what is stored is there for the next leader, and what is removed is not") {
  Led led;
  led.a.write("agent/1", "one");
  led.a.write("agent/2", "two");
  const PersistId removed = led.a.write("agent/1", std::nullopt);
  const PersistId both = led.a.write({{"framework/1", std::nullopt}, {"removed/1", "at 7"}});
  REQUIRE(led.settle(both));
  CHECK(led.a.stored(removed));
  CHECK(led.reread() == Entries{{"agent/2", "two"}, {"removed/1", "at 7"}});
}

TEST_CASE("every transaction checks the epoch and the version of each of its shards") {
  Led led;
  led.a.write(key_in(1), "v");
  REQUIRE(led.settle(led.a.write(key_in(2), "v")));
  REQUIRE(led.settle(led.a.write(key_in(1), "w")));
  const auto multis = led.multis();
  REQUIRE(multis.size() == 3);
  for (const zk::Multi& multi : multis) {
    const auto& check = std::get<zk::Check>(multi.changes.at(0));
    CHECK(check.path == "/bourse.bourse/epoch");
    CHECK(check.version == 0);
    CHECK(multi.changes.size() == 2);
  }
  CHECK(std::holds_alternative<zk::Create>(multis[0].changes[1]));
  CHECK(std::get<zk::Set>(multis[2].changes[1]).version == 0);
}

TEST_CASE("writes that come while others are under way share transactions") {
  Led led;
  PersistId last;
  for (int i = 0; i < 1'000; ++i) last = led.a.write("key" + std::to_string(i), "value");
  REQUIRE(led.settle(last));
  CHECK(led.multis().size() < 20);
  CHECK(led.reread().size() == 1'000);
}

TEST_CASE("writes are answered in the order of issue, whatever happens first") {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    Led led({}, seed);
    PersistId last;
    lose_next(led, seed % 2 == 0);
    for (int i = 0; i < 200; ++i) {
      // Every tenth can never be stored.
      last = led.a.write("key" + std::to_string(i), std::string(i % 10 == 9 ? 100'000 : 10, 'x'));
    }
    REQUIRE(led.settle(last));
    REQUIRE(led.a.answers.size() == 200);
    for (std::uint64_t i = 0; i < 200; ++i) {
      const Effect& effect = led.a.answers[i];
      if (i % 10 == 9) {
        CHECK(std::get<Refused>(effect.body).id == PersistId(i + 1));
      } else {
        CHECK(std::get<Stored>(effect.body).id == PersistId(i + 1));
      }
    }
  }
}

TEST_CASE("a write waits for those before it that share one of its shards") {
  Led led;
  led.a.write(key_in(0), "under way");
  led.a.write({{key_in(0), "first"}, {key_in(1), "first"}});  // waits for shard 0
  led.a.write(key_in(2), "free");
  const PersistId last = led.a.write(key_in(1), "second");
  REQUIRE(led.settle(last));
  CHECK(led.multis().size() == 3);
  const Entries entries = led.reread();
  CHECK(std::find(entries.begin(), entries.end(), std::pair(key_in(1), std::string("second"))) !=
        entries.end());
  CHECK(std::find(entries.begin(), entries.end(), std::pair(key_in(0), std::string("first"))) !=
        entries.end());
}

TEST_CASE("what is stored already is not written again") {
  Led led;
  REQUIRE(led.settle(led.a.write("k", "v")));
  led.a.requests.clear();
  const PersistId again = led.a.write("k", "v");
  const PersistId absent = led.a.write("other", std::nullopt);
  CHECK(led.a.stored(again));
  CHECK(led.a.stored(absent));
  CHECK(led.multis().empty());
}

TEST_CASE("no transaction is larger than 512 KiB or has more than 16 shards") {
  CoordinationConfig config;
  config.shards = 256;
  Led led(config);
  PersistId last;
  for (int i = 0; i < 600; ++i) {
    last = led.a.write("key" + std::to_string(i), std::string(60'000, 'x'));
  }
  REQUIRE(led.settle(last));
  std::size_t largest = 0;
  for (const zk::Multi& multi : led.multis()) {
    CHECK(multi.changes.size() <= 17);
    largest = std::max(largest, zk::size_of(multi));
  }
  CHECK(largest <= 512u << 10);
  CHECK(largest > 256u << 10);
  for (const Effect& effect : led.a.answers) CHECK(std::holds_alternative<Stored>(effect.body));
}

TEST_CASE("a write that can never be stored is refused with the reason") {
  Led led;
  const auto refusal = [&](PersistId id) {
    REQUIRE(led.settle(id));
    return led.a.refusal(id);
  };
  CHECK(refusal(led.a.write("k", std::string(70'000, 'x'))) ==
        "'k' has 70000 bytes: at most 65536 can be stored");
  CHECK(refusal(led.a.write("", "v")) == "key of 0 bytes: give 1 to 1024");
  CHECK(refusal(led.a.write(std::string(2'000, 'k'), "v")) == "key of 2000 bytes: give 1 to 1024");
  CHECK(refusal(led.a.write({{"k", "1"}, {"k", "2"}})) == "'k' is changed twice: give one value");
  CHECK(led.multis().empty());
}

TEST_CASE("a refusal takes with it what was made before its maker could hear of it") {
  // The value of an entity holds what every command before made of it.
  Led led;
  const std::string key = key_in(3);
  const PersistId first = led.a.write(key_in(0), "under way");
  const PersistId large = led.a.write(key, std::string(70'000, 'x'));
  const PersistId made_with_it = led.a.write({{key, "small, with it"}, {key_in(4), "v"}});
  const PersistId chained = led.a.write(key_in(4), "w");
  const PersistId apart = led.a.write(key_in(5), "v");
  REQUIRE(led.settle(apart));
  CHECK(led.a.stored(first));
  CHECK(led.a.stored(apart));
  CHECK(led.a.refusal(large).find("70000 bytes") != std::string::npos);
  CHECK(led.a.refusal(made_with_it).find("'" + key + "': a write before this one was refused") ==
        0);
  CHECK_FALSE(led.a.refusal(chained).empty());
  // Made by somebody who had not heard yet; then by one who had.
  led.a.step(Write{PersistId(99), {{key, "late"}}, 0});
  CHECK_FALSE(led.a.refusal(PersistId(99)).empty());
  const PersistId heard = led.a.write(key, "small");
  REQUIRE(led.settle(heard));
  CHECK(led.a.stored(heard));
}

TEST_CASE("a shard that refuses one write refuses those that were made with it") {
  Led led;
  for (int i = 0; i < 7; ++i) {
    REQUIRE(led.settle(led.a.write(key_in(3, i), std::string(65'000, 'x'))));
  }
  led.a.write(key_in(3, 0), std::string(64'999, 'y'));  // under way: what follows waits
  const PersistId full = led.a.write(key_in(3, 7), std::string(65'000, 'x'));
  const PersistId with_it = led.a.write(key_in(3, 7), "small");
  const PersistId apart = led.a.write(key_in(3, 8), "small");
  REQUIRE(led.settle(apart));
  CHECK(led.a.stored(apart));
  CHECK(led.a.refusal(full).find("would have") != std::string::npos);
  CHECK(led.a.refusal(with_it).find("a write before this one") != std::string::npos);
}

TEST_CASE(
    "a shard that is full refuses what would make it larger and takes what makes it smaller") {
  Led led;
  PersistId last;
  for (int i = 0; i < 8; ++i) last = led.a.write(key_in(3, i), std::string(65'000, 'x'));
  REQUIRE(led.settle(last));
  CHECK(led.a.refusal(last).find("/bourse.bourse/shards/0003 would have") == 0);
  CHECK(led.a.noted("coordination.large_shard", "/bourse.bourse/shards/0003"));
  REQUIRE(led.settle(led.a.write(key_in(3, 0), "small")));
  const PersistId fits = led.a.write(key_in(3, 7), std::string(60'000, 'x'));
  REQUIRE(led.settle(fits));
  CHECK(led.a.stored(fits));
}

TEST_CASE("a write over more shards than one transaction may have is refused") {
  CoordinationConfig config;
  config.shards = 64;
  Led led(config);
  std::vector<std::pair<std::string, std::optional<std::string>>> changes;
  for (int i = 0; i < 60; ++i) changes.emplace_back("k" + std::to_string(i), "v");
  const PersistId id = led.a.write(changes);
  REQUIRE(led.settle(id));
  CHECK(led.a.refusal(id).find("at most 16 can be stored at once") != std::string::npos);
}

TEST_CASE("writes that wait are bounded in bytes and those over it are refused as full") {
  CoordinationConfig config;
  config.max_pending_bytes = 10'000;
  Led led(config);
  for (int i = 0; i < 4; ++i) led.a.write(key_in(static_cast<std::uint32_t>(i)), "v");
  std::vector<PersistId> ids;
  for (int i = 0; i < 30; ++i) ids.push_back(led.a.write(key_in(0, i), std::string(1'000, 'x')));
  REQUIRE(led.settle(ids.back()));
  CHECK(led.a.stored(ids.front()));
  CHECK(led.a.refusal(ids.back()).find("full: ") == 0);
  REQUIRE(led.settle(led.a.write(key_in(0), "later")));
}

TEST_CASE("a write whose answer is lost happens exactly once") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    for (const bool done : {true, false}) {
      CAPTURE(seed, done);
      sim::ZooKeeperPace pace;
      pace.lag = Duration::milliseconds(500);  // a reader may be told what was true before
      Led led({}, seed, pace);
      const std::string key = key_in(5);
      REQUIRE(led.settle(led.a.write(key, "before")));
      lose_next(led, done);
      const PersistId id = led.a.write(key, "after");
      REQUIRE(led.settle(id));
      CHECK(led.a.stored(id));
      CHECK(writes_of_shard(led.world, 5) == 2);
      lose_next(led, done);
      const PersistId created = led.a.write(key_in(6), "new");
      REQUIRE(led.settle(created));
      CHECK(led.a.stored(created));
      CHECK(writes_of_shard(led.world, 6) == 1);
      CHECK(led.a.leads());
    }
  }
}

TEST_CASE("a write in doubt is not taken for stored because somebody touched its shard") {
  Led led;
  const std::string path = shard_path("/bourse", 5);
  REQUIRE(led.settle(led.a.write(key_in(5), "before")));
  lose_next(led, false);
  const PersistId id = led.a.write(key_in(5), "after");
  const std::string same = led.world.zookeeper.tree().at(path).data;
  REQUIRE(led.world.zookeeper.by_hand(zk::Set{path, same}).code == zk::Code::ok);
  REQUIRE(led.world.run_until([&] { return !led.a.alive(); }));
  CHECK_FALSE(led.a.stored(id));
  CHECK(led.a.stepped_down.find(path + " was changed by somebody") == 0);
}

TEST_CASE("several writes in doubt at once are all settled") {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    CAPTURE(seed);
    Led led({}, seed);
    PersistId last;
    for (std::uint32_t shard = 0; shard < 8; ++shard) last = led.a.write(key_in(shard), "v");
    led.world.run_for(Duration::milliseconds(static_cast<std::int64_t>(seed % 12)));
    led.world.zookeeper.break_connection(led.a.handle());
    REQUIRE(led.settle(last));
    CHECK(led.a.leads());
    for (std::uint32_t shard = 0; shard < 8; ++shard) CHECK(writes_of_shard(led.world, shard) == 1);
  }
}

TEST_CASE("a transaction that never gets through ends the leadership with a sentence") {
  Led led;
  lose_next(led, false, 1'000);
  led.a.write("k", "v");
  REQUIRE(led.world.run_until([&] { return !led.a.alive(); }));
  CHECK(led.a.stepped_down.find("jute.maxbuffer") != std::string::npos);
}

namespace {

// a leads and stands still while b takes over, because somebody removed a's node: its session
// lives.
struct Zombie : Led {
  explicit Zombie(CoordinationConfig config = {}) : Led(config), b(world.add("b", config)) {
    REQUIRE(settle(a.write(key_in(1), "of a")));
    b.start();
    world.run_for(kSecond);
    a.pause(true, true);
    REQUIRE(world.zookeeper.by_hand(zk::Remove{a.own_path()}).code == zk::Code::ok);
    REQUIRE(world.run_until([&] { return b.leads(); }, Duration::seconds(2)));
    REQUIRE(world.zookeeper.session_of(a.handle()) != 0);
  }

  std::string stored_value() const {
    const auto& node = world.zookeeper.tree().at(shard_path("/bourse", 1));
    return decode_shard(node.data, "/").value().entries.at(key_in(1));
  }

  Process& b;
};

}  // namespace

TEST_CASE("a leader that was overtaken while it stood still writes nothing") {
  Zombie zombie;
  zombie.a.pause(false);
  zombie.a.write(key_in(1), "of a zombie");  // before it hears of anything
  REQUIRE(zombie.world.run_until([&] { return !zombie.a.alive(); }));
  CHECK(zombie.stored_value() == "of a");
  CHECK(zombie.b.leads());
}

TEST_CASE("without the epoch's check an overtaken leader would write") {
  CoordinationConfig config;
  config.planted_unfenced = true;
  Zombie zombie(config);
  zombie.a.pause(false);
  zombie.a.write(key_in(1), "of a zombie");
  zombie.world.run_for(kSecond);
  CHECK(zombie.stored_value() == "of a zombie");
}

TEST_CASE("a zombie's write that is under way when its session ends changes nothing") {
  Led led;
  REQUIRE(led.settle(led.a.write(key_in(1), "of a")));
  Process& b = led.world.add("b");
  b.start();
  led.world.run_for(kSecond);
  led.a.write(key_in(1), "late");
  led.world.zookeeper.cut(led.a.handle(), true);
  led.a.pause(true);
  REQUIRE(led.world.run_until([&] { return b.leads(); }));
  led.world.zookeeper.cut(led.a.handle(), false);
  led.world.run_for(kSecond);
  const auto& node = led.world.zookeeper.tree().at(shard_path("/bourse", 1));
  CHECK(decode_shard(node.data, "/").value().entries.at(key_in(1)) == "of a");
  led.a.pause(false);
  REQUIRE(led.world.run_until([&] { return !led.a.alive(); }, kSecond));
}

TEST_CASE("a fenced leader says which epoch is over") {
  Led led;
  const EpochRecord taken{led.a.leadership->cluster_id, 9, "somebody"};
  REQUIRE(led.world.zookeeper.by_hand(zk::Set{epoch_path("/bourse"), encode(taken)}).code ==
          zk::Code::ok);
  const PersistId id = led.a.write("k", "v");
  REQUIRE(led.world.run_until([&] { return !led.a.alive(); }));
  CHECK(led.a.stepped_down == "epoch 1 is over: another master has raised it");
  CHECK_FALSE(led.a.stored(id));
}

TEST_CASE("an epoch that a foreigner wrote over or removed is not taken for another master's") {
  const std::string path = epoch_path("/bourse");
  for (const bool removed : {false, true}) {
    CAPTURE(removed);
    Led led;
    const zk::Change change =
        removed ? zk::Change(zk::Remove{path}) : zk::Change(zk::Set{path, "mine"});
    REQUIRE(led.world.zookeeper.by_hand(change).code == zk::Code::ok);
    const PersistId first = led.a.write(key_in(1), "v");
    const PersistId second = led.a.write(key_in(2), "v");
    REQUIRE(led.world.run_until([&] { return !led.a.alive(); }));
    CHECK(led.a.stepped_down == "epoch 1 is over: " + path +
                                    " was changed by somebody who does not lead: keep others out "
                                    "of /bourse.bourse");
    CHECK_FALSE(led.a.stored(first));
    CHECK_FALSE(led.a.stored(second));
  }
}

TEST_CASE("a foreign writer in a shard ends the leadership with a sentence that names it") {
  const std::string path = shard_path("/bourse", 4);
  for (const bool removed : {false, true}) {
    CAPTURE(removed);
    Led led;
    REQUIRE(led.settle(led.a.write(key_in(4), "v")));
    const zk::Change change =
        removed ? zk::Change(zk::Remove{path}) : zk::Change(zk::Set{path, "mine now"});
    REQUIRE(led.world.zookeeper.by_hand(change).code == zk::Code::ok);
    led.a.write(key_in(4), "w");
    REQUIRE(led.world.run_until([&] { return !led.a.alive(); }));
    CHECK(led.a.stepped_down.find(path + " was changed by somebody who does not lead") == 0);
  }
}

TEST_CASE("an access list that no longer admits the leader is a sentence") {
  Led led;
  led.world.zookeeper.forbid("/bourse.bourse/shards");
  led.a.write("k", "v");
  REQUIRE(led.world.run_until([&] { return !led.a.alive(); }));
  CHECK(led.a.stepped_down.find("access list") != std::string::npos);
}
