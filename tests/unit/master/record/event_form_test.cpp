#include <catch2/catch.hpp>

#include <set>

#include "master/record/event_form.hpp"
#include "model/limits.hpp"
#include "tests/unit/proto/codec/sample.hpp"

using namespace bourse;
using namespace bourse::master;

namespace {

using Body = decltype(Event::body);

Registry a_registry() {
  Registry out;
  out.cluster_id = "c1";
  out.epoch = 4;
  AgentFacet agent = sample::agent();
  agent.id = AgentId("a1");
  out.agents[agent.id] = {
      agent, registry::AgentStanding::unreachable, WallTime{5}, WallTime{6}, {}};
  FrameworkFacet framework = sample::framework();
  framework.id = FrameworkId("f1");
  out.frameworks[framework.id] = {framework, WallTime{7}};
  out.removed_frameworks[FrameworkId("f0")] = WallTime{3};
  out.weights_milli["web"] = 2'000;
  return out;
}

// Every alternative on every level.
std::vector<Body> bodies() {
  std::vector<Body> out;
  for (const AgentToMaster& message : sample::agent_messages()) {
    out.push_back(FromAgent{PeerId(11), {"an agent"}, message});
  }
  for (const SchedulerCall& call : sample::scheduler_calls()) {
    out.push_back(FromFramework{PeerId(12), {}, {LinkHeader{1, 2, 3}, call}, RequestId(5)});
  }
  const SchedulerCall publish{FrameworkId("f1"), call::Publish{"notes", "text"}};
  out.push_back(FromFramework{PeerId(12), {}, {LinkHeader{1, 2, 3}, publish}, {}});
  out.push_back(FromFramework{PeerId(12), {"someone"}, {LinkHeader{4, 5, 6}, {}}, {}});
  out.push_back(PeerGone{PeerId(13)});
  out.push_back(Stored{PersistId(14)});
  out.push_back(Rejected{PersistId(15), "no space left"});
  const auto operate = [&](decltype(FromOperator::body) body) {
    out.push_back(FromOperator{RequestId(16), {"root"}, std::move(body)});
  };
  operate(operation::TeardownFramework{FrameworkId("f1")});
  operate(operation::KillTask{FrameworkId("f1"), TaskId("t1"), Duration::seconds(3)});
  operate(operation::KillTask{FrameworkId(), TaskId("t1"), std::nullopt});
  operate(operation::SetWeight{"web", 1'500});
  operate(operation::DrainAgent{AgentId("a1"), Duration::seconds(60), true});
  operate(operation::DeactivateAgent{AgentId("a1")});
  operate(operation::ReactivateAgent{AgentId("a1")});
  operate(operation::MarkAgentGone{AgentId("a1")});
  ResourceOperation reserve;
  reserve.resources = Resources::parse("cpus(web):1").value();
  operate(operation::ChangeResources{AgentId("a1"), reserve});
  operate(operation::ExplainFramework{FrameworkId("f1")});
  operate(operation::UpdateQuota{operation::UpdateQuota::How::set_new,
                                 {{"eng", {{{"cpus", 1}}, {{"cpus", 2}, {"mem", 3}}}}, {"ops", {}}},
                                 true});
  operate(operation::UpdateWeights{{{"eng", 2'500}}});
  operate(operation::DrainAgent{AgentId("a"), {}, true, true, Duration::seconds(60)});
  operate(operation::UpdateSchedule{
      {{{{"a.example", "10.0.0.1"}, {"", "10.0.0.2"}}, {WallTime{5}, Duration::seconds(9)}},
       {{{"b.example", ""}}, {WallTime{6}, std::nullopt}}}});
  operate(operation::StartMaintenance{{{"a.example", "10.0.0.1"}}});
  operate(operation::StopMaintenance{{{"", "10.0.0.2"}}});
  out.push_back(Tick{});
  out.push_back(Lead{a_registry()});
  return out;
}

std::string encoded(const Event& event) {
  std::string out;
  REQUIRE(encode_event(event, out).ok());
  return out;
}

}  // namespace

TEST_CASE("each event is written and read back as it was, on every level") {
  std::set<std::size_t> kinds;
  std::set<std::size_t> messages;
  std::set<std::size_t> calls;
  std::set<std::size_t> operations;
  std::int64_t at = 1'000;
  for (const Body& body : bodies()) {
    const Event event{{Instant{++at}, WallTime{-at}}, body};
    const std::string bytes = encoded(event);
    const auto again = decode_event(bytes);
    INFO("kind " << body.index());
    REQUIRE(again.ok());
    CHECK(again->stamp == event.stamp);
    CHECK(again->body.index() == body.index());
    CHECK(encoded(*again) == bytes);
    kinds.insert(again->body.index());
    if (const auto* in = std::get_if<FromAgent>(&again->body)) {
      messages.insert(in->message.body.index());
      CHECK(in->principal.name == "an agent");
    }
    if (const auto* in = std::get_if<FromFramework>(&again->body)) {
      const auto& original = std::get<FromFramework>(body);
      CHECK(in->message.header == original.message.header);
      CHECK(in->request == original.request);
      if (const auto* call = std::get_if<SchedulerCall>(&in->message.body)) {
        calls.insert(call->body.index());
        CHECK(call->body.index() == std::get<SchedulerCall>(original.message.body).body.index());
      }
    }
    if (const auto* in = std::get_if<FromOperator>(&again->body)) {
      operations.insert(in->body.index());
    }
    if (const auto* in = std::get_if<Lead>(&again->body)) CHECK(in->registry == a_registry());
  }
  CHECK(kinds.size() == std::variant_size_v<Body>);
  CHECK(messages.size() == std::variant_size_v<decltype(AgentToMaster::body)>);
  // No call is known by name only any more.
  CHECK(calls.size() == std::variant_size_v<decltype(SchedulerCall::body)> - 1);
  CHECK(operations.size() == std::variant_size_v<decltype(FromOperator::body)>);
}

TEST_CASE("an event cut off at any byte, or with more behind it, is refused") {
  for (const Body& body : bodies()) {
    const std::string bytes = encoded({{Instant{5}, WallTime{6}}, body});
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      CHECK_FALSE(decode_event(std::string_view(bytes).substr(0, size)).ok());
    }
    CHECK_FALSE(decode_event(bytes + '\0').ok());
  }
}

TEST_CASE("an event of a later build is refused by its number") {
  const auto event = decode_event(std::string("\2\2\x63", 3));
  REQUIRE_FALSE(event.ok());
  CHECK(event.error().message.find("an event of kind 99: this build does not know it") !=
        std::string::npos);
}

TEST_CASE("an event with a message over the limit of a frame is refused") {
  std::string out;
  to_master::ExecutorMessage message{FrameworkId("f1"), ExecutorId("e1"),
                                     std::string(limits::kMaxFrameBytes, 'x')};
  const Status written =
      encode_event({{}, FromAgent{PeerId(1), {}, {LinkHeader{}, std::move(message)}}}, out);
  REQUIRE_FALSE(written.ok());
  CHECK(written.error().code == ErrorCode::too_large);
}
