// A framework that holds as many offers as it may keeps nothing from the others.
#include <set>

#include "master/core/handlers.hpp"
#include "model/limits.hpp"
#include "tests/unit/master/allocator/reference.hpp"
#include "tests/unit/master/core/filler.hpp"

using namespace bourse;
using namespace bourse::master;
using namespace bourse::master::test;

namespace {

using Pair = std::pair<AgentId, std::string>;  // an agent, and who is offered some of it

FakeFramework& subscribe(Harness& h, Filler& fill, const char* name,
                         std::vector<std::string> roles) {
  FakeFramework& f = h.add_framework(name, std::move(roles));
  f.session = 1;
  fill.step(
      FromFramework{f.stream,
                    {},
                    {LinkHeader{1, 0, 0}, SchedulerCall{{}, call::Subscribe{f.facet, {}, {}}}},
                    {}});
  const auto& ids = h.core.state().framework_of;
  f.facet.id = FrameworkId("c-1-000" + std::to_string(ids.size() - 1));
  REQUIRE(ids.contains(f.facet.id));
  return f;
}

// What the naive reference gives of the rooms that are to be looked at next.
std::multiset<Pair> next_round(const MasterState& state, const MasterConfig& config) {
  MasterState copy = state;
  ++copy.allocation.rounds;
  std::vector<std::uint32_t> touched = state.allocation.touched;
  std::sort(touched.begin(), touched.end());
  const auto answer = allocator::reference::allocate(allocation_input(copy, config, touched));
  std::multiset<Pair> out;
  for (const allocator::Grant& grant : answer.grants) {
    const FrameworkSlot owner = state.allocation.owners[grant.claim.raw()].framework;
    out.emplace(state.agents.find_index(grant.room.raw())->id,
                state.frameworks.at(owner).facet->name);
  }
  return out;
}

std::multiset<Pair> offered(const MasterState& state, const std::vector<OfferFacet>& offers) {
  std::multiset<Pair> out;
  for (const OfferFacet& offer : offers) {
    const Offer& row = state.offers.at(find_offer(state, offer.id));
    out.emplace(offer.agent->id, state.frameworks.at(row.framework).facet->name);
  }
  return out;
}

}  // namespace

TEST_CASE(
    "what a framework at its limit of offers cannot have goes to the others in the next round") {
  Harness h;
  h.lead();
  Filler fill(h);
  // The other one has the larger share by far, so that its turn comes last everywhere.
  FakeFramework& other = subscribe(h, fill, "other", {"r0"});
  const AgentId big = fill.register_agent("big", res("cpus(r0):1000000"));
  const std::vector<OfferFacet> first = fill.offers();
  REQUIRE(first.size() == 1);
  call::Accept accept;
  accept.offer_ids = {first[0].id};
  TaskFacet task;
  task.id = TaskId("t");
  task.agent_id = big;
  task.resources = first[0].resources;
  task.has_command = true;
  accept.operations.push_back({{}, LaunchOperation{{task}}});
  fill.call(other, std::move(accept));

  std::vector<std::string> roles;
  std::string resources;
  for (std::size_t i = 0; i < limits::kMaxRolesPerFramework; ++i) {
    roles.push_back("r" + std::to_string(i));
    resources += (i == 0 ? "" : ";") + ("cpus(r" + std::to_string(i)) + "):1";
  }
  fill.call(other, call::Suppress{});
  FakeFramework& greedy = subscribe(h, fill, "greedy", roles);
  fill.call(other, call::Revive{});
  constexpr std::size_t kLeftOut = 50;
  const std::size_t agents = limits::kMaxOffersPerFramework / roles.size() + kLeftOut;
  for (std::size_t i = 0; i < agents; ++i) {
    fill.register_agent("a" + std::to_string(i), res(resources));
  }

  const MasterState& state = h.core.state();
  const auto most = fill.offers();
  CHECK(most.size() == limits::kMaxOffersPerFramework);
  CHECK(state.frameworks.at(state.framework_of.at(greedy.facet.id)).offers.size() == most.size());
  CHECK_FALSE(state.allocation.touched.empty());
  const std::multiset<Pair> expected = next_round(state, h.config);
  const std::multiset<Pair> rest = offered(state, fill.offers());
  CHECK(rest == expected);
  CHECK(rest.size() >= kLeftOut);
  CHECK(std::all_of(rest.begin(), rest.end(),
                    [](const Pair& pair) { return pair.second == "other"; }));
  CHECK(state.allocation.touched.empty());  // what nobody may have is not looked at for ever
  h.core.check_invariants();

  // As soon as one of its offers ends it is served as before.
  call::Decline decline;
  decline.offer_ids = {most.back().id};
  fill.call(greedy, std::move(decline));
  const std::multiset<Pair> again = offered(state, fill.offers());
  CHECK(again.size() >= 1);
  CHECK(std::any_of(again.begin(), again.end(),
                    [](const Pair& pair) { return pair.second == "greedy"; }));
  h.core.check_invariants();
}
