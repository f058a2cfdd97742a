// How many instances run, of which version, and which ones end first.
#include <catch2/catch.hpp>

#include "tests/unit/frameworks/service/core/service_world.hpp"

using namespace bourse;
using namespace bourse::service;
using sdk::TaskState;

namespace {

struct Three : ServiceWorld {
  Three() {
    add_agent("a");
    add_agent("b");
    add_agent("c");
    start();
  }
};

std::vector<std::string> ids(std::initializer_list<const char*> list) {
  return {list.begin(), list.end()};
}

}  // namespace

TEST_CASE("an app's instances are launched, each with a record that was stored before") {
  Three w;
  REQUIRE(w.put("web", sleeper(3)).status.ok());
  CHECK(w.running("web") == ids({"web.1.1.1", "web.1.1.2", "web.1.1.3"}));
  CHECK(w.disk.apps.at(AppId("web")).instances.size() == 3);
  // Nothing leaves before its record is on the disk.
  Three slow;
  slow.settle();
  slow.ask(change::PutApp{AppId("web"), sleeper(1)});
  REQUIRE(slow.write_one());
  REQUIRE(slow.offer());
  CHECK(slow.app("web").tally.count(InstancePhase::placing) == 1);
  CHECK(slow.tasks.empty());
  REQUIRE(slow.write_one());
  CHECK(slow.tasks.size() == 1);
}

TEST_CASE("instances spread over the agents and get their ports and names in the environment") {
  Three w;
  AppDefinition definition = sleeper(3);
  definition.task.ports = 2;
  definition.task.environment["COLOUR"] = "red";
  w.put("web", definition);
  std::set<std::string> agents;
  for (const auto& [id, task] : w.tasks) {
    agents.insert(task.agent_id);
    CHECK(task.environment.at("PORT0") == "31000");
    CHECK(task.environment.at("PORT1") == "31001");
    CHECK(task.environment.at("COLOUR") == "red");
    CHECK(task.environment.at("BOURSE_APP") == "web");
    CHECK(task.environment.at("BOURSE_APP_VERSION") == "1");
  }
  CHECK(agents.size() == 3);
  CHECK(w.tasks.at("web.1.1.2").environment.at("BOURSE_APP_INSTANCE") == "2");
}

TEST_CASE("scaling down ends the newest, scaling up gives new numbers") {
  Three w;
  w.put("web", sleeper(5));
  w.scale("web", 2);
  CHECK(w.living("web") == ids({"web.1.1.1", "web.1.1.2"}));
  w.scale("web", 3);
  CHECK(w.running("web") == ids({"web.1.1.1", "web.1.1.2", "web.1.1.6"}));
  CHECK(w.scale("web", 0).changed);
  CHECK(w.living("web").empty());
}

TEST_CASE("whoever has no place yet goes first when an app is scaled down") {
  ServiceWorld w;
  w.add_agent("a", 200);
  w.start();
  w.put("web", sleeper(4));
  CHECK(w.running("web").size() == 2);
  CHECK(w.app("web").tally.count(InstancePhase::wanted) == 2);
  CHECK(w.app("web").no_place.find("cpu_milli") != std::string::npos);
  w.done.clear();
  w.scale("web", 2);
  CHECK(w.count<Kill>() == 0);
  CHECK(w.app("web").instances.size() == 2);
}

TEST_CASE("a change of the task replaces the instances one by one, never below the allowance") {
  Three w;
  w.put("web", sleeper(3));
  w.pass(Duration::seconds(10));
  REQUIRE(w.available("web") == 3);
  AppDefinition next = sleeper(3);
  next.task.shell = "sleep 2000";
  w.ask(change::PutApp{AppId("web"), next});
  for (int second = 0; second < 60; ++second) {
    w.pass(Duration::seconds(1));
    CHECK(w.available("web") >= 2);
    CHECK(w.living("web").size() <= 4);
  }
  CHECK(w.running("web").size() == 3);
  for (const std::string& id : w.running("web")) CHECK(w.tasks.at(id).shell == "sleep 2000");
}

TEST_CASE("a change of the policy alone replaces nothing") {
  Three w;
  w.put("web", sleeper(2));
  const auto before = w.running("web");
  AppDefinition next = sleeper(2);
  next.policy.ready_after = Duration::seconds(1);
  CHECK(w.put("web", next).changed);
  w.pass(Duration::seconds(60));
  CHECK(w.running("web") == before);
  CHECK(w.disk.apps.at(AppId("web")).current.version == 2);
  CHECK(w.disk.apps.at(AppId("web")).current.task_version == 1);
}

TEST_CASE("a single instance is not taken away before its successor runs") {
  Three w;
  w.put("web", sleeper(1));
  w.pass(Duration::seconds(10));
  w.ask(change::RestartApp{AppId("web"), {}});
  for (int second = 0; second < 30; ++second) {
    w.pass(Duration::seconds(1));
    CHECK(w.available("web") >= 1);
  }
  CHECK(w.running("web") == ids({"web.1.2.2"}));
}

TEST_CASE("without surge a place is made first") {
  ServiceWorld w;
  w.add_agent("a", 300);
  w.start();
  AppDefinition definition = sleeper(3);
  definition.policy.max_surge = 0;
  w.put("web", definition);
  w.pass(Duration::seconds(10));
  w.ask(change::RestartApp{AppId("web"), {}});
  for (int second = 0; second < 60; ++second) {
    w.pass(Duration::seconds(1));
    CHECK(w.living("web").size() <= 3);
    CHECK(w.available("web") >= 2);
  }
  CHECK(w.running("web") == ids({"web.1.2.4", "web.1.2.5", "web.1.2.6"}));
}

TEST_CASE("a new version that exits at once does not pull the old one down") {
  Three w;
  w.put("web", sleeper(3));
  w.pass(Duration::seconds(10));
  AppDefinition broken = sleeper(3);
  broken.task.shell = w.doomed_command;
  w.put("web", broken);
  w.pass(Duration::seconds(600));
  CHECK(w.running("web") == ids({"web.1.1.1", "web.1.1.2"}));
  // And one that works goes on from there.
  AppDefinition mended = sleeper(3);
  mended.task.shell = "sleep 3000";
  w.put("web", mended);
  w.pass(Duration::seconds(60));
  CHECK(w.running("web").size() == 3);
  for (const std::string& id : w.running("web")) CHECK(w.tasks.at(id).shell == "sleep 3000");
}

TEST_CASE("scaling in the middle of a rolling change keeps the surge") {
  Three w;
  w.put("web", sleeper(6));
  w.pass(Duration::seconds(10));
  w.restart_app("web");
  w.pass(Duration::seconds(6));
  w.scale("web", 3);  // check_invariants has the bound
  w.pass(Duration::seconds(60));
  CHECK(w.running("web").size() == 3);
  for (const std::string& id : w.running("web")) CHECK(id.find("web.1.2.") == 0);
}

TEST_CASE("an app whose command exits at once is launched ever more rarely") {
  Three w;
  AppDefinition broken = sleeper(2);
  broken.task.shell = w.doomed_command;
  w.done.clear();
  w.put("web", broken);
  CHECK(w.count<Launch>() == 2);
  CHECK(w.app("web").backoff.failures == 1);  // one wave, however many fell
  CHECK(w.app("web").tally.count(InstancePhase::backing_off) == 2);
  w.pass(Duration::milliseconds(999));
  CHECK(w.count<Launch>() == 2);
  w.pass(Duration::milliseconds(2));
  CHECK(w.count<Launch>() == 4);
  CHECK(w.app("web").backoff.failures == 2);
  w.pass(Duration::seconds(1 + 2 + 4 + 8 + 16 + 32));
  CHECK(w.app("web").backoff.failures == 7);
  w.done.clear();
  w.pass(Duration::seconds(600));
  CHECK(w.count<Launch>() == 20);  // two a minute, at the cap
  CHECK(w.app("web").ends.size() == 10);
  CHECK(w.app("web").ends.back().state == TaskState::failed);
}

TEST_CASE("who ran long enough is replaced at once and starts the back-off anew") {
  Three w;
  w.put("web", sleeper(1));
  w.end_task("web.1.1.1", TaskState::failed);
  w.settle();
  CHECK(w.running("web").empty());
  w.pass(Duration::seconds(1));
  REQUIRE(w.running("web") == ids({"web.1.1.2"}));
  w.pass(Duration::seconds(60));
  w.end_task("web.1.1.2", TaskState::failed);
  w.settle();
  CHECK(w.running("web") == ids({"web.1.1.3"}));
  CHECK(w.app("web").backoff.failures == 0);
}

TEST_CASE("what an operator killed is replaced at once") {
  Three w;
  w.put("web", sleeper(1));
  w.end_task("web.1.1.1", TaskState::killed);
  w.settle();
  CHECK(w.running("web") == ids({"web.1.1.2"}));
}

TEST_CASE("a changed definition ends the back-off") {
  Three w;
  AppDefinition broken = sleeper(1);
  broken.task.shell = w.doomed_command;
  w.put("web", broken);
  w.pass(Duration::seconds(100));
  REQUIRE(w.app("web").tally.count(InstancePhase::backing_off) == 1);
  w.put("web", sleeper(1));
  CHECK(w.running("web").size() == 1);
}

TEST_CASE("rules hold over what runs: unique hosts, at most so many per rack, named values") {
  ServiceWorld w;
  w.add_agent("a", 4000, {{"rack", "r1"}, {"disk", "ssd"}});
  w.add_agent("b", 4000, {{"rack", "r1"}, {"disk", "hdd"}});
  w.add_agent("c", 4000, {{"rack", "r2"}});
  w.start();
  const auto rule = [](const char* attribute, PlaceRule::Kind kind, const char* value = "",
                       std::uint32_t count = 1) {
    return PlaceRule{attribute, kind, value, count};
  };
  AppDefinition unique = sleeper(4);
  unique.task.rules = {rule("hostname", PlaceRule::Kind::unique)};
  w.put("unique", unique);
  CHECK(w.running("unique").size() == 3);
  CHECK(w.app("unique").no_place.find("hostname") != std::string::npos);
  AppDefinition spread = sleeper(6);
  spread.task.rules = {rule("rack", PlaceRule::Kind::max_per, "", 2)};
  w.put("spread", spread);
  CHECK(w.running("spread").size() == 4);
  AppDefinition fast = sleeper(2);
  fast.task.rules = {rule("disk", PlaceRule::Kind::equals, "ssd")};
  w.put("fast", fast);
  for (const std::string& id : w.running("fast")) CHECK(w.tasks.at(id).agent_id == "a");
  AppDefinition unlike = sleeper(2);
  unlike.task.rules = {rule("rack", PlaceRule::Kind::unlike, "r1")};
  w.put("unlike", unlike);
  for (const std::string& id : w.running("unlike")) CHECK(w.tasks.at(id).agent_id == "c");
  // Over a restart of the scheduler too: the places are in the records.
  w.restart();
  w.pass(Duration::seconds(120));
  CHECK(w.running("unique").size() == 3);
  CHECK(w.running("spread").size() == 4);
  // A place that comes free is taken.
  w.remove_agent("c");
  w.add_agent("d", 4000, {{"rack", "r2"}});
  w.pass(Duration::seconds(120));
  CHECK(w.running("unique").size() == 3);
  CHECK(w.running("spread").size() == 4);
}

TEST_CASE("offers that nothing wants are refused for long and suppressed until something does") {
  Three w;
  w.settle();
  CHECK(w.suppressed);
  w.done.clear();
  w.put("web", sleeper(1));
  CHECK(w.count<Revive>() == 1);
  CHECK(w.count<Suppress>() == 1);
  CHECK(w.suppressed);
  w.done.clear();
  w.scale("web", 200);  // more than there is room for
  CHECK_FALSE(w.suppressed);
  CHECK(w.app("web").tally.count(InstancePhase::wanted) > 0);
  CHECK(w.refused.size() == 3);
  // While something waits, everything is asked for again now and then.
  w.done.clear();
  w.pass(Duration::seconds(61));
  CHECK(w.count<Revive>() == 1);
}

TEST_CASE("an app that found no place and is changed so that it fits gets one at once") {
  Three w;
  AppDefinition huge = sleeper(1);
  huge.task.cpu_milli = 64'000;
  w.put("web", huge);
  CHECK(w.running("web").empty());
  w.done.clear();
  w.put("web", sleeper(1));
  CHECK(w.count<Revive>() == 1);
  CHECK(w.running("web").size() == 1);
}

TEST_CASE("an app that finds no place does not keep others from theirs") {
  Three w;
  AppDefinition huge = sleeper(1);
  huge.task.cpu_milli = 64'000;
  w.put("huge", huge);
  w.put("web", sleeper(2));
  CHECK(w.running("web").size() == 2);
  CHECK(w.running("huge").empty());
}

TEST_CASE("a launch whose offer was taken back is made again under a new number") {
  Three w;
  w.ask(change::PutApp{AppId("web"), sleeper(1)});
  while (w.app("web").tally.count(InstancePhase::placing) == 0) {
    REQUIRE((w.write_one() || w.offer()));
  }
  w.open_offers.clear();
  w.settle();
  CHECK(w.living("web").empty());
  w.pass(Duration::seconds(2));
  CHECK(w.running("web") == ids({"web.1.1.2"}));
}
