// Health checks of instances: who is available, who is replaced, and what a definition may say.
#include <catch2/catch.hpp>

#include "frameworks/service/core/progress.hpp"
#include "tests/unit/frameworks/service/core/service_world.hpp"

using namespace bourse;
using namespace bourse::service;

namespace {

struct Two : ServiceWorld {
  Two() {
    add_agent("a");
    add_agent("b");
    start();
  }
  void all_healthy(const std::string& id) {
    for (const std::string& task_id : running(id)) {
      if (tasks.at(task_id).health_check) find_health(task_id, true);
    }
    settle();
  }
};

AppDefinition checked(std::uint32_t instances) {
  AppDefinition out = sleeper(instances);
  out.task.ports = 2;
  AppCheck& health = out.task.health_check.emplace();
  health.kind = AppCheck::Kind::http;
  health.path = "/healthz";
  health.port_index = 1;
  health.grace = Duration::seconds(30);
  health.failures = 5;
  return out;
}

}  // namespace

TEST_CASE("a task is launched with the checks of its definition, on the port that it was given") {
  Two w;
  AppDefinition definition = checked(1);
  AppCheck& check = definition.task.check.emplace();
  check.kind = AppCheck::Kind::command;
  check.shell = "test -e ready";
  check.interval = Duration::seconds(3);
  REQUIRE(w.put("web", definition).status.ok());
  const WorldTask& task = w.tasks.at("web.1.1.1");
  REQUIRE(task.health_check.has_value());
  CHECK(task.health_check->check.kind == sdk::Check::Kind::http);
  CHECK(task.health_check->check.path == "/healthz");
  CHECK(std::to_string(task.health_check->check.port) == task.environment.at("PORT1"));
  CHECK(task.health_check->grace_ms == 30'000);
  CHECK(task.health_check->failures == 5);
  REQUIRE(task.check.has_value());
  CHECK(task.check->kind == sdk::Check::Kind::command);
  CHECK(task.check->command.shell == "test -e ready");
  CHECK(task.check->interval_ms == 3'000);
}

TEST_CASE("an instance with a health check is available when it ran long enough and is well") {
  Two w;
  w.put("web", checked(2));
  w.pass(Duration::seconds(60));
  CHECK(w.available("web") == 0);
  w.find_health("web.1.1.1", true);
  w.settle();
  CHECK(w.available("web") == 1);
  w.find_health("web.1.1.1", false);
  w.settle();
  CHECK(w.available("web") == 0);
  // Well at once is not available at once.
  w.put("other", checked(1));
  w.find_health("other.2.1.1", true);
  w.settle();
  CHECK(w.available("other") == 0);
  w.pass(Duration::seconds(6));
  CHECK(w.available("other") == 1);
}

TEST_CASE("a new version that never gets well does not pull the old one down") {
  Two w;
  w.put("web", checked(3));
  w.all_healthy("web");
  w.pass(Duration::seconds(10));
  REQUIRE(w.available("web") == 3);
  AppDefinition next = checked(3);
  next.task.shell = "sleep 2000";
  w.put("web", next);
  w.pass(Duration::seconds(600));
  CHECK(w.available("web") == 2);
  CHECK(w.living("web").size() == 4);
  // Once it is, the change goes on as ever.
  for (int second = 0; second < 120; ++second) {
    w.all_healthy("web");
    w.pass(Duration::seconds(1));
    CHECK(w.available("web") >= 2);
  }
  CHECK(w.running("web").size() == 3);
  for (const std::string& id : w.running("web")) CHECK(w.tasks.at(id).shell == "sleep 2000");
}

TEST_CASE("an instance that was ended for its health is replaced, later with each failure") {
  Two w;
  w.put("web", checked(1));
  w.all_healthy("web");
  w.pass(Duration::seconds(10));
  for (std::uint32_t failure = 1; failure <= 3; ++failure) {
    w.end_unhealthy("web.1.1." + std::to_string(failure));
    w.settle();
    CHECK(w.app("web").backoff.failures == failure);
    CHECK(w.app("web").tally.count(InstancePhase::backing_off) == 1);
    REQUIRE(w.app("web").ends.size() == failure);
    CHECK(w.app("web").ends.back().state == sdk::TaskState::killed);
    w.pass(Duration::seconds(1LL << (failure - 1)));
    CHECK(w.running("web").size() == 1);
  }
  // One that somebody else kills is no failure of the app.
  w.end_task("web.1.1.4", sdk::TaskState::killed);
  w.settle();
  CHECK(w.app("web").backoff.failures == 3);
}

TEST_CASE("a scheduler that is restarted knows who is well by what the master says of them") {
  Two w;
  w.put("web", checked(2));
  w.find_health("web.1.1.1", true);
  w.pass(Duration::seconds(10));
  REQUIRE(w.available("web") == 1);
  w.restart();
  w.settle();
  CHECK(w.running("web").size() == 2);
  CHECK(w.available("web") == 1);
  w.find_health("web.1.1.2", true);
  w.settle();
  CHECK(w.available("web") == 2);
}

TEST_CASE(
    "an instance without a health check is available as ever, also beside ones that have it") {
  Two w;
  w.put("web", sleeper(2));
  w.pass(Duration::seconds(10));
  REQUIRE(w.available("web") == 2);
  w.put("web", checked(2));
  w.pass(Duration::seconds(30));
  CHECK(w.available("web") == 1);  // max_unavailable; the new ones are not well yet
  w.all_healthy("web");
  w.pass(Duration::seconds(30));
  w.all_healthy("web");
  w.pass(Duration::seconds(30));
  CHECK(w.available("web") == 2);
  for (const std::string& id : w.running("web")) CHECK(id.find("web.1.2.") == 0);
}

TEST_CASE("what is waited for says that instances run and are not well") {
  Two w;
  w.put("web", checked(1));
  w.pass(Duration::seconds(10));
  const Progress progress = progress_of(w.core->state(), w.app("web"), w.stamp.now);
  CHECK(progress.stage == Stage::starting);
  CHECK(progress.why == "1 instance runs, but its health check does not say that it is well");
}

TEST_CASE("a check that cannot be made is refused by its field") {
  struct Wrong {
    void (*change)(AppCheck&);
    const char* says;
  };
  const Wrong wrongs[] = {
      {[](AppCheck& c) { c.port_index = 2; }, "health_check.port_index: 2 must be less than ports"},
      {[](AppCheck& c) { c.port = 65'536; }, "health_check.port: 65536"},
      {[](AppCheck& c) { c.path = "healthz"; }, "health_check.path: 'healthz' must begin with '/'"},
      {[](AppCheck& c) { c.path = "/a b"; }, "health_check.path: spaces"},
      {[](AppCheck& c) { c.path = "/" + std::string(5'000, 'a'); }, "health_check.path: bytes"},
      {[](AppCheck& c) { c.kind = AppCheck::Kind::command; }, "health_check.command: is missing"},
      {[](AppCheck& c) { c.interval = Duration::milliseconds(99); },
       "health_check.interval_seconds: 99 ms must be from 100"},
      {[](AppCheck& c) { c.timeout = {}; }, "health_check.timeout_seconds: 0 ms"},
      {[](AppCheck& c) { c.grace = Duration::seconds(-1); }, "health_check.grace_seconds: -1000"},
      {[](AppCheck& c) { c.failures = 0; }, "health_check.failures: 0 must be from 1 to 1000"},
  };
  Two w;
  for (const Wrong& wrong : wrongs) {
    AppDefinition definition = checked(1);
    wrong.change(*definition.task.health_check);
    const Answer answer = w.put("web", definition);
    INFO(wrong.says);
    REQUIRE_FALSE(answer.status.ok());
    CHECK(answer.status.error().message.find(wrong.says) == 0);
  }
}
