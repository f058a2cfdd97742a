// A world that goes wrong at random, from a seed. The invariants are checked after every step by
// the world itself; in the end everything is mended and the wanted state must be reached.
#include <catch2/catch.hpp>

#include "base/prng.hpp"
#include "tests/unit/frameworks/service/core/service_world.hpp"

using namespace bourse;
using namespace bourse::service;
using sdk::TaskState;

namespace {

constexpr const char* kApps[] = {"a", "bb", "ccc"};
constexpr const char* kAgents[] = {"x", "y", "z"};

struct RandomWorld : ServiceWorld {
  explicit RandomWorld(std::uint64_t seed) : dice(seed) {
    for (const char* id : kAgents) add_agent(id);
    start();
  }

  std::string some_app() { return kApps[dice.below(3)]; }
  std::string some_agent() {
    auto it = agents.begin();
    std::advance(it, static_cast<std::ptrdiff_t>(dice.below(agents.size())));
    return it->first;
  }
  AppDefinition some_definition() {
    AppDefinition d = sleeper(static_cast<std::uint32_t>(dice.below(5)));
    d.task.shell = dice.chance(1, 6) ? doomed_command : "sleep " + std::to_string(dice.below(3));
    d.policy.max_surge = static_cast<std::uint32_t>(dice.below(3));
    d.policy.max_unavailable = static_cast<std::uint32_t>(dice.below(3));
    if (d.policy.max_surge + d.policy.max_unavailable == 0) d.policy.max_surge = 1;
    d.policy.replace_unreachable_after =
        Duration::seconds(static_cast<std::int64_t>(dice.below(3)) * 30);
    d.policy.ready_after = Duration::seconds(static_cast<std::int64_t>(dice.below(2)) * 5);
    if (dice.chance(1, 5)) d.task.rules = {{"hostname", PlaceRule::Kind::max_per, "", 3}};
    return d;
  }

  void act() {
    switch (dice.below(16)) {
      case 0:
        return ask(change::PutApp{AppId(some_app()), some_definition()});
      case 1:
        return ask(change::ScaleApp{AppId(some_app()), static_cast<std::uint32_t>(dice.below(5))});
      case 2:
        return ask(change::RestartApp{AppId(some_app()), {}});
      case 3:
        if (dice.chance(1, 3)) ask(change::RemoveApp{AppId(some_app())});
        return;
      case 4:
        return restart(dice.below(writes.size() + 1));
      case 5: {
        const std::string id = some_agent();
        return agents.at(id).reachable ? lose_agent(id) : return_agent(id);
      }
      case 6:
        if (dice.chance(1, 4)) {
          const std::string id = some_agent();
          remove_agent(id);
          add_agent("n" + std::to_string(dice.below(1'000'000)));
        }
        return;
      case 7:
        if (!tasks.empty()) {
          auto it = tasks.begin();
          std::advance(it, static_cast<std::ptrdiff_t>(dice.below(tasks.size())));
          if (agents.at(it->second.agent_id).reachable) end_task(it->first, TaskState::failed);
        }
        return;
      case 8:
        refuse_writes = dice.chance(1, 4);
        return;
      case 9:
        hold_tasks = dice.chance(1, 4);
        return;
      case 10:
        if (!open_offers.empty()) rescind(open_offers.begin()->first);
        return;
      case 11:
        return connected ? disconnect() : reconnect();
      case 12:
        agents.at(some_agent()).recovering = dice.chance(1, 4);
        return;
      case 13:
        return settle();
      default:
        return pass(Duration::milliseconds(static_cast<std::int64_t>(dice.below(40'000))));
    }
  }

  void trickle() {
    for (std::uint64_t i = dice.below(6); i > 0; --i) {
      switch (dice.below(4)) {
        case 0:
          write_one();
          break;
        case 1:
          tell_one();
          break;
        case 2:
          offer();
          break;
        default:
          run_tasks();
      }
      tick();
    }
  }

  void mend() {
    refuse_writes = false;
    hold_tasks = false;
    for (auto& [id, agent] : agents) {
      agent.recovering = false;
      if (!agent.reachable) return_agent(id);
    }
    if (!connected) reconnect();
    doomed_command = "nothing is";
    pass(Duration::seconds(10));
    repeat_updates();
    pass(Duration::seconds(1'200));
  }

  void check_converged() {
    for (const char* id : kApps) {
      INFO("app " << id);
      const auto record = disk.apps.find(AppId(id));
      if (record == disk.apps.end()) {
        CHECK_FALSE(has_app(id));
        CHECK(living(id).empty());
        continue;
      }
      const AppVersion& current = record->second.current;
      CHECK(living(id).size() == current.definition.policy.instances);
      CHECK(running(id).size() == current.definition.policy.instances);
      CHECK(record->second.instances.size() == current.definition.policy.instances);
      for (const std::string& task : running(id)) {
        InstanceName name;
        REQUIRE(parse_task_id(task, name));
        CHECK(name.incarnation == record->second.incarnation);
        CHECK(name.version == current.task_version);
      }
    }
    CHECK(unacknowledged.empty());
    CHECK(suppressed);
  }

  Prng dice;
};

}  // namespace

TEST_CASE("whatever went wrong, each app ends with exactly its instances, none launched twice") {
  const std::uint64_t seeds = 600;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    INFO("seed " << seed);
    RandomWorld w(seed);
    for (int turn = 0; turn < 150; ++turn) {
      w.act();
      w.trickle();
    }
    CHECK(w.kills_while_recovering == 0);
    w.mend();
    w.check_converged();
  }
}

TEST_CASE("the same seed gives the same run of the service scheduler") {
  std::uint64_t prints[2] = {};
  for (std::uint64_t& print : prints) {
    RandomWorld w(77);
    for (int turn = 0; turn < 100; ++turn) {
      w.act();
      w.trickle();
    }
    print = w.core->fingerprint();
  }
  CHECK(prints[0] == prints[1]);
}
