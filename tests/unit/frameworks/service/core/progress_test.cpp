// What people are told about an app that is not there yet, and what an instance is told about its
// place.
#include <catch2/catch.hpp>

#include "frameworks/service/core/progress.hpp"
#include "model/limits.hpp"
#include "tests/unit/frameworks/service/core/service_world.hpp"

using namespace bourse;
using namespace bourse::service;

namespace {

Progress progress(const ServiceWorld& w, const std::string& app = "web") {
  return progress_of(w.core->state(), w.app(app), w.stamp.now);
}

}  // namespace

TEST_CASE("an app that is not there yet says in a sentence what it waits for") {
  ServiceWorld w;
  w.start();
  w.put("web", sleeper(2));
  CHECK(progress(w).stage == Stage::starting);
  CHECK(progress(w).why == "2 instances wait for offers");
  w.add_agent("a", 150);
  w.hold_tasks = true;
  w.settle();
  CHECK(progress(w).why.starts_with("1 instance has found no place: "));
  w.add_agent("b");
  w.settle();
  CHECK(progress(w).why == "2 instances are being launched");
  w.hold_tasks = false;
  w.settle();
  CHECK(progress(w).why == "2 instances run, but not for 5 s (ready_after_seconds) yet");
  w.pass(Duration::seconds(6));
  CHECK(progress(w).stage == Stage::done);
  CHECK(progress(w).ready == 2);
  CHECK(progress(w).why.empty());
}

TEST_CASE("while an instance waits for a place, offers are asked for again, refused ones too") {
  ServiceWorld w;
  w.start();
  w.put("web", sleeper(1));
  const std::size_t asked = w.count<Revive>();
  w.pass(Duration::seconds(61));
  CHECK(w.count<Revive>() == asked + 1);
  w.add_agent("a");
  w.settle();
  CHECK(w.running("web").size() == 1);
  w.pass(Duration::seconds(300));
  CHECK(w.count<Revive>() == asked + 1);  // nothing waits any more
}

TEST_CASE("an app in back-off says for how long and what its last instance ended as") {
  ServiceWorld w;
  w.add_agent("a");
  w.start();
  AppDefinition definition = sleeper(1);
  definition.task.shell = w.doomed_command;
  w.put("web", definition);
  const std::string why = progress(w).why;
  CHECK(
      why.starts_with("1 instance waits 1 s more: back-off after 1 failure in a row; "
                      "the last one ended as TASK_F"));
}

TEST_CASE("a rolling change, a removal and a lost master are told as such") {
  ServiceWorld w;
  w.add_agent("a");
  w.start();
  w.put("web", sleeper(2));
  w.pass(Duration::seconds(6));
  w.hold_tasks = true;
  w.restart_app("web");
  CHECK(progress(w).stage == Stage::rolling);
  CHECK(progress(w).old >= 1);
  w.disconnect();
  CHECK(progress(w).why.starts_with("no master has taken this scheduler in"));
  w.reconnect();
  w.ask(change::RemoveApp{AppId("web")});
  while (w.app("web").phase == AppPhase::active) REQUIRE(w.write_one());
  CHECK(progress(w).stage == Stage::removing);
}

TEST_CASE("an instance finds its ports and its host in its environment, and its record has them") {
  ServiceWorld w;
  w.add_agent("a");
  w.agents.at("a").free.ports = {{31000, 31001}, {31005, 31005}};
  w.start();
  AppDefinition definition = sleeper(1);
  definition.task.ports = 3;
  definition.task.environment["HOST"] = "mine";
  w.put("web", definition);
  REQUIRE(w.tasks.size() == 1);
  const auto& environment = w.tasks.begin()->second.environment;
  CHECK(environment.at("PORT0") == "31000");
  CHECK(environment.at("PORT2") == "31005");
  CHECK(environment.at("PORT") == "31000");
  CHECK(environment.at("PORTS") == "31000,31001,31005");
  CHECK(environment.at("HOST") == "mine");
  const auto& record = w.disk.apps.at(AppId("web")).instances.at(1);
  CHECK(record.ports == std::vector<std::uint32_t>{31000, 31001, 31005});
}

TEST_CASE("no write holds more instances than a store takes at once, and none waits for it") {
  ServiceWorld w;
  w.add_agent("a", 100'000);
  w.start();
  const auto count = static_cast<std::uint32_t>(3 * limits::kMaxInstancesPerWrite + 1);
  w.ask(change::PutApp{AppId("web"), sleeper(count)});
  std::size_t largest = 0;
  const Instant begin = w.stamp.now;
  while (w.running("web").size() < count) {
    for (const Persist& write : w.writes) largest = std::max(largest, write.commands.size());
    REQUIRE((w.write_one() || w.tell_one() || w.run_tasks() || w.offer()));
  }
  CHECK(largest == limits::kMaxInstancesPerWrite);
  CHECK(w.stamp.now == begin);
  // Nor when all of them are forgotten.
  w.tasks.clear();
  w.writes.clear();
  w.core = std::make_unique<ServiceCore>(ServiceConfig{});
  Effects effects;
  w.core->step({w.stamp, Start{w.disk, true}}, effects);
  std::size_t writes = 0;
  while (!effects.list.empty()) {
    const auto* write = std::get_if<Persist>(&effects.list.front().body);
    REQUIRE(write != nullptr);
    CHECK(write->commands.size() <= limits::kMaxInstancesPerWrite);
    ++writes;
    const PersistId id = write->id;
    const bool last = !write->after.empty();
    effects.clear();
    w.core->step({w.stamp, Stored{id}}, effects);
    if (last) break;
  }
  CHECK(writes == 5);
  CHECK(w.core->state().book.framework_id.empty());
}
