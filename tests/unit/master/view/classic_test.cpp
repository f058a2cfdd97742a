// What /state and its parts say and what they cost, from Changes alone.
#include "master/view/classic.hpp"

#include <limits>

#include "cluster_words.hpp"
#include "master/view/answers.hpp"

using namespace bourse;
using namespace bourse::master;
using bourse::master::test::Told;

namespace {

ClassicQuestion asking(std::size_t most_bytes = kMostClassicBytes) {
  ClassicQuestion out;
  out.self.master = {"m1", "host", "10.0.0.1", 5050, "1.11.0", {}};
  out.self.started_at = WallTime{1'500'000'000};
  out.self.elected_at = WallTime{1'600'000'000};
  out.most_bytes = most_bytes;
  return out;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

constexpr ClassicAnswer kAll[] = {classic_state, classic_state_summary, classic_slaves,
                                  classic_frameworks, classic_tasks};

}  // namespace

TEST_CASE("an answer that is too long is refused and names narrower ones") {
  Told w;
  w.agent("a1");
  w.framework("f");
  for (const char* id : {"t1", "t2", "t3"}) w.task("f", id);
  for (const ClassicAnswer answer : kAll) {
    const auto whole = answer(w.view.state(), asking());
    REQUIRE(whole.ok());
    CHECK(answer(w.view.state(), asking(whole->size())).ok());
    const auto refused = answer(w.view.state(), asking(whole->size() - 1));
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == ErrorCode::too_large);
    CHECK(has(refused.error().message, "ask "));
  }
}

TEST_CASE(
    "agents are counted as active, not active and unreachable, and the recovered stand apart") {
  Told w;
  w.agent("a1");
  w.agent("a2", AgentPhase::silent);
  w.agent("a3", AgentPhase::deactivated);
  w.agent("a4", AgentPhase::unreachable);
  w.agent("a5", AgentPhase::recovered);
  w.agent("a6", AgentPhase::gone);
  const std::string text = classic_state(w.view.state(), asking()).value();
  CHECK(
      has(text, "\"activated_slaves\":1.0,\"deactivated_slaves\":2.0,\"unreachable_slaves\":1.0"));
  CHECK(has(text, "\"recovered_slaves\":[{\"id\":\"a5\",\"hostname\":\"host-a5\""));
  for (const char* id : {"a4", "a6"}) CHECK_FALSE(has(text, std::string("\"id\":\"") + id));
}

TEST_CASE("a task of the classic reads stands in the list of its state, with seconds and a role") {
  Told w;
  w.agent("a1");
  w.framework("f");
  w.task("f", "lives");
  w.task("f", "away");
  w.task("f", "over");
  w.update("f", "away", TaskState::unreachable);
  w.update("f", "over", TaskState::finished);
  w.settle("f", "over");
  const std::string text = classic_frameworks(w.view.state(), asking()).value();
  CHECK(has(text, "\"tasks\":[{\"id\":\"lives\""));
  CHECK(has(text, "\"unreachable_tasks\":[{\"id\":\"away\""));
  CHECK(has(text, "\"completed_tasks\":[{\"id\":\"over\""));
  CHECK(has(text, "\"executor_id\":\"\",\"slave_id\":\"a1\",\"state\":\"TASK_FINISHED\""));
  CHECK(has(text, "\"roles\":[\"web\"]"));
  CHECK(has(text, "\"timestamp\":0.0"));
}

TEST_CASE("what is revocable has a name of its own in flat resources") {
  Told w;
  w.agent("a1");
  change::AgentPut put = w.view.state().agents().at(AgentId("a1")).put;
  ResourceMeta lent;
  lent.revocable = true;
  put.oversubscribed.add(Resource::scalar("cpus", 1'500).with(lent));
  w.say(put);
  const std::string text = classic_slaves(w.view.state(), asking()).value();
  CHECK(has(text, "\"cpus\":8.0,\"cpus_revocable\":1.5"));
}

TEST_CASE("limits of a task are numbers, and Infinity where there is none") {
  Told w;
  w.agent("a1");
  w.framework("f");
  change::TaskAdded added;
  added.framework_id = FrameworkId("f");
  TaskFacet facet;
  facet.id = TaskId("t");
  facet.agent_id = AgentId("a1");
  facet.limits_milli = {{"cpus", 1'500}, {"mem", std::numeric_limits<std::int64_t>::max()}};
  added.task = std::make_shared<const TaskFacet>(std::move(facet));
  added.role = std::string("web");
  w.say(added);
  const std::string text = classic_tasks(w.view.state(), asking()).value();
  CHECK(has(text, "\"limits\":{\"cpus\":1.5,\"mem\":\"Infinity\"}"));
  CHECK(has(text, "\"role\":\"web\""));
}

TEST_CASE("a copy of the view says what it said, byte for byte, while the cluster goes on") {
  Told w;
  for (const char* id : {"a1", "a2"}) w.agent(id);
  for (const char* id : {"f", "g"}) w.framework(id);
  for (int i = 0; i < 1'000; ++i) w.task(i % 2 == 0 ? "f" : "g", std::to_string(i).c_str());
  const auto all_of = [](const ViewState& state) {
    std::string out = answer_state(state, codec::Encoding::json);
    out += answer_frameworks(state, codec::Encoding::json, {});
    out += answer_executors(state, codec::Encoding::json);
    for (const ClassicAnswer answer : kAll) out += answer(state, asking()).value();
    return out;
  };
  const std::string before = all_of(w.view.state());
  const ViewState copy = w.view.state();
  CHECK(all_of(copy) == before);
  for (int i = 0; i < 1'000; i += 3) {
    w.update(i % 2 == 0 ? "f" : "g", std::to_string(i).c_str(), TaskState::finished);
  }
  w.task("f", "later");
  w.agent("a1", AgentPhase::unreachable);
  w.agent("a3");
  w.framework("g", false);
  CHECK(all_of(copy) == before);
  CHECK(all_of(w.view.state()) != before);
}
