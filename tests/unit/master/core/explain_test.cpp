// Why a framework is offered what it is: the first rule in its way, in numbers.
#include <algorithm>
#include <catch2/catch.hpp>

#include "model/limits.hpp"
#include "tests/unit/master/core/harness.hpp"

using namespace bourse;
using namespace bourse::master;
using namespace bourse::master::test;

namespace {

std::shared_ptr<const Explanation> ask(Harness& h, const FrameworkId& id) {
  const RequestId request(900'000);
  h.answers.erase(request);
  const std::size_t before = h.changes.size();
  h.step(FromOperator{request, {}, operation::ExplainFramework{id}});
  if (h.changes.size() == before) return nullptr;
  const Change& change = h.changes.back();
  CHECK(h.answers.at(request).status.ok());
  CHECK(h.answers.at(request).sequence == change.sequence);
  return std::get<change::Explained>(change.body).explanation;
}

Explanation::Role role(Harness& h, const FakeFramework& framework) {
  const auto explanation = ask(h, framework.facet.id);
  REQUIRE(explanation != nullptr);
  REQUIRE(explanation->roles.size() == 1);
  return explanation->roles[0];
}

// The row of agents whose example is this one.
Explanation::Agents row(Harness& h, const FakeFramework& framework, const FakeAgent& agent) {
  for (const Explanation::Agents& agents : role(h, framework).agents) {
    if (agents.example == agent.id) return agents;
  }
  return {};
}

using Numbers = std::vector<Explanation::Number>;

}  // namespace

TEST_CASE("a framework with an offer on the table is told so, and others who has it") {
  Harness h;
  h.lead();
  FakeAgent& agent = h.add_agent("a", "cpus:4;mem:1024");
  FakeFramework& first = h.add_framework("first");
  h.subscribe(first);
  REQUIRE(h.offers(first).size() == 1);
  FakeFramework& second = h.add_framework("second");
  h.subscribe(second);
  h.offers(second);
  CHECK(row(h, first, agent).rule == "offered");
  const auto other = row(h, second, agent);
  CHECK(other.rule == "better_claim");
  CHECK(other.kind == "4 cpus, 1024 mem");
  CHECK(other.count == 1);
  REQUIRE(other.numbers.size() == 2);
  CHECK(other.numbers[0] == Explanation::Number{"offered_to", first.facet.id.raw()});
  CHECK(role(h, first).share_ppm == 1'000'000);
  CHECK(role(h, first).rank == 2);
  CHECK(role(h, second).rank == 1);
  CHECK(role(h, second).of == 2);
}

TEST_CASE("a limit and a guarantee are explained with what there is of them") {
  Harness h;
  h.lead();
  const auto set = [&](const std::string& name, Quota quota) {
    const RequestId request(900'001);
    h.answers.erase(request);
    h.step(FromOperator{
        request,
        {},
        operation::UpdateQuota{operation::UpdateQuota::How::update, {{name, quota}}, true}});
    REQUIRE(h.answers.at(request).status.ok());
  };
  set("eng", {{}, {{"cpus", 2'000}, {"mem", 512'000}}});
  FakeAgent& agent = h.add_agent("a", "cpus:8;mem:1024");
  FakeFramework& first = h.add_framework("first", {"eng"});
  h.subscribe(first);
  REQUIRE(h.offers(first).size() == 1);
  FakeFramework& second = h.add_framework("second", {"eng/web"});
  h.subscribe(second);
  h.offers(second);
  const auto over = row(h, second, agent);
  CHECK(over.rule == "over_quota");
  CHECK(over.numbers == Numbers{{"role", "eng"},
                                {"limit", "2 cpus"},
                                {"consumed", "2 cpus"},
                                {"headroom", "0 cpus"},
                                {"least", "0.01 cpus"}});
  CHECK(
      over.change ==
      "raise the limit of role eng from 2 cpus to 2.01 cpus, or end 0.01 cpus of what runs in it");

  set("idle", {{}, {{"cpus", 0}, {"mem", 0}}});
  FakeFramework& idle = h.add_framework("idle", {"idle"});
  h.subscribe(idle);
  h.offers(idle);
  CHECK(row(h, idle, agent).change == "raise the limit of role idle from 0 cpus to 0.01 cpus");

  set("ops", {{{"cpus", 10'000}, {"mem", 1'024'000}}, {}});
  FakeFramework& other = h.add_framework("other", {"batch"});
  h.subscribe(other);
  h.offers(other);
  const auto kept = row(h, other, agent);
  CHECK(kept.rule == "kept_for_guarantees");
  REQUIRE(kept.numbers.size() == 4);
  CHECK(kept.numbers[0] == Explanation::Number{"kept", "10 cpus"});
  CHECK(kept.change ==
        "role ops lacks 10 cpus, 1024 mem of its guarantee: add agents with that, or guarantee it "
        "less");
}

TEST_CASE("a limit is explained by the resource that is missed, not by the smaller number") {
  Harness h;
  h.lead();
  const RequestId request(900'001);
  // There is half of a cpu left and 100 MB: of the unit with the smaller number there is enough.
  h.step(FromOperator{request,
                      {},
                      operation::UpdateQuota{operation::UpdateQuota::How::update,
                                             {{"eng", {{}, {{"cpus", 1'500}, {"mem", 164'000}}}}},
                                             true}});
  REQUIRE(h.answers.at(request).status.ok());
  FakeAgent& agent = h.add_agent("a", "cpus:8;mem:1024");
  FakeFramework& first = h.add_framework("first", {"eng"});
  h.subscribe(first);
  h.run_task(first, agent, "t", "cpus:1;mem:64");
  h.call(first, call::Suppress{});
  FakeFramework& second = h.add_framework("second", {"eng/web"});
  second.facet.min_allocatable["eng/web"] = {{{"cpus", 400}, {"mem", 256'000}}};
  h.subscribe(second);
  h.offers(second);
  const auto over = row(h, second, agent);
  CHECK(over.rule == "over_quota");
  CHECK(over.numbers == Numbers{{"role", "eng"},
                                {"limit", "164 mem"},
                                {"consumed", "64 mem"},
                                {"headroom", "100 mem"},
                                {"least", "256 mem"}});
  CHECK(over.change ==
        "raise the limit of role eng from 164 mem to 320 mem, or end 156 mem of what runs in it");
}

TEST_CASE("a minimum of what no agent has is explained by its name") {
  Harness h;
  h.lead();
  FakeAgent& agent = h.add_agent("a", "cpus:4;mem:1024");
  FakeFramework& framework = h.add_framework("f");
  framework.facet.min_allocatable["*"] = {{{"cpus", 1'000}, {"fpga", 2'000}}};
  h.subscribe(framework);
  h.offers(framework);
  const auto found = row(h, framework, agent);
  CHECK(found.rule == "below_minimum");
  CHECK(found.numbers == Numbers{{"lacks", "2 fpga"}});
  CHECK(found.change ==
        "add an agent with 2 fpga, which none has, or ask for less in min_allocatable_resources");
}

TEST_CASE(
    "the line is that of the whole cluster: what stands before a role stands before its claims") {
  Harness h;
  h.lead();
  FakeAgent& agent = h.add_agent("a", "cpus:10;mem:10000");
  const auto with_task = [&](const char* name, const char* its_role, const char* resources) {
    FakeFramework& framework = h.add_framework(name, {its_role});
    h.subscribe(framework);
    if (*resources != 0) h.run_task(framework, agent, name, resources);
    return &framework;
  };
  FakeFramework* most = with_task("most", "a", "cpus:4;mem:64");
  h.call(*most, call::Suppress{});
  FakeFramework* middle = with_task("middle", "b/x", "cpus:2;mem:64");
  h.call(*middle, call::Suppress{});
  FakeFramework* none = with_task("none", "b/y", "");
  h.call(*none, call::Suppress{});
  FakeFramework* least = with_task("least", "c", "cpus:1;mem:64");
  for (FakeFramework* framework : {most, middle, none, least}) {
    h.call(*framework, call::Revive{});
    h.decline(*framework, h.offers(*framework), Duration::seconds(60));
  }
  const auto place = [&](FakeFramework& framework) {
    const auto found = role(h, framework);
    CHECK(found.of == 4);
    return found.rank;
  };
  CHECK(place(*least) == 1);
  // It has nothing, and its sibling's two cpus stand before it at the level of role b.
  CHECK(place(*none) == 2);
  CHECK(place(*middle) == 3);
  CHECK(place(*most) == 4);
  // A weight moves a role with all that is in it.
  h.step(FromOperator{RequestId(8), {}, operation::UpdateWeights{{{"b", 4'000}}}});
  CHECK(place(*none) == 1);
  CHECK(place(*middle) == 2);
  CHECK(place(*least) == 3);
  // Who asks for nothing is in nobody's way.
  h.call(*none, call::Suppress{});
  CHECK(role(h, *least).rank == 2);
  CHECK(role(h, *least).of == 3);
}

TEST_CASE("a filter is explained with the time that is left of it") {
  Harness h;
  h.lead();
  FakeAgent& agent = h.add_agent("a");
  FakeFramework& framework = h.add_framework("f");
  h.subscribe(framework);
  h.decline(framework, h.offers(framework), Duration::seconds(60));
  h.advance(Duration::milliseconds(10'500));
  const auto found = row(h, framework, agent);
  CHECK(found.rule == "filtered");
  REQUIRE(found.numbers.size() == 1);
  CHECK(found.numbers[0].first == "ends_in");
  CHECK(found.numbers[0].second.substr(0, 3) == "49.");
  CHECK(found.change.find("or REVIVE") != std::string::npos);
}

TEST_CASE("slivers are explained with what they lack") {
  Harness h;
  h.lead();
  FakeAgent& agent = h.add_agent("a", "cpus:2;mem:100");
  FakeFramework& big = h.add_framework("big");
  big.facet.min_allocatable["*"] = {{{"cpus", 4'500}, {"mem", 100'000}}, {{"cpus", 90'000}}};
  h.subscribe(big);
  h.offers(big);
  const auto found = row(h, big, agent);
  CHECK(found.rule == "below_minimum");
  CHECK(found.numbers == Numbers{{"lacks", "2.5 cpus"}});
  CHECK(found.change == "free 2.5 cpus there, or ask for less in min_allocatable_resources");
}

TEST_CASE("a constraint is explained by what fails of the group that fails least") {
  Harness h;
  h.lead();
  FakeAgent& agent = h.add_agent("a");
  FakeFramework& framework = h.add_framework("f");
  const auto attribute = [](const std::string& name) {
    using C = AttributeConstraint;
    return C{C::Of::attribute, name, C::Test::equals, "x", {}};
  };
  framework.constraints = std::make_shared<const OfferConstraints>(
      OfferConstraints{{{"*", {{attribute("rack"), attribute("row")}, {attribute("ssd")}}}}});
  h.subscribe(framework);
  h.offers(framework);
  const auto found = row(h, framework, agent);
  CHECK(found.rule == "constraint");
  CHECK(found.numbers == Numbers{{"fails", "attribute 'ssd' equals 'x'"}, {"of_its_group", "1"}});
  const auto refused = role(h, framework).refused;
  CHECK(std::find(refused.begin(), refused.end(), Explanation::Number{"constraint", "1"}) !=
        refused.end());
}

TEST_CASE("gpus, reservations and what is in use are explained") {
  Harness h;
  h.lead();
  FakeAgent& gpus = h.add_agent("g", "cpus:1;mem:64;gpus:1");
  FakeAgent& theirs = h.add_agent("r", "cpus(ops):1;mem(ops):64");
  FakeAgent& busy = h.add_agent("b", "cpus:2;mem:64");
  FakeFramework& framework = h.add_framework("f");
  h.subscribe(framework);
  h.run_task(framework, busy, "t", "cpus:2;mem:64");
  CHECK(row(h, framework, gpus).rule == "no_gpu_capability");
  const auto reserved = row(h, framework, theirs);
  CHECK(reserved.rule == "reserved_for_other_role");
  CHECK(reserved.numbers == Numbers{{"roles", "ops"}, {"for ops", "1 cpus, 64 mem"}});
  CHECK(reserved.change ==
        "unreserve some of the 1 cpus, 64 mem that role ops has there, or subscribe in role ops");
  const auto nothing = row(h, framework, busy);
  CHECK(nothing.rule == "nothing_free");
  CHECK(nothing.numbers == Numbers{{"used", "cpus:2; mem:64"}, {"least", "0.01 cpus"}});
  CHECK(nothing.change == "end what holds 0.01 cpus there");
}

TEST_CASE("suppressed and disconnected roles are explained by that alone") {
  Harness h;
  h.lead();
  h.add_agent("a");
  FakeFramework& framework = h.add_framework("f");
  framework.facet.failover_timeout = Duration::seconds(100);
  h.subscribe(framework, {"*"});
  CHECK(role(h, framework).rule == "suppressed");
  CHECK(role(h, framework).change == "the framework must REVIVE role *");
  h.break_connection(framework);
  CHECK(role(h, framework).rule == "disconnected");
  CHECK(role(h, framework).agents.empty());
}

TEST_CASE("agents that are away or in deficit are explained by their phase") {
  Harness h;
  h.lead();
  FakeAgent& away = h.add_agent("a");
  FakeAgent& kept = h.add_agent("b", "cpus:9");
  FakeFramework& framework = h.add_framework("f");
  h.subscribe(framework);
  h.break_connection(away);
  h.step(FromOperator{RequestId(7), {}, operation::DeactivateAgent{kept.id}});
  CHECK(row(h, framework, away).rule == "agent_silent");
  const auto found = row(h, framework, kept);
  CHECK(found.rule == "agent_deactivated");
  CHECK(found.change == "bourse agents reactivate " + kept.id.raw());
}

TEST_CASE("an agent that drains is reactivated only once it is drained, and explain says so") {
  Harness h;
  h.lead();
  FakeAgent& agent = h.add_agent("a");
  FakeFramework& framework = h.add_framework("f");
  h.subscribe(framework);
  h.run_task(framework, agent, "t", "cpus:1");
  h.step(FromOperator{RequestId(7), {}, operation::DrainAgent{agent.id, {}, false}});
  const std::string reactivate = "bourse agents reactivate " + agent.id.raw();
  CHECK(row(h, framework, agent).change == reactivate + ", once it is drained");
  h.acknowledge(framework, agent, "t", h.status(agent, framework, "t", TaskState::killed));
  const auto drained = row(h, framework, agent);
  CHECK(drained.rule == "agent_drained");
  CHECK(drained.change == reactivate);
}

TEST_CASE("an agent that is gone, away or down is explained with what would bring it back") {
  MasterConfig config = Harness::default_config();
  config.framework_silence = Duration::seconds(1'000);
  Harness h(config);
  h.lead();
  FakeAgent& lost = h.add_agent("a", "cpus:4;mem:1024");
  FakeAgent& gone = h.add_agent("b", "cpus:8;mem:1024");
  FakeFramework& framework = h.add_framework("f");
  h.subscribe(framework);
  h.step(FromOperator{RequestId(7), {}, operation::MarkAgentGone{gone.id}});
  h.break_connection(lost);
  CHECK(row(h, framework, lost).rule == "agent_silent");
  h.advance(h.config.agent_timeout + Duration::seconds(5));
  auto found = row(h, framework, lost);
  CHECK(found.rule == "agent_unreachable");
  CHECK(found.kind == "4 cpus, 1024 mem");
  CHECK(found.numbers == Numbers{{"reason", "heard nothing for too long"}});
  CHECK(found.change == "agent " + lost.id.raw() + " must register again");
  found = row(h, framework, gone);
  CHECK(found.rule == "agent_gone");
  CHECK(found.numbers == Numbers{{"reason", "marked gone by an operator"}});
  CHECK(found.change == "it never comes back: start another agent there");
  FakeAgent& down = h.add_agent("c", "cpus:2;mem:1024");
  h.step(FromOperator{
      RequestId(8), {}, operation::UpdateSchedule{{{{{"c", ""}}, {WallTime{100}, {}}}}}});
  h.step(FromOperator{RequestId(9), {}, operation::StartMaintenance{{{"c", ""}}}});
  REQUIRE(h.answers.at(RequestId(9)).status.ok());
  h.advance(h.config.agent_timeout);
  found = row(h, framework, down);
  CHECK(found.rule == "agent_unreachable");
  CHECK(found.numbers == Numbers{{"reason", "its machine is down for maintenance"}});
  CHECK(found.change == "bourse maintenance stop c");
  // Not seen since this master leads.
  h.restart_master();
  h.subscribe(framework);
  found = row(h, framework, lost);
  CHECK(found.rule == "agent_unreachable");
  CHECK(found.numbers == Numbers{{"reason", "unreachable before this master led"}});
  CHECK(found.kind == "4 cpus, 1024 mem");
}

TEST_CASE("what an agent lacks of what runs on it is explained as its deficit") {
  Harness h;
  h.lead();
  FakeAgent& agent = h.add_agent("a", "cpus:4;mem:1024");
  FakeFramework& framework = h.add_framework("f");
  h.subscribe(framework);
  h.run_task(framework, agent, "t", "cpus:3;mem:64");
  agent.total = res("cpus:1;mem:1024");
  agent.tasks = {h.known(agent, "t", TaskState::running)};
  h.enroll(agent);
  const auto found = row(h, framework, agent);
  CHECK(found.rule == "deficit");
  CHECK(found.numbers == Numbers{{"missing", "cpus:2"}});
  CHECK(found.change == "tasks on it hold more than it has: end some, or give it cpus:2");
}

TEST_CASE("another region and what a framework cannot handle are explained with the capability") {
  MasterConfig config = Harness::default_config();
  config.region = "eu";
  Harness h(config);
  h.lead();
  FakeAgent& remote = h.agents.emplace_back();
  remote.host = "a";
  remote.peer = PeerId(77);
  remote.total = res("cpus:1;mem:64");
  remote.domain = {"us", "1"};
  h.enroll(remote);
  FakeFramework& framework = h.add_framework("f");
  h.subscribe(framework);
  h.offers(framework);
  auto found = row(h, framework, remote);
  CHECK(found.rule == "remote_region");
  CHECK(found.numbers == Numbers{{"region", "us"}, {"master_region", "eu"}});
  CHECK(found.change == "subscribe with capability REGION_AWARE");
  // All that is left there is lent.
  FakeAgent& lender = h.add_agent("b", "cpus:2;mem:64");
  FakeFramework& owner = h.add_framework("owner");
  h.subscribe(owner);
  h.call(framework, call::Suppress{});
  h.run_task(owner, lender, "t", "cpus:2;mem:64");
  ResourceMeta meta;
  meta.revocable = true;
  h.say(lender, to_master::Oversubscribed{Resources({Resource::scalar("cpus", 1'000).with(meta)})});
  h.call(framework, call::Revive{});
  h.offers(framework);
  found = row(h, framework, lender);
  CHECK(found.rule == "not_capable");
  CHECK(found.numbers == Numbers{{"free", "cpus{REV}:1"}});
  CHECK(found.change == "subscribe with REVOCABLE_RESOURCES");
}

TEST_CASE("a role that gives everything back is explained by the turn that it waits for") {
  MasterConfig config = Harness::default_config();
  config.idle_offers_per_second = 1;
  Harness h(config);
  h.lead();
  for (int i = 0; i < 5; ++i) h.add_agent("a" + std::to_string(i));
  FakeFramework& framework = h.add_framework("f");
  h.subscribe(framework);
  Explanation::Role found;
  for (int i = 0; i < 100 && found.rule != "held_back"; ++i) {
    h.advance(Duration::milliseconds(500));
    if (!framework.offers.empty()) h.decline(framework, framework.offers, Duration());
    found = role(h, framework);
  }
  CHECK(found.rule == "held_back");
  CHECK(
      found.change.find("offers whole and gets its turn by and by: launch something, or REVIVE") !=
      std::string::npos);
  CHECK(found.agents.empty());
  h.call(framework, call::Revive{});
  CHECK(role(h, framework).rule.empty());
}

TEST_CASE("an explanation of many roles over many agents looks at some of them and says so") {
  Harness h;
  h.lead();
  const std::size_t roles = limits::kMaxRolesPerFramework;
  const std::size_t agents = limits::kMaxExplainedLooks / roles + 100;
  for (std::size_t i = 0; i < agents; ++i) h.add_agent("a" + std::to_string(i), "cpus:1");
  std::vector<std::string> names;
  for (std::size_t i = 0; i < roles; ++i) names.push_back("r" + std::to_string(i));
  FakeFramework& framework = h.add_framework("f", names);
  framework.facet.capabilities.set(Capabilities::multi_role);
  h.subscribe(framework);
  const auto explanation = ask(h, framework.facet.id);
  REQUIRE(explanation->roles.size() == roles);
  for (const Explanation::Role& of_role : explanation->roles) {
    CHECK(of_role.agents_in_all == agents);
    CHECK(of_role.looked_at == (agents + 1) / 2);
    std::uint64_t counted = 0;
    for (const auto& row : of_role.agents) counted += row.count;
    CHECK(counted == of_role.looked_at);
  }
  // So much in a second, whoever asks.
  CHECK(ask(h, framework.facet.id) != nullptr);
  CHECK(ask(h, framework.facet.id) == nullptr);
  CHECK(h.answers.at(RequestId(900'000)).status.error().code == ErrorCode::unavailable);
  h.advance(Duration::seconds(1));
  CHECK(ask(h, framework.facet.id) != nullptr);
}

TEST_CASE("explanations are bounded in kinds of agents and in questions a second") {
  Harness h;
  h.lead();
  for (std::size_t i = 0; i < limits::kMaxExplainedKinds + 5; ++i) {
    h.add_agent("a" + std::to_string(i), "cpus:" + std::to_string(i + 1));
  }
  FakeFramework& framework = h.add_framework("f");
  h.subscribe(framework);
  h.offers(framework);
  const auto agents = role(h, framework).agents;
  CHECK(agents.size() == limits::kMaxExplainedKinds + 1);
  CHECK(agents[0].kind == "others");
  CHECK(agents[0].count == 5);
  for (std::uint32_t i = 1; i < limits::kMaxExplanationsPerSecond; ++i) {
    CHECK(ask(h, framework.facet.id) != nullptr);
  }
  CHECK(ask(h, framework.facet.id) == nullptr);
  CHECK(h.answers.at(RequestId(900'000)).status.error().code == ErrorCode::unavailable);
  h.advance(Duration::seconds(1));
  CHECK(ask(h, framework.facet.id) != nullptr);
  CHECK(ask(h, FrameworkId("nobody")) == nullptr);
  CHECK(h.answers.at(RequestId(900'000)).status.error().code == ErrorCode::not_found);
}
