// What is left alone, what is replaced and what comes back: restarts of the scheduler, agents that
// are away, masters that do not know yet.
#include <catch2/catch.hpp>

#include "tests/unit/frameworks/service/core/service_world.hpp"

using namespace bourse;
using namespace bourse::service;
using sdk::TaskState;

namespace {

struct ThreeRecovered : ServiceWorld {
  ThreeRecovered() {
    add_agent("a");
    add_agent("b");
    add_agent("c");
    start();
  }
};

std::size_t in_phase(const ServiceWorld& w, InstancePhase phase) {
  return w.app("web").tally.count(phase);
}

}  // namespace

TEST_CASE("a restart of the scheduler adopts what runs: nothing is killed, nothing launched") {
  ThreeRecovered w;
  w.put("web", sleeper(3));
  const auto before = w.running("web");
  w.done.clear();
  w.restart();
  CHECK(in_phase(w, InstancePhase::recovering) == 3);
  w.pass(Duration::seconds(300));
  CHECK(w.running("web") == before);
  CHECK(in_phase(w, InstancePhase::running) == 3);
  CHECK(w.count<Kill>() == 0);
  CHECK(w.count<Launch>() == 0);
}

TEST_CASE("what ended while the scheduler was away is replaced") {
  ThreeRecovered w;
  w.put("web", sleeper(3));
  w.end_task("web.1.1.2", TaskState::failed);  // its update waits to be acknowledged
  w.tasks.erase("web.1.1.3");                  // nobody remembers this one
  w.restart();
  w.pass(Duration::seconds(10));
  CHECK(w.running("web").size() == 3);
  CHECK(w.running("web").front() == "web.1.1.1");
  CHECK(w.unacknowledged.empty());
}

TEST_CASE("a launch that was stored but never left is found missing and made anew") {
  ThreeRecovered w;
  w.settle();
  w.ask(change::PutApp{AppId("web"), sleeper(1)});
  while (w.app("web").tally.count(InstancePhase::placing) == 0) {
    REQUIRE((w.write_one() || w.offer()));
  }
  w.restart(1);
  CHECK(in_phase(w, InstancePhase::recovering) == 1);
  w.pass(Duration::seconds(10));
  CHECK(w.running("web") == std::vector<std::string>{"web.1.1.2"});
}

TEST_CASE("while the master does not know yet, nothing is concluded and it is asked again") {
  ThreeRecovered w;
  w.put("web", sleeper(3));
  for (auto& [id, agent] : w.agents) agent.recovering = true;
  w.restart();
  w.ask(change::ScaleApp{AppId("web"), 1});
  w.done.clear();
  w.pass(Duration::seconds(120));
  CHECK(in_phase(w, InstancePhase::recovering) == 3);
  CHECK(w.count<Kill>() == 0);
  CHECK(w.count<Launch>() == 0);
  CHECK(w.count<Reconcile>() >= 2);
  for (auto& [id, agent] : w.agents) agent.recovering = false;
  w.pass(Duration::seconds(60));
  CHECK(w.running("web") == std::vector<std::string>{"web.1.1.1"});
}

TEST_CASE("a launch that was lost with its master is asked for until somebody knows") {
  ThreeRecovered w;
  w.hold_tasks = true;
  w.put("web", sleeper(1));
  REQUIRE(in_phase(w, InstancePhase::launching) == 1);
  const std::string lost = w.tasks.begin()->first;
  w.disconnect();
  w.tasks.clear();  // its agent never got it
  for (auto& [id, agent] : w.agents) agent.recovering = true;
  w.hold_tasks = false;
  w.reconnect();
  w.pass(Duration::seconds(5));
  CHECK(in_phase(w, InstancePhase::launching) == 1);  // silence says nothing
  for (auto& [id, agent] : w.agents) agent.recovering = false;
  w.pass(Duration::seconds(30));
  REQUIRE(w.running("web").size() == 1);
  CHECK(w.running("web").front() != lost);
}

TEST_CASE("an app is removed though an instance that others ended was lost with its machine") {
  ThreeRecovered w;
  w.put("web", sleeper(1));
  const std::string lost = w.tasks.begin()->first;
  const std::string agent = w.tasks.begin()->second.agent_id;
  sdk::TaskUpdate killing;
  killing.task_id = lost;
  killing.agent_id = agent;
  killing.state = sdk::TaskState::killing;
  w.updates.push_back(killing);
  w.settle();
  REQUIRE(in_phase(w, InstancePhase::stopping) == 1);
  w.disconnect();
  w.tasks.erase(lost);
  w.agents.at(agent).recovering = true;
  w.reconnect();
  w.remove("web");
  w.pass(Duration::seconds(5));
  REQUIRE(w.has_app("web"));
  w.agents.at(agent).recovering = false;
  w.agents.at(agent).reachable = false;
  w.pass(Duration::seconds(700));
  CHECK_FALSE(w.has_app("web"));
}

TEST_CASE("an instance that is lost with its machine while the master changes is replaced") {
  ThreeRecovered w;
  w.put("web", sleeper(1));
  REQUIRE(w.running("web").size() == 1);
  const std::string lost = w.tasks.begin()->first;
  const std::string agent = w.tasks.begin()->second.agent_id;
  w.disconnect();
  w.tasks.clear();
  w.agents.at(agent).recovering = true;
  w.reconnect();
  w.pass(Duration::seconds(5));
  CHECK(in_phase(w, InstancePhase::running) == 1);
  w.agents.at(agent).recovering = false;
  w.agents.at(agent).reachable = false;
  w.pass(Duration::seconds(700));
  REQUIRE(w.running("web").size() == 1);
  CHECK(w.running("web").front() != lost);
}

TEST_CASE("nothing is launched as a framework whose id is not stored yet") {
  ServiceWorld w;
  w.add_agent("a");
  w.refuse_writes = true;
  w.start();
  w.settle();
  w.refuse_writes = false;
  w.put("web", sleeper(1));
  CHECK(w.disk.framework_id.empty());
  CHECK(w.count<Launch>() == 0);
  w.pass(Duration::seconds(10));
  CHECK_FALSE(w.disk.framework_id.empty());
  CHECK(w.running("web").size() == 1);
}

TEST_CASE("a rolling change goes on over a restart of the scheduler") {
  ThreeRecovered w;
  w.put("web", sleeper(4));
  w.pass(Duration::seconds(10));
  w.restart_app("web");
  w.pass(Duration::seconds(6));
  w.restart();
  for (int second = 0; second < 60; ++second) {
    w.pass(Duration::seconds(1));
    CHECK(w.running("web").size() >= 3);
  }
  CHECK(w.running("web").size() == 4);
  for (const std::string& id : w.running("web")) CHECK(id.find("web.1.2.") == 0);
}

TEST_CASE("an unreachable instance is replaced after its delay, and ended when it comes back") {
  ThreeRecovered w;
  w.put("web", sleeper(3));
  const std::string away = w.tasks.begin()->first;
  const std::string agent = w.tasks.begin()->second.agent_id;
  w.lose_agent(agent);
  w.pass(Duration::seconds(59));
  CHECK(in_phase(w, InstancePhase::unreachable) == 1);
  CHECK(w.living("web", true).size() == 2);
  w.pass(Duration::seconds(2));
  CHECK(in_phase(w, InstancePhase::given_up) == 1);
  CHECK(w.living("web", true).size() == 3);
  w.return_agent(agent);
  w.settle();
  CHECK(w.running("web").size() == 3);
  CHECK_FALSE(w.tasks.contains(away));
}

TEST_CASE("an instance that comes back before its delay is over goes on") {
  ThreeRecovered w;
  w.put("web", sleeper(3));
  const auto before = w.running("web");
  w.lose_agent("a");
  w.pass(Duration::seconds(30));
  w.return_agent("a");
  w.pass(Duration::seconds(120));
  CHECK(w.running("web") == before);
  CHECK(in_phase(w, InstancePhase::running) == 3);
}

TEST_CASE("with no delay an unreachable instance is replaced at once") {
  ThreeRecovered w;
  AppDefinition definition = sleeper(3);
  definition.policy.replace_unreachable_after = {};
  w.put("web", definition);
  w.lose_agent("a");
  w.settle();
  CHECK(w.living("web", true).size() == 3);
}

TEST_CASE("an instance that comes back when it is needed again is kept") {
  ThreeRecovered w;
  w.put("web", sleeper(3));
  w.lose_agent("a");
  w.pass(Duration::seconds(61));
  REQUIRE(in_phase(w, InstancePhase::given_up) == 1);
  for (auto& [id, agent] : w.agents) agent.free = {};  // no room for another
  w.scale("web", 4);
  REQUIRE(in_phase(w, InstancePhase::wanted) == 1);
  w.return_agent("a");
  w.settle();
  CHECK(w.running("web").size() == 4);
  CHECK(in_phase(w, InstancePhase::wanted) == 0);
}

TEST_CASE("an instance that comes back is kept while its replacement has no place") {
  ThreeRecovered w;
  w.put("web", sleeper(3));
  const auto before = w.running("web");
  for (auto& [id, agent] : w.agents) agent.free = {};  // no room for another
  w.lose_agent("a");
  w.pass(Duration::seconds(61));
  REQUIRE(in_phase(w, InstancePhase::given_up) == 1);
  REQUIRE(in_phase(w, InstancePhase::wanted) == 1);
  w.done.clear();
  w.return_agent("a");
  w.settle();
  CHECK(w.running("web") == before);
  CHECK(in_phase(w, InstancePhase::wanted) == 0);
  CHECK(w.count<Kill>() == 0);
}

TEST_CASE("an instance that comes back is kept while its replacement does not run yet") {
  ThreeRecovered w;
  w.put("web", sleeper(3));
  const auto before = w.running("web");
  w.lose_agent("a");
  w.hold_tasks = true;
  w.pass(Duration::seconds(61));
  REQUIRE(in_phase(w, InstancePhase::given_up) == 1);
  REQUIRE(in_phase(w, InstancePhase::launching) == 1);
  w.return_agent("a");
  w.hold_tasks = false;
  w.settle();
  CHECK(w.running("web") == before);
  CHECK(w.app("web").instances.size() == 3);
}

TEST_CASE("an instance on an agent that is gone for good is replaced and forgotten") {
  ThreeRecovered w;
  w.put("web", sleeper(3));
  w.remove_agent("a");
  w.settle();
  CHECK(w.running("web").size() == 3);
  CHECK(w.app("web").instances.size() == 3);
  CHECK(w.app("web").backoff.failures == 0);  // not the app's fault
}

TEST_CASE("after a restart a replaced instance on a dead machine pulls no other down") {
  ThreeRecovered w;
  w.put("web", sleeper(3));
  w.lose_agent("a");
  w.pass(Duration::seconds(61));
  const auto before = w.living("web", true);
  REQUIRE(before.size() == 3);
  w.restart();
  w.pass(Duration::seconds(300));
  CHECK(w.living("web", true) == before);
}

TEST_CASE("a task that bears our name and has no record is adopted if wanted, else ended") {
  ThreeRecovered w;
  w.put("web", sleeper(2));
  // As if the store were older than the task.
  Book older = w.disk;
  older.apps.at(AppId("web")).instances.erase(2);
  w.disk = older;
  w.agents.at("a").free = {};
  w.agents.at("b").free = {};
  w.agents.at("c").free = {};
  w.restart();
  w.settle();
  CHECK(w.running("web").size() == 2);
  CHECK(w.disk.apps.at(AppId("web")).instances.size() == 2);
  older.apps.at(AppId("web")).current.definition.policy.instances = 1;
  w.disk = older;
  w.restart();
  w.settle();
  CHECK(w.running("web") == std::vector<std::string>{"web.1.1.1"});
}

TEST_CASE("a task of a newer store than ours is ended once it is proved that we lead") {
  ThreeRecovered w;
  w.put("web", sleeper(2));
  Book older = w.disk;
  std::vector<std::string> left = {"web.1.1.1"};
  SECTION("another instance") {
    AppRecord& web = older.apps.at(AppId("web"));
    web.instances.erase(2);
    web.next_number = 2;
    web.current.definition.policy.instances = 1;
  }
  SECTION("another app") {
    older.apps.clear();
    older.next_incarnation = 1;
    left.clear();
  }
  w.disk = older;
  w.done.clear();
  w.refuse_writes = true;  // as one that was overtaken finds
  w.restart();
  w.settle();
  CHECK(w.count<Kill>() == 0);
  CHECK(w.running("web").size() == 2);
  w.refuse_writes = false;
  w.pass(Duration::seconds(120));
  CHECK(w.running("web") == left);
  CHECK(w.disk.next_incarnation == 2);
  if (!left.empty()) CHECK(w.disk.apps.at(AppId("web")).next_number == 3);
}

TEST_CASE("a task that comes to light late, on an agent that was away, is ended then") {
  ThreeRecovered w;
  w.put("web", sleeper(3));
  const std::string agent = w.tasks.begin()->second.agent_id;
  w.lose_agent(agent);
  w.settle();
  w.remove("web");
  REQUIRE(w.living("web").size() == 1);
  w.agents.at(agent).reachable = true;  // and a new master tells nobody
  w.pass(Duration::seconds(700));
  CHECK(w.living("web").empty());
}

TEST_CASE("a task whose name is none of ours is left alone and said") {
  ThreeRecovered w;
  w.put("web", sleeper(1));
  w.tasks["batch-7"] = w.tasks.at("web.1.1.1");
  w.tasks["batch-7"].id = "batch-7";
  w.restart();
  w.settle();
  CHECK(w.tasks.contains("batch-7"));
  CHECK(std::any_of(w.notes.begin(), w.notes.end(),
                    [](const Note& note) { return note.code == "task.not_ours"; }));
}

TEST_CASE("a lost connection to the master changes nothing about what runs") {
  ThreeRecovered w;
  w.put("web", sleeper(3));
  const auto before = w.running("web");
  w.disconnect();
  w.pass(Duration::seconds(600));
  w.reconnect();
  w.pass(Duration::seconds(60));
  CHECK(w.running("web") == before);
}

TEST_CASE("started as a new framework it forgets the instances and launches all anew") {
  ThreeRecovered w;
  w.put("web", sleeper(2));
  w.tasks.clear();  // the master ended them with the framework
  for (auto& [id, agent] : w.agents) agent.free.cpu_milli = 4000;
  w.writes.clear();
  w.start(true);
  w.settle();
  CHECK(w.running("web") == std::vector<std::string>{"web.1.1.3", "web.1.1.4"});
  CHECK(w.disk.framework_id == "F1");
}

TEST_CASE("the framework id is stored before anything is launched under it") {
  ThreeRecovered w;
  w.ask(change::PutApp{AppId("web"), sleeper(1)});
  while (w.tasks.empty()) REQUIRE((w.write_one() || w.offer() || w.tell_one()));
  CHECK(w.disk.framework_id == "F1");
}
