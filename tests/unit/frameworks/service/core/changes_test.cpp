// What people may ask for, and what they are told.
#include <catch2/catch.hpp>

#include "model/limits.hpp"
#include "tests/unit/frameworks/service/core/service_world.hpp"

using namespace bourse;
using namespace bourse::service;

namespace {

struct One : ServiceWorld {
  One() {
    add_agent("a");
    start();
  }
};

std::string why(const Answer& answer) {
  return answer.status.ok() ? "" : answer.status.error().message;
}

std::string why_not(const std::function<void(AppDefinition&)>& spoil) {
  One w;
  AppDefinition definition = sleeper(1);
  spoil(definition);
  const Answer answer = w.put("web", definition);
  CHECK_FALSE(w.has_app("web"));
  return why(answer);
}

}  // namespace

TEST_CASE("each put of other content makes a version, the same content makes none") {
  One w;
  CHECK(w.put("web", sleeper(1)).changed);
  const Answer same = w.put("web", sleeper(1));
  CHECK(same.status.ok());
  CHECK_FALSE(same.changed);
  AppDefinition other = sleeper(1);
  other.task.labels["tier"] = "front";
  CHECK(w.put("web", other).changed);
  w.scale("web", 2);
  w.restart_app("web");
  const AppRecord& record = w.disk.apps.at(AppId("web"));
  CHECK(record.current.version == 4);
  CHECK(record.current.task_version == 4);
  CHECK(record.current.cause == VersionCause::restarted);
  REQUIRE(record.earlier.size() == 3);
  CHECK(record.earlier[1].task_version == 2);
  CHECK(record.earlier[2].cause == VersionCause::scaled);
  for (int i = 0; i < 30; ++i) w.scale("web", static_cast<std::uint32_t>(i % 2));
  CHECK(record.earlier.size() == limits::kMaxEarlierVersions);
}

TEST_CASE("a restart that names a version is made once") {
  One w;
  w.put("web", sleeper(1));
  w.ask(change::RestartApp{AppId("web"), 1});
  w.settle();
  CHECK(w.answers.back().status.ok());
  w.ask(change::RestartApp{AppId("web"), 1});
  w.settle();
  CHECK(why(w.answers.back()) == "version: 'web' is at version 2, not at 1");
}

TEST_CASE("an answer that promises something waits for the store") {
  One w;
  w.settle();
  w.ask(change::PutApp{AppId("web"), sleeper(1)});
  CHECK(w.answers.empty());
  CHECK(w.disk.apps.empty());
  w.write_one();
  REQUIRE(w.answers.size() == 1);
  CHECK(w.disk.apps.size() == 1);
}

TEST_CASE("a store that refuses leaves everything as it was, and says so") {
  One w;
  w.put("web", sleeper(1));
  w.refuse_writes = true;
  CHECK(why(w.scale("web", 3)).find("the store refused the change: the disk is full") == 0);
  CHECK(why(w.put("new", sleeper(1))).find("the store refused") == 0);
  CHECK(why(w.remove("web")).find("the store refused the removal") == 0);
  CHECK_FALSE(w.has_app("new"));
  CHECK(w.running("web").size() == 1);
  // An instance that ends meanwhile is told again until its end is stored.
  w.end_task("web.1.1.1", sdk::TaskState::failed);
  w.settle();
  CHECK(w.unacknowledged.size() == 1);
  w.pass(Duration::seconds(20));
  CHECK(w.living("web").empty());
  w.refuse_writes = false;
  w.pass(Duration::seconds(20));
  CHECK(w.unacknowledged.empty());
  CHECK(w.running("web").size() == 1);
}

TEST_CASE("changes of one app go to the store in turn, each against what the last has left") {
  One w;
  w.settle();
  w.ask(change::PutApp{AppId("web"), sleeper(1)});
  w.ask(change::ScaleApp{AppId("web"), 2});
  w.ask(change::ScaleApp{AppId("web"), 2});
  w.ask(change::RemoveApp{AppId("web")});
  w.ask(change::PutApp{AppId("web"), sleeper(5)});
  CHECK(w.writes.size() == 1);
  w.settle();
  REQUIRE(w.answers.size() == 5);
  CHECK(w.answers[1].changed);
  CHECK_FALSE(w.answers[2].changed);
  CHECK(w.answers[3].changed);
  // Removed meanwhile: either it is still going or it is a new app.
  CHECK((why(w.answers[4]).find("is being removed") != std::string::npos ||
         w.disk.apps.at(AppId("web")).incarnation == 2));
  // If nothing can be written for long, the queue is bounded.
  w.ask(change::PutApp{AppId("other"), sleeper(0)});
  for (std::size_t i = 0; i <= limits::kMaxChangesWaitingPerApp; ++i) {
    w.ask(change::ScaleApp{AppId("other"), 1});
  }
  CHECK(why(w.answers.back()).find("wait for the store") != std::string::npos);
}

TEST_CASE("a removed app ends its instances, and its name begins a new life") {
  One w;
  w.put("web", sleeper(2));
  CHECK(w.remove("web").changed);
  w.settle();
  CHECK(w.living("web").empty());
  CHECK_FALSE(w.has_app("web"));
  CHECK(why(w.remove("web")) == "app: there is no app 'web'");
  w.put("web", sleeper(1));
  CHECK(w.running("web") == std::vector<std::string>{"web.2.1.1"});
}

TEST_CASE("a removal does not wait for a dead machine") {
  One w;
  w.add_agent("b");
  w.put("web", sleeper(2));
  w.lose_agent("b");
  w.settle();
  w.remove("web");
  CHECK_FALSE(w.has_app("web"));
  CHECK(w.living("web").size() == 1);
  // The task of the machine that comes back is ended.
  w.return_agent("b");
  w.settle();
  CHECK(w.living("web").empty());
}

TEST_CASE("a definition that cannot be kept is refused by its field") {
  using D = AppDefinition;
  CHECK(why_not([](D& d) { d.task.shell.clear(); }).find("command: give either") == 0);
  CHECK(why_not([](D& d) { d.task.arguments = {"ls"}; }).find("command: give either") == 0);
  CHECK(why_not([](D& d) { d.policy.instances = 10'001; }) ==
        "instances: 10001 must be from 0 to 10000");
  CHECK(why_not([](D& d) { d.task.cpu_milli = 1; }).find("cpus: 1 thousandths") == 0);
  CHECK(why_not([](D& d) { d.task.memory_mb = -1; }).find("mem: -1 must be from 4") == 0);
  CHECK(why_not([](D& d) { d.task.disk_mb = -1; }).find("disk: -1") == 0);
  CHECK(why_not([](D& d) { d.task.gpus = -1; }).find("gpus: -1") == 0);
  CHECK(why_not([](D& d) { d.task.ports = 101; }) == "ports: 101 must be from 0 to 100");
  CHECK(why_not([](D& d) { d.task.environment["A=B"] = "x"; }).find("env: 'A=B'") == 0);
  CHECK(why_not([](D& d) {
          d.task.environment["A"] = std::string(70'000, 'x');
        }).find("env: bytes: has 70001") == 0);
  CHECK(why_not([](D& d) {
          d.task.kill_grace = Duration::seconds(-1);
        }).find("kill_grace_seconds: -1000 ms") == 0);
  CHECK(why_not([](D& d) {
          d.policy.max_surge = 0;
          d.policy.max_unavailable = 0;
        }).find("max_surge: 0 beside max_unavailable 0") == 0);
  CHECK(why_not([](D& d) { d.policy.backoff_first = {}; }).find("backoff.first_seconds") == 0);
  CHECK(why_not([](D& d) {
          d.policy.ready_after = Duration::seconds(-1);
        }).find("ready_after_seconds") == 0);
  CHECK(why_not([](D& d) { d.task.labels[""] = "x"; }).find("labels: ''") == 0);
  CHECK(why_not([](D& d) {
          d.task.rules = {{"rack", PlaceRule::Kind::equals, "", 1}};
        }) == "constraints: 'rack': value is missing: name the one to compare with");
  CHECK(why_not([](D& d) {
          d.task.rules = {{"rack", PlaceRule::Kind::unique, "r1", 1}};
        }).find("constraints: 'rack': value 'r1' means nothing") == 0);
  CHECK(why_not([](D& d) {
          d.task.rules = {{"rack", PlaceRule::Kind::max_per, "", 0}};
        }).find("constraints: 'rack': count: 0") == 0);
  CHECK(why_not([](D& d) {
          d.task.rules.assign(17, {"rack", PlaceRule::Kind::exists, "", 1});
        }).find("constraints: has 17") == 0);
}

TEST_CASE("an app's name is a label of a DNS name") {
  One w;
  for (const char* bad : {"", "Web", "-web", "web-", "a.b", "a/b", "a b"}) {
    INFO(bad);
    CHECK(why(w.put(bad, sleeper(1))).find("id: '") == 0);
  }
  CHECK_FALSE(w.put(std::string(64, 'a'), sleeper(1)).status.ok());
  CHECK(w.put(std::string(63, 'a'), sleeper(1)).status.ok());
}

TEST_CASE("all apps together have a bound") {
  One w;
  AppDefinition definition = sleeper(10'000);
  w.agents.clear();
  for (char name = 'a'; name < 'k'; ++name) {
    CHECK(w.put(std::string(1, name), definition).status.ok());
  }
  CHECK(why(w.put("one-more", sleeper(1))).find("instances: 1 beside the 100000") == 0);
  w.scale("a", 9'999);
  CHECK(w.put("one-more", sleeper(1)).status.ok());
}

TEST_CASE("task ids are read back, and only those") {
  InstanceName name;
  REQUIRE(parse_task_id("my-app.3.12.45", name));
  CHECK(name == InstanceName{AppId("my-app"), 3, 12, 45});
  CHECK(to_task_id(name) == "my-app.3.12.45");
  for (const char* bad : {"", "web", "web.1", "web.1.2", ".1.2.3", "web.1.2.", "web.1.2.x",
                          "web.0.1.1", "web.01.1.1", "web.1.1.9999999999999999999"}) {
    INFO(bad);
    CHECK_FALSE(parse_task_id(bad, name));
  }
}
