#include "model/registry_command.hpp"

#include <catch2/catch.hpp>

#include "model/limits.hpp"

using namespace bourse;

namespace {

AgentFacet agent(const char* id) {
  AgentFacet facet;
  facet.id = AgentId(id);
  facet.hostname = std::string("host-") + id;
  return facet;
}

FrameworkFacet framework(const std::string& id) {
  FrameworkFacet facet;
  facet.id = FrameworkId(id);
  facet.name = "n";
  return facet;
}

}  // namespace

TEST_CASE("a registry rebuilt from its snapshot is equal") {
  Registry r;
  REQUIRE(apply(r, registry::SetCluster{"c", 3}).ok());
  REQUIRE(apply(r, registry::AdmitAgent{agent("a1"), WallTime{10}}).ok());
  REQUIRE(apply(r, registry::AdmitAgent{agent("a2"), WallTime{11}}).ok());
  REQUIRE(apply(r, registry::MarkAgent{AgentId("a2"), registry::AgentStanding::unreachable,
                                       WallTime{12}})
              .ok());
  REQUIRE(apply(r, registry::PutFramework{framework("f1"), WallTime{13}}).ok());
  REQUIRE(apply(r, registry::PutFramework{framework("f2"), WallTime{14}, Duration{9}}).ok());
  REQUIRE(apply(r, registry::RemoveFramework{FrameworkId("f1"), WallTime{15}}).ok());
  REQUIRE(apply(r, registry::SetWeight{"web", 2500}).ok());
  REQUIRE(apply(r,
                registry::SetMaintenance{
                    AgentId("a1"), {AgentDuty::draining, Duration::seconds(5), true, WallTime{16}}})
              .ok());
  Registry again;
  for (const RegistryCommand& command : snapshot(r)) REQUIRE(apply(again, command).ok());
  REQUIRE(again == r);
}

TEST_CASE("a command that does not fit is refused and changes nothing") {
  Registry r;
  REQUIRE(apply(r, registry::SetCluster{"c", 3}).ok());
  REQUIRE(apply(r, registry::AdmitAgent{agent("a1"), WallTime{10}}).ok());
  const Registry before = r;
  REQUIRE(apply(r, registry::AdmitAgent{agent("a1"), WallTime{11}}).error().code ==
          ErrorCode::already_exists);
  REQUIRE(apply(r, registry::SetMaintenance{AgentId("a9"), {}}).error().code ==
          ErrorCode::not_found);
  REQUIRE(apply(r, registry::UpdateAgent{agent("a9")}).error().code == ErrorCode::not_found);
  REQUIRE(apply(r, registry::RemoveAgent{AgentId("a9")}).error().code == ErrorCode::not_found);
  REQUIRE(apply(r, registry::RemoveFramework{FrameworkId("f9"), WallTime{}}).error().code ==
          ErrorCode::not_found);
  REQUIRE(apply(r, registry::SetCluster{"other", 4}).error().code == ErrorCode::conflict);
  REQUIRE(apply(r, registry::SetCluster{"c", 2}).error().code == ErrorCode::conflict);
  REQUIRE(r == before);
}

TEST_CASE("the id of a removed framework is refused for ever") {
  Registry r;
  REQUIRE(apply(r, registry::PutFramework{framework("f1"), WallTime{1}}).ok());
  REQUIRE(apply(r, registry::RemoveFramework{FrameworkId("f1"), WallTime{2}}).ok());
  REQUIRE(apply(r, registry::PutFramework{framework("f1"), WallTime{3}}).error().code ==
          ErrorCode::conflict);
}

TEST_CASE("the list of removed frameworks forgets the oldest at its limit") {
  Registry r;
  for (std::size_t i = 0; i <= limits::kMaxFrameworks; ++i) {
    const std::string id = std::to_string(i);
    r.removed_frameworks.emplace(FrameworkId(id), WallTime{static_cast<std::int64_t>(i) + 1});
  }
  REQUIRE(apply(r, registry::PutFramework{framework("new"), WallTime{1}}).ok());
  r.removed_frameworks.erase(FrameworkId("5"));
  REQUIRE(apply(r, registry::RemoveFramework{FrameworkId("new"), WallTime{1'000'000}}).ok());
  REQUIRE(r.removed_frameworks.size() == limits::kMaxFrameworks);
  REQUIRE_FALSE(r.removed_frameworks.contains(FrameworkId("0")));
  REQUIRE(r.removed_frameworks.contains(FrameworkId("new")));
}

TEST_CASE("an agent that serves again is as if no operator had ever touched it") {
  Registry r;
  REQUIRE(apply(r, registry::AdmitAgent{agent("a1"), WallTime{10}}).ok());
  const Registry before = r;
  REQUIRE(apply(r, registry::SetMaintenance{AgentId("a1"),
                                            {AgentDuty::deactivated, {}, false, WallTime{11}}})
              .ok());
  REQUIRE(apply(r, registry::UpdateAgent{agent("a1")}).ok());
  REQUIRE(r.agents.at(AgentId("a1")).maintenance.duty == AgentDuty::deactivated);
  REQUIRE(apply(r, registry::SetMaintenance{AgentId("a1"),
                                            {AgentDuty::serving, {}, false, WallTime{12}}})
              .ok());
  REQUIRE(r == before);
}
