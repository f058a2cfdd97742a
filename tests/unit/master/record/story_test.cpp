#include <catch2/catch.hpp>

#include "master/record/story.hpp"
#include "tests/unit/master/core/harness.hpp"

using namespace bourse;
using namespace bourse::master;
using namespace bourse::master::test;

namespace {

// A harness whose every step is watched.
struct Told {
  Harness h;
  std::uint64_t sequence = 0;
  std::vector<std::string> lines;
  TaskStory story{TaskId("t1"), [this](const StoryLine& line) { lines.push_back(line.text); }};

  Told() {
    h.on_step = [this](const Event& event, const Effects& effects) {
      story.watch({++sequence, event, effects, h.core});
    };
    h.lead();
  }
  bool says(const std::string& words) const {
    for (const std::string& line : lines) {
      if (line.find(words) != std::string::npos) return true;
    }
    return false;
  }
  std::string all() const {
    std::string out;
    for (const std::string& line : lines) out += line + "\n";
    return out;
  }
};

}  // namespace

TEST_CASE("the story of a task tells from which offer it was launched and how it ended") {
  Told told;
  FakeAgent& agent = told.h.add_agent("host-a");
  FakeFramework& framework = told.h.add_framework("shop");
  told.h.subscribe(framework);
  const auto offers = told.h.offers(framework);
  REQUIRE(offers.size() == 1);
  told.h.accept(framework, offers, {told.h.task("t1", agent), told.h.task("t2", agent)});
  const Uuid running = told.h.status(agent, framework, "t1", TaskState::running);
  told.h.acknowledge(framework, agent, "t1", running);
  told.h.status(agent, framework, "t2", TaskState::failed);
  const Uuid finished = told.h.status(agent, framework, "t1", TaskState::finished);
  told.h.acknowledge(framework, agent, "t1", finished);
  INFO(told.all());
  CHECK(
      told.says("offers cpus:4; mem:1024; ports:[31000-31009] of agent host-a to framework "
                "'shop' in role '*' as " +
                offers[0].id.raw()));
  CHECK(told.says("accepts " + offers[0].id.raw() + " and launches it with cpus:1; mem:64 on"));
  CHECK(told.says("offer " + offers[0].id.raw() + " is accepted"));
  CHECK(told.says("orders agent host-a"));
  CHECK(told.says("reports TASK_RUNNING"));
  CHECK(told.says("tells its framework TASK_RUNNING"));
  CHECK(told.says("acknowledges update " + to_text(finished)));
  CHECK(told.says("reports TASK_FINISHED"));
  CHECK(told.says("it has ended and is history"));
  CHECK_FALSE(told.says("TASK_FAILED"));  // the other task's
}

TEST_CASE("the story of a refused task tells the reason") {
  Told told;
  FakeAgent& agent = told.h.add_agent("host-a", "cpus:1;mem:64");
  FakeFramework& framework = told.h.add_framework("shop");
  told.h.subscribe(framework);
  told.h.accept(framework, told.h.offers(framework), {told.h.task("t1", agent, "cpus:9;mem:64")});
  INFO(told.all());
  CHECK(told.says("tells its framework TASK_ERROR"));
  CHECK(told.says("cpus:9"));
}

TEST_CASE("the story of a killed task tells who killed it, and what became of its agent") {
  Told told;
  FakeAgent& agent = told.h.add_agent("host-a");
  FakeFramework& framework = told.h.add_framework("shop");
  told.h.subscribe(framework);
  told.h.accept(framework, told.h.offers(framework), {told.h.task("t1", agent)});
  told.h.status(agent, framework, "t1", TaskState::running);
  told.h.call(framework, call::Kill{TaskId("t1"), {}, Duration::seconds(2)});
  CHECK(told.says("asks to kill it with a grace of 2000 ms"));
  CHECK(told.says("to kill it with a grace of 2000 ms"));
  told.h.step(FromOperator{RequestId(9), {"root"}, operation::KillTask{{}, TaskId("t1"), {}}});
  CHECK(told.says("operator 'root' kills it"));
  told.h.break_connection(agent);
  told.h.advance(Duration::seconds(120));
  INFO(told.all());
  CHECK(told.says("it is in TASK_UNREACHABLE"));
}
