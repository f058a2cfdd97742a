#include "cluster_words.hpp"
#include "master/view/task_window.hpp"
#include "model/limits.hpp"

using namespace bourse;
using namespace bourse::master;
using bourse::master::test::Told;

namespace {

TaskQuery query_of(const char* json) {
  auto queries = parse_queries(json);
  REQUIRE(queries.ok());
  return queries->tasks;
}

}  // namespace

TEST_CASE("paging through tasks shows each once, newest first, living before ended") {
  Told t;
  t.agent("a1");
  t.framework("f");
  for (int i = 0; i < 7; ++i) {
    const std::string id = "t" + std::to_string(i);
    t.task("f", id.c_str());
    if (i % 2 == 0) continue;
    t.update("f", id.c_str(), TaskState::finished);
    t.settle("f", id.c_str());
  }
  std::vector<std::string> seen;
  TaskQuery query;
  query.limit = 2;
  for (int page = 0; page < 10; ++page) {
    const TaskWindow window = task_window(t.view.state(), query);
    REQUIRE(window.total == 7);
    for (const auto* list : {&window.live, &window.unreachable, &window.completed}) {
      for (const TaskRow* row : *list) seen.push_back(row->task->id.raw());
    }
    if (!window.next) break;
    query.after = cursor_text(*window.next);
  }
  REQUIRE(seen == std::vector<std::string>{"t6", "t4", "t2", "t0", "t5", "t3", "t1"});
}

TEST_CASE("tasks are filtered by framework, agent, id, state and text") {
  Told t;
  t.agent("a1");
  t.framework("f");
  t.framework("g");
  t.task("f", "alpha");
  t.task("g", "beta", "a2");
  t.update("g", "beta", TaskState::running, "a2");
  const auto count = [&](const char* json) {
    return task_window(t.view.state(), query_of(json)).total;
  };
  REQUIRE(count(R"({"type":"GET_TASKS"})") == 2);
  REQUIRE(count(R"({"get_tasks":{"framework_id":{"value":"f"}}})") == 1);
  REQUIRE(count(R"({"get_tasks":{"agent_id":{"value":"a2"}}})") == 1);
  REQUIRE(count(R"({"get_tasks":{"task_id":{"value":"alpha"}}})") == 1);
  REQUIRE(count(R"({"get_tasks":{"state":["TASK_RUNNING"]}})") == 1);
  REQUIRE(count(R"({"get_tasks":{"search":"NAME OF AL"}})") == 1);
  REQUIRE(count(R"({"get_tasks":{"search":"nothing"}})") == 0);
}

TEST_CASE("a query that is wrong is refused by its field") {
  const auto refusal = [](const char* json) {
    auto queries = parse_queries(json);
    REQUIRE_FALSE(queries.ok());
    return queries.error().message;
  };
  REQUIRE(refusal(R"({"get_tasks":{"limit":0}})").find("get_tasks.limit") == 0);
  REQUIRE(refusal(R"({"get_tasks":{"after":"9.9"}})").find("get_tasks.after") == 0);
  REQUIRE(refusal(R"({"get_tasks":{"after":"1"}})").find("get_tasks.after") == 0);
  REQUIRE(refusal(R"({"get_tasks":{"state":["X"]}})").find("get_tasks.state") == 0);
  REQUIRE(refusal(R"({"subscribe":{"types":["X"]}})").find("subscribe.types") == 0);
}

TEST_CASE("answers carry the sequence they contain and the window's place") {
  Told t;
  t.agent("a1");
  t.framework("f");
  for (const char* id : {"t1", "t2", "t3"}) t.task("f", id);
  const std::string sequence = "\"sequence\":" + std::to_string(t.sequence);
  const auto& state = t.view.state();
  const std::string agents = answer_agents(state, codec::Encoding::json, {});
  REQUIRE(agents.find("{\"type\":\"GET_AGENTS\"," + sequence + ",\"get_agents\"") == 0);
  const std::string plain = answer_tasks(state, codec::Encoding::json, {});
  REQUIRE(plain.find("\"total\"") == std::string::npos);
  TaskQuery query;
  query.limit = 2;
  const std::string window = answer_tasks(state, codec::Encoding::json, query);
  REQUIRE(window.find("\"total\":3,\"next\":\"0.") != std::string::npos);
  REQUIRE(window.substr(window.size() - 2) == "}}");
  query.search = "nothing";
  const std::string nothing = answer_tasks(state, codec::Encoding::json, query);
  REQUIRE(nothing.find("\"total\":0}}") != std::string::npos);
}

TEST_CASE("agents and frameworks are answered by id") {
  Told t;
  t.agent("a1");
  t.agent("a2");
  t.agent("a3", AgentPhase::unreachable);
  t.framework("f");
  t.framework("g");
  const auto& state = t.view.state();
  AgentQuery agents;
  agents.ids = {AgentId("a2"), AgentId("nobody")};
  const std::string one = answer_agents(state, codec::Encoding::json, agents);
  REQUIRE(one.find("host-a2") != std::string::npos);
  REQUIRE(one.find("host-a1") == std::string::npos);
  REQUIRE(answer_agents(state, codec::Encoding::json, {}).find("host-a3") == std::string::npos);
  FrameworkQuery frameworks;
  frameworks.ids = {FrameworkId("g")};
  const std::string g = answer_frameworks(state, codec::Encoding::json, frameworks);
  REQUIRE(g.find("name-g") != std::string::npos);
  REQUIRE(g.find("name-f") == std::string::npos);
}

TEST_CASE("frameworks are answered without those that have ended when only the others are asked") {
  Told t;
  t.framework("f");
  t.framework("g");
  t.say(change::FrameworkRemoved{FrameworkId("g"), WallTime{}});
  const auto answer = [&](const std::string& wanted) {
    const auto queries =
        parse_queries(R"({"type":"GET_FRAMEWORKS","get_frameworks":{)" + wanted + "}}");
    REQUIRE(queries.ok());
    return answer_frameworks(t.view.state(), codec::Encoding::json, queries->frameworks);
  };
  REQUIRE(answer("").find("name-g") != std::string::npos);
  REQUIRE(answer("\"completed\":true").find("name-g") != std::string::npos);
  const std::string living = answer("\"completed\":false");
  REQUIRE(living.find("name-g") == std::string::npos);
  REQUIRE(living.find("name-f") != std::string::npos);
}

TEST_CASE("what a framework wants is answered with how much of it would fit, and only then") {
  Told t;
  t.agent("a1");
  t.agent("a2");
  t.agent("a3", AgentPhase::unreachable);
  t.framework("f");
  t.framework("g");
  const auto answer = [&](const char* id) {
    FrameworkQuery query;
    query.ids = {FrameworkId(id)};
    return answer_frameworks(t.view.state(), codec::Encoding::json, query);
  };
  REQUIRE(answer("f").find("demands") == std::string::npos);
  change::FrameworkPut put = t.view.state().framework(FrameworkId("f"))->put;
  const DemandShape small{{{"cpus", 3'000}}, 9, AgentId()};
  const DemandShape placed{{{"cpus", 1'000}, {"mem", 512'000}}, 3, AgentId("a2")};
  put.demand = std::make_shared<const Demand>(Demand{{{"web", {small, placed}}}});
  t.say(put);
  // Of a1 a task has taken 1 of its 8 cpus; a2 is whole.
  t.task("g", "t1", "a1");
  const std::string shown = answer("f");
  const std::size_t at = shown.find("\"demands\":[");
  REQUIRE(at != std::string::npos);
  REQUIRE(shown.find("\"count\":9,\"fits\":4,\"unmet\":5", at) != std::string::npos);
  REQUIRE(shown.find("\"agent_id\":{\"value\":\"a2\"},\"count\":3,\"fits\":2,\"unmet\":1", at) !=
          std::string::npos);
  REQUIRE(shown.substr(shown.size() - 4) == "}]}}");
  REQUIRE(answer("g").find("demands") == std::string::npos);
  // What is on offer to it can be used by it alone.
  change::OfferAdded offer;
  offer.number = 1;
  offer.framework = put.framework;
  offer.agent = t.view.state().agents().at(AgentId("a2")).put.agent;
  offer.role = std::string("web");
  offer.resources = Resources::parse("cpus:8;mem:1024").value();
  t.say(offer);
  REQUIRE(answer("f").find("\"count\":9,\"fits\":4,\"unmet\":5") != std::string::npos);
}

TEST_CASE("what would fit is what a framework may have: as it is, asks for and is allowed") {
  Told t;
  t.agent("a1");
  t.agent("a2");
  t.framework("f");
  t.framework("g");
  change::FrameworkPut put = t.view.state().framework(FrameworkId("f"))->put;
  const DemandShape one{{{"cpus", 1'000}}, 50, AgentId()};
  put.demand = std::make_shared<const Demand>(Demand{{{"web", {one}}}});
  const auto fits = [&](int expected) {
    t.say(put);
    FrameworkQuery query;
    query.ids = {FrameworkId("f")};
    const std::string shown = answer_frameworks(t.view.state(), codec::Encoding::json, query);
    INFO(shown);
    const std::string counts =
        "\"fits\":" + std::to_string(expected) + ",\"unmet\":" + std::to_string(50 - expected);
    CHECK(shown.find(counts) != std::string::npos);
  };
  const auto change_agent = [&](const char* id, auto change) {
    change::AgentPut agent = t.view.state().agents().at(AgentId(id)).put;
    AgentFacet facet = *agent.agent;
    change(facet);
    agent.agent = std::make_shared<const AgentFacet>(std::move(facet));
    t.say(agent);
  };
  fits(16);
  using A = AttributeConstraint;
  const auto for_web = [](A constraint) {
    return std::make_shared<const OfferConstraints>(
        OfferConstraints{{{"web", {{std::move(constraint)}}}}});
  };
  put.offer_constraints = for_web({A::Of::hostname, "", A::Test::equals, "host-a1", {}});
  fits(8);
  put.offer_constraints = nullptr;

  FrameworkFacet facet = *put.framework;
  change_agent("a2", [](AgentFacet& agent) { agent.total.add(Resource::scalar("gpus", 1'000)); });
  fits(8);
  facet.capabilities.set(Capabilities::gpu_resources);
  put.framework = std::make_shared<const FrameworkFacet>(facet);
  fits(16);

  // What is lent counts for who takes it, and for no limit.
  change::AgentPut lender = t.view.state().agents().at(AgentId("a1")).put;
  ResourceMeta lent;
  lent.revocable = true;
  lender.oversubscribed.add(Resource::scalar("cpus", 3'000).with(lent));
  t.say(lender);
  fits(16);
  t.say(change::QuotaSet{"web", {{}, {{"cpus", 5'000}}}});
  fits(5);
  facet.capabilities.set(Capabilities::revocable_resources);
  put.framework = std::make_shared<const FrameworkFacet>(facet);
  fits(8);
  change::OfferAdded offer;  // to another in the same role
  offer.number = 1;
  offer.framework = t.view.state().framework(FrameworkId("g"))->put.framework;
  offer.agent = t.view.state().agents().at(AgentId("a2")).put.agent;
  offer.role = std::string("web");
  offer.resources = Resources::parse("cpus:1").value();
  t.say(offer);
  fits(7);
}

TEST_CASE("where shapes and agents are too many for one answer, what fits is left out") {
  Told t;
  const std::size_t agents = 80;
  for (std::size_t i = 0; i < agents; ++i) t.agent(("a" + std::to_string(i)).c_str());
  Demand demand;
  for (std::size_t i = 0; i < limits::kMaxDemandShapes; ++i) {
    const auto milli = static_cast<std::int64_t>(1'000 + i);
    demand.roles["web"].push_back({{{"cpus", milli}}, 1, AgentId()});
  }
  const std::size_t most = limits::kMaxDemandLooks / agents / limits::kMaxDemandShapes;
  std::string shown;
  for (std::size_t i = 0; i <= most; ++i) {
    const std::string id = "f" + std::to_string(i);
    t.framework(id.c_str());
    change::FrameworkPut put = t.view.state().framework(FrameworkId(id))->put;
    put.demand = std::make_shared<const Demand>(demand);
    t.say(put);
    if (i + 2 > most) {
      shown = answer_frameworks(t.view.state(), codec::Encoding::json, {});
      REQUIRE(shown.find("\"demands\"") != std::string::npos);
      REQUIRE((shown.find("\"fits\"") != std::string::npos) == (i + 1 == most));
    }
  }
}

TEST_CASE("tasks of a framework that is not back yet are orphans until it is") {
  Told t;
  t.agent("a1");
  t.framework("back");
  t.framework("away", false, true);
  t.task("back", "mine");
  t.task("away", "runs");
  t.update("away", "runs", TaskState::running);
  t.task("away", "lost-sight-of");
  t.update("away", "lost-sight-of", TaskState::unreachable);
  t.task("away", "ended");
  t.update("away", "ended", TaskState::finished);
  const auto tasks = [&](const char* json) {
    return answer_tasks(t.view.state(), codec::Encoding::json, query_of(json));
  };
  const auto orphans = [&](const char* json) {
    const std::string answer = tasks(json);
    const std::size_t at = answer.find("\"orphan_tasks\":");
    return at == std::string::npos ? std::string() : answer.substr(at);
  };
  const std::string all = orphans("{}");
  CHECK(all.find("\"runs\"") != std::string::npos);
  CHECK(all.find("\"lost-sight-of\"") != std::string::npos);
  CHECK(all.find("\"mine\"") == std::string::npos);
  CHECK(all.find("\"ended\"") == std::string::npos);
  // They stand among the others too.
  CHECK(tasks("{}").find("\"runs\"") < tasks("{}").find("\"orphan_tasks\":"));
  CHECK(task_window(t.view.state(), query_of(R"({"get_tasks":{"orphan":true}})")).total == 2);
  CHECK(tasks(R"({"get_tasks":{"orphan":true}})").find("\"mine\"") == std::string::npos);
  const auto has = [](const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
  };
  const auto frameworks = [&] {
    return answer_frameworks(t.view.state(), codec::Encoding::json, {});
  };
  CHECK(has(frameworks(), "\"recovered_frameworks\":[{"));
  CHECK(has(answer_state(t.view.state(), codec::Encoding::json), "\"orphan_tasks\":[{"));
  const auto metric = [&](const std::string& name) {
    for (const auto& [key, number] : cluster_metrics(t.view.state())) {
      if (key == name) return number;
    }
    FAIL("no metric " << name);
    return 0.0;
  };
  CHECK(metric("bourse/master/tasks_orphaned") == 2);
  CHECK(metric("bourse/master/frameworks_recovered") == 1);
  t.framework("away");
  CHECK(orphans("{}").empty());
  CHECK_FALSE(has(frameworks(), "\"recovered_frameworks\":[{"));
  CHECK(metric("bourse/master/tasks_orphaned") == 0);
}
