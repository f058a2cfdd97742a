// Roles as operators see them, from Changes alone.
#include "master/view/roles.hpp"
#include "master/view/answers.hpp"

#include "cluster_words.hpp"

using namespace bourse;
using namespace bourse::master;
using bourse::master::test::Told;

namespace {

struct World : Told {
  void reserved_agent() {
    AgentFacet facet = *view.state().agents().at(AgentId("a1")).put.agent;
    Resource reserved = Resource::scalar("cpus", 2'000);
    ResourceMeta meta;
    meta.reservations.push_back({Reservation::Type::dynamically, "web/front", "", {}});
    facet.total.add(reserved.with(meta));
    facet.total.add(Resources::parse("ports:[31000-31009]").value());
    change::AgentPut put = view.state().agents().at(AgentId("a1")).put;
    put.agent = std::make_shared<const AgentFacet>(std::move(facet));
    say(put);
  }
  void held(const char* id, const char* role) {
    change::TaskAdded added;
    added.framework_id = FrameworkId("f");
    TaskFacet facet;
    facet.id = TaskId(id);
    facet.agent_id = AgentId("a1");
    facet.resources = Resources::parse("cpus:1;ports:[31000-31001]").value();
    added.task = std::make_shared<const TaskFacet>(std::move(facet));
    added.role = std::string(role);
    say(added);
  }
  RoleRow row(const char* name) const {
    for (RoleRow& one : role_rows(view.state())) {
      if (one.name == name) return one;
    }
    FAIL(std::string("no role ") + name);
    return {};
  }
  std::string names() const {
    std::string out;
    for (const RoleRow& one : role_rows(view.state())) out += one.name + " ";
    return out;
  }
};

}  // namespace

TEST_CASE("a role is listed while a framework, a weight, a quota or a reservation names it") {
  World w;
  CHECK(w.names().empty());
  w.agent("a1");
  w.framework("f");  // in role web
  CHECK(w.names() == "web ");
  w.say(change::WeightSet{"heavy/one", 2500});
  w.say(change::QuotaSet{"capped", {{}, {{"cpus", 1000}}}});
  w.reserved_agent();
  CHECK(w.names() == "capped heavy heavy/one web web/front ");
  w.say(change::QuotaSet{"capped", {}});
  CHECK(w.names() == "heavy heavy/one web web/front ");
}

TEST_CASE("what is held, on offer or reserved in a role counts for all above it") {
  World w;
  w.agent("a1");
  w.framework("f");
  w.reserved_agent();
  w.held("t1", "web/front");
  w.held("t2", "web");
  CHECK(w.row("web/front").allocated.scalar_milli("cpus") == 1000);
  CHECK(w.row("web").allocated.scalar_milli("cpus") == 2000);
  CHECK(w.row("web").reserved.scalar_milli("cpus") == 2000);
  CHECK(w.row("web").frameworks == std::vector<FrameworkId>{FrameworkId("f")});
  w.settle("f", "t1");
  CHECK(w.row("web/front").allocated.empty());
  CHECK(w.row("web/front").frameworks.empty());
  CHECK(w.row("web").allocated.scalar_milli("cpus") == 1000);
}

TEST_CASE("/roles says of each its weight, quota, sums and frameworks as Mesos writes them") {
  World w;
  CHECK(roles_json(w.view.state()) == "{\"roles\":[]}");
  CHECK(quotas_json(w.view.state()) == "{}");
  CHECK(weights_json(w.view.state()) == "[]");
  w.agent("a1");
  w.framework("f");
  w.reserved_agent();
  w.held("t", "web");
  w.say(change::WeightSet{"web", 2500});
  w.say(change::QuotaSet{"web", {{{"cpus", 1000}}, {{"cpus", 4000}}}});
  const std::string said = roles_json(w.view.state());
  CHECK(said.find("{\"name\":\"web\",\"weight\":2.5,\"quota\":{\"role\":\"web\","
                  "\"guarantee\":{\"cpus\":1.0},\"limit\":{\"cpus\":4.0},"
                  "\"consumed\":{\"cpus\":3.0}},\"resources\":{\"cpus\":1.0,\"ports\":2.0},"
                  "\"allocated\":{\"cpus\":1.0,\"ports\":2.0},\"offered\":{},"
                  "\"reserved\":{\"cpus\":2.0},\"frameworks\":[\"f\"]}") != std::string::npos);
  CHECK(weights_json(w.view.state()).find("\"weight\":2.5") != std::string::npos);
  CHECK(quotas_json(w.view.state()).find("\"limits\":{\"cpus\":{\"value\":4.0}}") !=
        std::string::npos);
  // The v1 call has scalars alone.
  CHECK(answer_roles(w.view.state(), codec::Encoding::json).find("ports") == std::string::npos);
}

TEST_CASE("GET_QUOTA says beside each quota what its role has consumed") {
  World w;
  const auto said = [&] { return answer_quotas(w.view.state(), codec::Encoding::json); };
  CHECK(said().find("consumptions") == std::string::npos);
  w.agent("a1");
  w.framework("f");
  w.reserved_agent();
  w.held("t", "web/front");
  w.say(change::QuotaSet{"web", {{}, {{"cpus", 4000}}}});
  w.say(change::QuotaSet{"idle", {{}, {{"mem", 1000}}}});
  CHECK(said().find("\"limits\":{\"cpus\":{\"value\":4.0}}") != std::string::npos);
  CHECK(
      said().ends_with("\"consumptions\":[{\"role\":\"idle\",\"consumed\":{}},"
                       "{\"role\":\"web\",\"consumed\":{\"cpus\":3.0}}]}}"));
  // The binary form is Mesos' own.
  CHECK(answer_quotas(w.view.state(), codec::Encoding::protobuf).find("consumed") ==
        std::string::npos);
}

TEST_CASE("what an agent or framework holds says in which role") {
  World w;
  w.agent("a1");
  w.framework("f");
  w.held("t1", "web/front");
  w.held("t2", "batch");
  const std::string agents = answer_agents(w.view.state(), codec::Encoding::json, {});
  const std::string tasks = answer_tasks(w.view.state(), codec::Encoding::json, {});
  for (const std::string& said : {agents, tasks}) {
    CHECK(said.find("\"allocation_info\":{\"role\":\"web/front\"}") != std::string::npos);
    CHECK(said.find("\"allocation_info\":{\"role\":\"batch\"}") != std::string::npos);
  }
}
