// Three contenders, an ensemble, and everything that can go wrong, drawn from a seed. A judge sees
// every transaction that happens and every answer that is given.
#include <catch2/catch.hpp>
#include <set>

#include "base/probe.hpp"

#include "coordination/core/names.hpp"
#include "tests/unit/coordination/core/world.hpp"

using namespace bourse;
using namespace bourse::coordination;
using namespace bourse::coordination::test;

namespace {

constexpr std::string_view kShards = "/bourse.bourse/shards/";
// Written with a key in one go, mostly in another shard.
std::string twin_of(const std::string& key) {
  return "twin of " + key;
}

constexpr Duration kFaulty = Duration::seconds(60);

// What became of each value that anybody wrote under one key. Values are unique.
struct KeyHistory {
  std::vector<std::string> issued;  // "" : removed. In the order of epochs, then of issue
  std::map<std::string, std::size_t> place;
  std::size_t acknowledged = 0;  // 1 + place of the latest acknowledged
};

class Judge {
 public:
  explicit Judge(World& world) : world_(world) {
    world_.zookeeper.on_commit = [this](const auto& commit) { on_commit(commit); };
  }

  std::vector<std::string> broken;
  std::uint64_t commits = 0, stored = 0, leaderships = 0;

  void on_effect(const Process& process, const Effect& effect) {
    if (const auto* became = std::get_if<BecameLeader>(&effect.body)) on_leader(process, *became);
    if (const auto* done = std::get_if<Stored>(&effect.body)) on_answer(process, done->id, true);
    if (const auto* no = std::get_if<Refused>(&effect.body)) on_answer(process, no->id, false);
  }
  // REQUIRES that the process leads.
  void on_issue(const Process& process, PersistId id, const std::string& key,
                const std::string& value) {
    KeyHistory& history = keys_[key];
    // A zombie's writes come after its successor's in time and before them in the order of epochs;
    // they never happen.
    if (process.leadership->epoch < latest_) {
      zombies_.insert(value);
    } else {
      history.place[value] = history.issued.size();
      history.issued.push_back(value);
    }
    writes_[process.name()].emplace_back(id, std::pair(key, value));
  }
  void on_end(const Process& process) { writes_[process.name()].clear(); }

 private:
  void violate(std::string what) { broken.push_back(std::move(what)); }

  void on_commit(const sim::ZooKeeperModel::Commit& commit) {
    std::optional<Epoch> written;
    for (const zk::Change& change : commit.changes) {
      const auto* set = std::get_if<zk::Set>(&change);
      const auto* create = std::get_if<zk::Create>(&change);
      if (set == nullptr && create == nullptr) continue;
      const std::string& path = set != nullptr ? set->path : create->path;
      const std::string& data = set != nullptr ? set->data : create->data;
      if (path == epoch_path("/bourse")) on_taken(commit, decode_epoch(data, path).value());
      if (!path.starts_with(kShards)) continue;
      const ShardRecord record = decode_shard(data, path).value();
      if (written && *written != record.epoch) violate("S3: one transaction of two epochs");
      written = record.epoch;
      const auto place = std::pair(record.epoch, record.write);
      if (place <= shards_[path]) violate("S5: " + path + " went back");
      shards_[path] = place;
    }
    if (!written) return;
    ++commits;
    if (*written != latest_) {
      violate("S4: epoch " + std::to_string(*written) + " wrote after epoch " +
              std::to_string(latest_));
    }
    if (owners_[*written] != commit.session) violate("S3: an epoch with two writers");
  }
  void on_taken(const sim::ZooKeeperModel::Commit& commit, const EpochRecord& record) {
    if (record.epoch != latest_ + 1) violate("S3: epochs do not count up");
    if (!cluster_.empty() && cluster_ != record.cluster_id) violate("the cluster's id changed");
    cluster_ = record.cluster_id;
    latest_ = record.epoch;
    owners_[latest_] = commit.session;
  }
  void on_leader(const Process& process, const BecameLeader& became) {
    ++leaderships;
    if (became.epoch > latest_) violate("a leader with an epoch that nobody took");
    if (!leaders_.insert(became.epoch).second) violate("S3: two leaders in one epoch");
    if (became.epoch != latest_) return;  // overtaken already: it will not write
    const std::map<std::string, std::string> entries(became.entries.begin(), became.entries.end());
    for (auto& [key, history] : keys_) {
      const auto it = entries.find(key);
      const std::string value = it == entries.end() ? std::string() : it->second;
      check_loaded(process, key, value, history);
      const auto twin = entries.find(twin_of(key));
      if (value != (twin == entries.end() ? std::string() : twin->second)) {
        violate("half a write: " + value);
      }
    }
    if (entries.size() > 2 * keys_.size()) violate("invented: a key");
  }
  void check_loaded(const Process& process, const std::string& key, const std::string& value,
                    KeyHistory& history) {
    if (value.empty()) {
      if (history.acknowledged > 0) violate("lost: " + key + " for " + process.name());
      return;
    }
    const auto place = history.place.find(value);
    if (place == history.place.end()) {
      violate((zombies_.contains(value) ? "a zombie's write: " : "invented: ") + value);
    } else if (place->second + 1 < history.acknowledged) {
      violate("lost: " + history.issued[history.acknowledged - 1] + ", found " + value);
    } else {
      // Whatever was issued before and is not there will never be.
      history.issued.resize(place->second + 1);
      history.acknowledged = history.issued.size();
      std::erase_if(history.place,
                    [&](const auto& row) { return row.second >= history.issued.size(); });
    }
  }
  void on_answer(const Process& process, PersistId id, bool is_stored) {
    auto& writes = writes_[process.name()];
    if (writes.empty() || writes.front().first != id) {
      violate("answers out of order: " + process.name());
      return;
    }
    const auto [key, value] = writes.front().second;
    writes.erase(writes.begin());
    if (!is_stored) return;
    ++stored;
    KeyHistory& history = keys_[key];
    const auto place = history.place.find(value);
    if (place == history.place.end()) {
      violate("stored without a place: " + value);
    } else {
      history.acknowledged = std::max(history.acknowledged, place->second + 1);
    }
  }

  World& world_;
  Epoch latest_ = 0;
  std::string cluster_;
  std::map<Epoch, std::uint64_t> owners_;  // session that took it
  std::set<Epoch> leaders_;
  std::map<std::string, std::pair<Epoch, std::uint64_t>> shards_;
  std::map<std::string, KeyHistory> keys_;
  std::set<std::string> zombies_;
  std::map<std::string, std::vector<std::pair<PersistId, std::pair<std::string, std::string>>>>
      writes_;
};

// One seed's run: a minute of faults, then peace.
class Run {
 public:
  Run(std::uint64_t seed, bool planted) : rng_(seed), world_(rng_.next(), pace()), judge_(world_) {
    for (const char* name : {"a", "b", "c"}) {
      CoordinationConfig config;
      config.planted_unfenced = planted;
      config.multis_in_flight = 1 + rng_.below(4);
      Process& process = world_.add(name, config);
      process.timeout = Duration::seconds(4);
      process.on_effect = [this, &process](const Effect& effect) {
        judge_.on_effect(process, effect);
      };
      process.on_exit = [this, &process] {
        judge_.on_end(process);
        start_later(process);
      };
      start_later(process);
      write_later(process);
    }
    fault_later();
  }

  const std::vector<std::string>& broken() const { return judge_.broken; }
  const Judge& judge() const { return judge_; }
  Duration healed_after;  // how long until somebody led

  void play() {
    world_.run_for(kFaulty);
    peace_ = true;
    heal();
    const Instant healed = world_.schedule.now();
    if (!world_.elect(Duration::seconds(60))) judge_.broken.push_back("L1: nobody leads");
    healed_after = world_.schedule.now() - healed;
    // And it works: what is written now is stored.
    Process* leader = world_.leader();
    if (leader == nullptr) return;
    const std::uint64_t before = judge_.stored;
    if (!world_.run_until([&] { return judge_.stored > before + 20; })) {
      judge_.broken.push_back("L1: nothing is stored");
    }
    next_leader_reads_all();
  }

 private:
  sim::ZooKeeperPace pace() {
    sim::ZooKeeperPace out;
    out.jitter = Duration::milliseconds(rng_.between(1, 60));
    out.lag = Duration::milliseconds(rng_.between(0, 800));
    return out;
  }
  Duration between(std::int64_t low, std::int64_t high) {
    return Duration::milliseconds(rng_.between(low, high));
  }
  Process& any() {
    auto it = world_.processes.begin();
    std::advance(it, static_cast<std::ptrdiff_t>(rng_.below(3)));
    return *it->second;
  }
  void start_later(Process& process) {
    world_.schedule.in(between(50, 800), [&process] {
      if (!process.alive()) process.start();
    });
  }
  void crash(Process& process) {
    judge_.on_end(process);
    process.crash();
    start_later(process);
  }
  void write(Process& process) {
    if (process.paused() || !process.leads()) return;
    const std::string key = "key" + std::to_string(rng_.below(30));
    const std::string value = process.name() + std::to_string(++values_) +
                              std::string(rng_.chance(1, 50) ? 20'000 : 1, '.');
    // The answer may come within the step.
    judge_.on_issue(process, PersistId(process.writes() + 1), key, value);
    process.write({{key, value}, {twin_of(key), value}});
  }
  void write_later(Process& process) {
    world_.schedule.in(between(1, 120), [this, &process] {
      const std::uint64_t count = rng_.chance(1, 20) ? 40 : 1;
      for (std::uint64_t i = 0; i < count; ++i) write(process);
      write_later(process);
    });
  }
  void resume(Process& process) {
    process.pause(false);
    // It was in the middle of something and goes on before it hears of anything.
    write(process);
  }
  void fault_later() {
    world_.schedule.in(between(100, 4'000), [this] {
      if (peace_) return;
      fault();
      fault_later();
    });
  }
  void fault() {
    Process& process = any();
    if (!process.alive() || process.handle() == 0) return;
    auto& zookeeper = world_.zookeeper;
    switch (rng_.below(9)) {
      case 0:
        return crash(process);
      case 1:
        if (process.paused()) return;
        process.pause(true, rng_.chance(1, 2));
        world_.schedule.in(between(100, 9'000), [this, &process] { resume(process); });
        return;
      case 2:
        return zookeeper.break_connection(process.handle());
      case 3:
        cuts_.insert(process.handle());
        zookeeper.cut(process.handle(), true);
        world_.schedule.in(between(100, 9'000), [&zookeeper, handle = process.handle()] {
          zookeeper.cut(handle, false);
        });
        return;
      case 4:
        return zookeeper.expire(process.handle());
      case 5:
      case 6:
        return zookeeper.lose_next_write(process.handle(), rng_.chance(1, 2));
      case 7: {
        const auto names = world_.names("/bourse");
        if (!names.empty()) zookeeper.by_hand(zk::Remove{"/bourse/" + names.front()});
        return;
      }
      default:
        zookeeper.set_available(false);
        world_.schedule.in(between(100, 8'000), [&zookeeper] { zookeeper.set_available(true); });
    }
  }
  void heal() {
    world_.zookeeper.set_available(true);
    // What a process that is gone had sent arrives too.
    for (const auto handle : cuts_) world_.zookeeper.cut(handle, false);
    for (auto& [name, process] : world_.processes) {
      if (process->paused()) resume(*process);
    }
  }
  void next_leader_reads_all() {
    if (!world_.elect()) return;
    const std::uint64_t before = judge_.leaderships;
    crash(*world_.leader());
    if (!world_.run_until([&] { return judge_.leaderships > before; })) {
      judge_.broken.push_back("L1: no successor");
    }
  }

  Prng rng_;
  World world_;
  Judge judge_;
  bool peace_ = false;
  std::set<sim::ZooKeeperModel::Handle> cuts_;
  std::uint64_t values_ = 0;
};

// Rare paths that these runs must reach.
constexpr const char* kProbes[] = {"coordination.drops_old_reply",
                                   "coordination.expired_standby",
                                   "coordination.fenced",
                                   "coordination.lease_ends",
                                   "coordination.loaded_too_late",
                                   "coordination.removes_own_surplus",
                                   "coordination.stand_in_doubt",
                                   "coordination.take_conflicts",
                                   "coordination.take_happened_unheard",
                                   "coordination.take_in_doubt",
                                   "coordination.verifies",
                                   "coordination.view_lapses",
                                   "coordination.write_happened_unheard"};

std::string joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out += line + "; ";
  return out;
}

}  // namespace

TEST_CASE(
    "whatever befalls three contenders, one epoch has one writer and nothing stored is lost") {
  constexpr std::uint64_t kSeeds = 300;
  probes_counted = true;
  std::uint64_t commits = 0, stored = 0, leaderships = 0;
  Duration slowest;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    Run run(seed, false);
    run.play();
    INFO("seed " << seed << ": " << joined(run.broken()));
    REQUIRE(run.broken().empty());
    commits += run.judge().commits;
    stored += run.judge().stored;
    leaderships += run.judge().leaderships;
    slowest = std::max(slowest, run.healed_after);
  }
  // The session's time-out and two seconds.
  CHECK(slowest <= Duration::seconds(6));
  CHECK(leaderships > kSeeds * 3);
  CHECK(commits > kSeeds * 100);
  CHECK(stored > kSeeds * 500);
  for (const char* probe : kProbes) {
    INFO(probe);
    CHECK(probe_counts()[probe] > 0);
  }
}

TEST_CASE("a seed plays the same run twice") {
  for (const std::uint64_t seed : {3, 77}) {
    Run one(seed, false), two(seed, false);
    one.play();
    two.play();
    CHECK(one.judge().commits == two.judge().commits);
    CHECK(one.judge().stored == two.judge().stored);
    CHECK(one.healed_after == two.healed_after);
  }
}

TEST_CASE("writes without the epoch's check are caught within 100 seeds") {
  bool caught = false;
  for (std::uint64_t seed = 1; seed <= 100 && !caught; ++seed) {
    Run run(seed, true);
    run.play();
    for (const std::string& line : run.broken()) caught = caught || line.starts_with("S4");
  }
  CHECK(caught);
}
