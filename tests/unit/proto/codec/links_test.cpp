// Our own links: each kind of message there and back, batched, and what is refused.

#include "proto/codec/links.hpp"

#include <catch2/catch.hpp>

#include "proto/codec/canonical.hpp"
#include "proto/codec/frames.hpp"
#include "proto/codec/link_frame.hpp"
#include "proto/codec/scheduler_form.hpp"
#include "proto/internal/link.pb.h"
#include "tests/unit/proto/codec/sample.hpp"

using namespace bourse;
using namespace bourse::codec;

namespace {

// The one frame of a batch.
std::string_view only_frame(const std::string& batch) {
  const auto frames = decode_frames(batch);
  REQUIRE(frames.ok());
  REQUIRE(frames->size() == 1);
  return frames->front();
}

const EventShape kModern{{~0u}, nullptr};

}  // namespace

TEST_CASE("every message from an agent to a master comes out as it went in") {
  for (const AgentToMaster& message : sample::agent_messages()) {
    CAPTURE(message.body.index());
    std::string batch, again;
    const std::size_t added = append_agent_to_master(message, batch);
    REQUIRE(added == batch.size());
    const auto decoded = decode_agent_to_master(only_frame(batch));
    if (!decoded) FAIL(decoded.error().message);
    CHECK(decoded->header == message.header);
    CHECK(decoded->body.index() == message.body.index());
    append_agent_to_master(*decoded, again);
    CHECK(again == batch);
  }
  CHECK(sample::agent_messages().size() == std::variant_size_v<decltype(AgentToMaster::body)>);
}

TEST_CASE("every message from a master to an agent comes out as it went in") {
  std::size_t kinds = 0;
  for (const MasterToAgent& message : sample::master_messages()) {
    CAPTURE(message.body.index());
    std::string batch, again;
    const std::size_t added = append_master_to_agent(message, batch);
    REQUIRE(added == batch.size());
    const auto decoded = decode_master_to_agent(only_frame(batch));
    if (!decoded) FAIL(decoded.error().message);
    CHECK(decoded->header == message.header);
    CHECK(decoded->body.index() == message.body.index());
    append_master_to_agent(*decoded, again);
    CHECK(again == batch);
    kinds = std::max(kinds, message.body.index() + 1);
  }
  CHECK(kinds == std::variant_size_v<decltype(MasterToAgent::body)>);
}

TEST_CASE("a list without entries is a message on a link, not one of no kind") {
  std::string batch;
  REQUIRE(append_agent_to_master({{7, 0, 2}, to_master::OperationOutcomes{}}, batch) > 0);
  const auto outcomes = decode_agent_to_master(only_frame(batch));
  if (!outcomes) FAIL(outcomes.error().message);
  CHECK(std::get<to_master::OperationOutcomes>(outcomes->body).outcomes.empty());

  batch.clear();
  REQUIRE(append_master_to_agent({{7, 0, 2}, to_agent::ApplyOperations{}}, batch) > 0);
  const auto orders = decode_master_to_agent(only_frame(batch));
  if (!orders) FAIL(orders.error().message);
  CHECK(std::get<to_agent::ApplyOperations>(orders->body).orders.empty());

  batch.clear();
  REQUIRE(append_master_to_agent({{7, 0, 2}, to_agent::AcknowledgeOperations{}}, batch) > 0);
  const auto settled = decode_master_to_agent(only_frame(batch));
  if (!settled) FAIL(settled.error().message);
  CHECK(std::get<to_agent::AcknowledgeOperations>(settled->body).uuids.empty());

  batch.clear();
  REQUIRE(append_master_to_framework({{7, 0, 2}, event::InverseOffers{}}, kModern, batch) > 0);
  const auto inverse = decode_master_to_framework(only_frame(batch));
  if (!inverse) FAIL(inverse.error().message);
  CHECK(std::get<event::InverseOffers>(inverse->body).offers.empty());
}

TEST_CASE("a time that a master orders is neither negative nor makes an agent spin") {
  const auto decoded = [](decltype(MasterToAgent::body) body) {
    std::string batch;
    append_master_to_agent({{7, 0, 2}, std::move(body)}, batch);
    return decode_master_to_agent(only_frame(batch));
  };
  const auto wrong = [&](decltype(MasterToAgent::body) body) {
    const auto message = decoded(std::move(body));
    return message.ok() ? "" : message.error().message;
  };
  const Duration second = Duration::seconds(1);
  const Duration never = Duration::max();
  CHECK(wrong(to_agent::Registered{AgentId("A1"), "c", {}, second}) ==
        "'registered.heartbeat_interval_ns' is 0: at least 1000000");
  CHECK(wrong(to_agent::Registered{AgentId("A1"), "c", second, {}}) ==
        "'registered.silence_timeout_ns' is 0: at least 1000000");
  CHECK(wrong(to_agent::Registered{AgentId("A1"), "c", Duration{-5}, second}) ==
        "'registered.heartbeat_interval_ns' is -5: a duration must not be negative");
  CHECK(wrong(to_agent::Refused{"no", Duration{-1}, false}) ==
        "'refused.retry_after_ns' is -1: a duration must not be negative");
  CHECK(wrong(to_agent::Kill{FrameworkId("f"), TaskId("t"), Duration{-1}}) ==
        "'kill.grace_ns' is -1: a duration must not be negative");
  const auto kill = decoded(to_agent::Kill{FrameworkId("f"), TaskId("t"), never});
  REQUIRE(kill.ok());
  CHECK(std::get<to_agent::Kill>(kill->body).grace == limits::kMaxKillGrace);
}

TEST_CASE("a kill travels with what led to it, and builds that do not say or know it are read") {
  const auto sent = [](const internal::MasterToAgent& message) {
    std::string batch;
    append_message(message, batch);
    const auto decoded = decode_master_to_agent(only_frame(batch));
    if (!decoded) FAIL(decoded.error().message);
    return std::get<to_agent::Kill>(decoded->body).cause;
  };
  internal::MasterToAgent message;
  message.mutable_kill()->set_framework_id("F");
  message.mutable_kill()->set_task_id("t");
  CHECK(sent(message) == KillCause::unsaid);
  for (const KillCause cause : {KillCause::asked, KillCause::drain, KillCause::drain_to_gone}) {
    message.mutable_kill()->set_cause(static_cast<std::uint32_t>(cause));
    CHECK(sent(message) == cause);
    std::string ours, theirs;
    append_master_to_agent({{}, to_agent::Kill{FrameworkId("F"), TaskId("t"), {}, cause}}, ours);
    append_message(message, theirs);
    CHECK(ours == theirs);
  }
  message.mutable_kill()->set_cause(77);
  CHECK(sent(message) == KillCause::unsaid);
}

TEST_CASE("whether an agent settled how an end is told travels with it; older ones settle none") {
  const auto settled = [](bool says) {
    std::string batch;
    append_agent_to_master(
        {{7, 3, 2},
         to_master::StatusUpdate{FrameworkId("F"), sample::status(), TaskState::killed, says}},
        batch);
    const auto decoded = decode_agent_to_master(only_frame(batch));
    REQUIRE(decoded.ok());
    return std::get<to_master::StatusUpdate>(decoded->body).end_settled;
  };
  CHECK(settled(true));
  CHECK_FALSE(settled(false));  // the field is not there
  std::string batch;
  append_agent_to_master(sample::agent_messages().front(), batch);
  const auto decoded = decode_agent_to_master(only_frame(batch));
  REQUIRE(decoded.ok());
  const auto& tasks = std::get<to_master::Register>(decoded->body).tasks;
  CHECK_FALSE(tasks[0].end_settled);
  CHECK(tasks[1].end_settled);
}

TEST_CASE("a registration carries its facets whole, descriptions with equal digests") {
  const AgentToMaster message = sample::agent_messages().front();
  const auto& sent = std::get<to_master::Register>(message.body);
  std::string batch;
  append_agent_to_master(message, batch);
  const auto decoded = decode_agent_to_master(only_frame(batch));
  REQUIRE(decoded.ok());
  const auto& got = std::get<to_master::Register>(decoded->body);
  CHECK(*got.agent == *sent.agent);
  CHECK(*got.frameworks[0].framework == *sent.frameworks[0].framework);
  CHECK(*got.executors[0].executor == *sent.executors[0].executor);
  CHECK(got.executors[0].container_id == sent.executors[0].container_id);
  CHECK(*got.tasks[0].task == *sent.tasks[0].task);
  CHECK(got.tasks[0].launch_id == sent.tasks[0].launch_id);
  CHECK(got.tasks[0].state == TaskState::running);
  CHECK(got.tasks[0].latest == sent.tasks[0].latest);
  CHECK(got.tasks[0].command_task);
  CHECK(got.tasks[0].terminal_unacknowledged);
  CHECK_FALSE(got.tasks[1].latest.has_value());
}

TEST_CASE("every scheduler call goes over the SDK's link") {
  for (const SchedulerCall& call : sample::scheduler_calls()) {
    CAPTURE(call.body.index());
    std::string batch, again;
    const FrameworkToMaster message{{7, 1, 2}, call};
    REQUIRE(append_framework_to_master(message, batch) > 0);
    const auto decoded = decode_framework_to_master(only_frame(batch));
    if (std::holds_alternative<call::Accept>(call.body)) {
      // Its RESERVE has lost its members: known by name only.
      REQUIRE(decoded.ok());
    }
    if (!decoded) FAIL(decoded.error().message);
    CHECK(decoded->header == message.header);
    const auto& got = std::get<SchedulerCall>(decoded->body);
    CHECK(got.framework_id == call.framework_id);
    CHECK(got.body.index() == call.body.index());
    append_framework_to_master(*decoded, again);
    CHECK(again == batch);
  }
}

TEST_CASE("a published document and a heartbeat go over the SDK's link") {
  std::string batch;
  append_framework_to_master(
      {{7, 1, 2}, SchedulerCall{FrameworkId("F1"), call::Publish{"stats.json", "{}"}}}, batch);
  auto decoded = decode_framework_to_master(only_frame(batch));
  REQUIRE(decoded.ok());
  const auto& got = std::get<SchedulerCall>(decoded->body);
  CHECK(std::get<call::Publish>(got.body).name == "stats.json");
  CHECK(std::get<call::Publish>(got.body).content == "{}");

  batch.clear();
  append_framework_to_master({{7, 4, 0}, {}}, batch);
  decoded = decode_framework_to_master(only_frame(batch));
  REQUIRE(decoded.ok());
  CHECK(decoded->body.index() == 0);
  CHECK(decoded->header.sequence == 4);

  batch.clear();
  const std::string huge(limits::kMaxPublishedBytes + 1, 'x');
  append_framework_to_master({{}, SchedulerCall{FrameworkId("F1"), call::Publish{"a", huge}}},
                             batch);
  decoded = decode_framework_to_master(only_frame(batch));
  REQUIRE_FALSE(decoded.ok());
  CHECK(decoded.error().code == ErrorCode::too_large);
}

TEST_CASE("every scheduler event goes over the SDK's link") {
  for (const SchedulerEvent& event : sample::scheduler_events()) {
    CAPTURE(event.index());
    std::string batch, again;
    REQUIRE(append_master_to_framework({{7, 1, 2}, event}, kModern, batch) > 0);
    const auto decoded = decode_master_to_framework(only_frame(batch));
    if (!decoded) FAIL(decoded.error().message);
    CHECK(decoded->body.index() == event.index());
    append_master_to_framework(*decoded, kModern, again);
    CHECK(again == batch);
  }
}

TEST_CASE("executor calls carry their token, executor events their tasks") {
  for (const ExecutorCall& call : sample::executor_calls()) {
    std::string batch, again;
    REQUIRE(append_executor_call(call, batch) > 0);
    const auto decoded = decode_executor_call_frame(only_frame(batch));
    if (!decoded) FAIL(decoded.error().message);
    CHECK(decoded->token == "token");
    CHECK(decoded->body.index() == call.body.index());
    append_executor_call(*decoded, again);
    CHECK(again == batch);
  }
  for (const ExecutorEvent& event : sample::executor_events()) {
    CAPTURE(event.index());
    std::string batch, again;
    REQUIRE(append_executor_event(event, batch) > 0);
    const auto decoded = decode_executor_event_frame(only_frame(batch));
    if (!decoded) FAIL(decoded.error().message);
    CHECK(decoded->index() == event.index());
    append_executor_event(*decoded, again);
    CHECK(again == batch);
  }
}

TEST_CASE("many messages share one transport message and come out in order") {
  std::string batch;
  for (int i = 0; i < 1000; ++i) {
    append_agent_to_master(
        {{1, static_cast<std::uint64_t>(i + 1), 1},
         to_master::StatusUpdate{FrameworkId("F"), sample::status(), TaskState::running}},
        batch);
  }
  const auto frames = decode_frames(batch);
  REQUIRE(frames.ok());
  REQUIRE(frames->size() == 1000);
  for (std::size_t i = 0; i < 1000; ++i) {
    const auto decoded = decode_agent_to_master((*frames)[i]);
    REQUIRE(decoded.ok());
    CHECK(decoded->header.sequence == i + 1);
  }
}

TEST_CASE("a message too large to send adds nothing to the batch") {
  std::string batch = "before";
  AgentToMaster message{{}, to_master::ExecutorMessage{FrameworkId("F"), ExecutorId("E"), ""}};
  std::get<to_master::ExecutorMessage>(message.body).data.resize(limits::kMaxFrameBytes);
  CHECK(append_agent_to_master(message, batch) == 0);
  CHECK(batch == "before");
  // And the next one is not harmed.
  CHECK(append_agent_to_master({{}, to_master::Leaving{}}, batch) > 0);
}

TEST_CASE("a message of an unknown kind is refused, not guessed") {
  // Field 99, a varint.
  const std::string unknown("\x98\x06\x01", 3);
  CHECK_FALSE(decode_agent_to_master(unknown).ok());
  CHECK_FALSE(decode_master_to_agent(unknown).ok());
  CHECK_FALSE(decode_agent_to_master("").ok());
  CHECK_FALSE(decode_master_to_framework("").ok());
  CHECK_FALSE(decode_executor_call_frame("").ok());
}

TEST_CASE("a command task's executor, made without a description, survives its link") {
  ExecutorFacet made;
  made.id = ExecutorId("t1");
  made.framework_id = FrameworkId("F1");
  made.name = "command";
  made.user = "nobody";
  made.resources = sample::resources();
  made.shutdown_grace = Duration::seconds(9);
  AgentToMaster message = sample::agent_messages().front();
  auto& hello = std::get<to_master::Register>(message.body);
  hello.executors[0].executor = std::make_shared<const ExecutorFacet>(made);
  std::string batch;
  append_agent_to_master(message, batch);
  const auto decoded = decode_agent_to_master(only_frame(batch));
  REQUIRE(decoded.ok());
  ExecutorFacet got = *std::get<to_master::Register>(decoded->body).executors[0].executor;
  CHECK_FALSE(got.description.empty());
  got.description = Blob();
  CHECK(got == made);
}

namespace {

// Offers as protobuf itself writes them, in a frame of the link.
std::string offers_by_protobuf(const MasterToFramework& message, const EventShape& shape) {
  internal::MasterToFramework out;
  out.set_session(message.header.session);
  out.set_sequence(message.header.sequence);
  out.set_epoch(message.header.epoch);
  write_event(message.body, shape, *out.mutable_event());
  std::string batch;
  append_frame(canonical_bytes(out), batch);
  return batch;
}

}  // namespace

TEST_CASE("offers on the link are byte for byte what protobuf writes, in every form") {
  const OfferFacet rich{OfferId("O1"),
                        std::string("eng/web"),
                        std::make_shared<const AgentFacet>(sample::agent()),
                        sample::resources(),
                        {ExecutorId("E1"), ExecutorId("E2")}};
  auto bare_agent = std::make_shared<AgentFacet>();
  bare_agent->id = AgentId("A2");
  bare_agent->hostname = std::string(200, 'h');
  OfferFacet plain{OfferId("O2"),
                   std::string("*"),
                   bare_agent,
                   Resources::parse("cpus:0.5;mem:64;ports:[1-5,9-9];cpus(eng):2").value(),
                   {}};
  const OfferFacet nowhere{OfferId("O3"), std::string("*"), nullptr, {}, {}};
  Resource revocable = Resource::scalar("cpus", 1'500);
  ResourceMeta meta;
  meta.revocable = true;
  plain.resources.add(revocable.with(meta));
  std::vector<OfferFacet> many(200, plain);
  for (const auto& offers : {std::vector<OfferFacet>{}, {rich, plain, nowhere}, many}) {
    for (const std::uint32_t bits :
         {0u, 1u << Capabilities::multi_role, 1u << Capabilities::reservation_refinement, ~0u}) {
      CAPTURE(offers.size(), bits);
      const EventShape shape{{bits}, nullptr};
      const MasterToFramework message{{3, 300, 70'000}, event::Offers{FrameworkId("F1"), offers}};
      std::string batch;
      append_master_to_framework(message, shape, batch);
      CHECK((batch == offers_by_protobuf(message, shape)));
    }
  }
}

TEST_CASE("an event with more offers than a frame holds is refused whole") {
  auto agent = std::make_shared<AgentFacet>();
  agent->hostname = std::string(100'000, 'h');
  const OfferFacet offer{OfferId("O"), std::string("*"), agent, {}, {}};
  std::string batch = "before";
  const MasterToFramework message{
      {1, 1, 1}, event::Offers{FrameworkId("F"), std::vector<OfferFacet>(100, offer)}};
  CHECK(append_master_to_framework(message, kModern, batch) == 0);
  CHECK(batch == "before");
}

TEST_CASE("what an agent lends is plain, revocable and scalar, or refused with its name") {
  ResourceMeta meta;
  meta.revocable = true;
  ResourceMeta reserved = meta;
  reserved.reservations = {{Reservation::Type::dynamically, "web", "", {}}};
  for (const Resource& wrong :
       {Resource::scalar("cpus", 1'000), Resource::scalar("cpus", 1'000).with(reserved),
        Resource::of_ranges("cpus", IntervalSet(1, 2)).with(meta)}) {
    std::string batch;
    REQUIRE(append_agent_to_master({{}, to_master::Oversubscribed{Resources({wrong})}}, batch) > 0);
    const auto frames = decode_frames(batch);
    REQUIRE(frames.ok());
    const auto decoded = decode_agent_to_master(frames->front());
    REQUIRE_FALSE(decoded.ok());
    CHECK(decoded.error().message.find("'oversubscribed.total': cpus must be a revocable scalar") !=
          std::string::npos);
  }
}

TEST_CASE("what an agent lists as leaking leaks, has an executor and is no endless list") {
  const to_master::ContainerLeaked leak{FrameworkId("F"), ExecutorId("E"), {}, false};
  const auto refused = [](std::vector<to_master::ContainerLeaked> leaks) {
    to_master::Register hello;
    hello.agent = std::make_shared<const AgentFacet>(sample::agent());
    hello.leaks = std::move(leaks);
    std::string batch;
    REQUIRE(append_agent_to_master({{}, hello}, batch) > 0);
    const auto frames = decode_frames(batch);
    REQUIRE(frames.ok());
    const auto decoded = decode_agent_to_master(frames->front());
    return decoded.ok() ? std::string() : decoded.error().message;
  };
  CHECK(refused({leak}) == "");
  auto wrong = leak;
  wrong.resolved = true;
  CHECK(refused({leak, wrong}) ==
        "'register.leaks[1].resolved' is true: only what leaks is listed");
  wrong = leak;
  wrong.executor_id = ExecutorId();
  CHECK(refused({wrong}).find("register.leaks[0].executor_id") != std::string::npos);
  CHECK(refused(std::vector(limits::kMaxExecutorsPerAgent + 1, leak)) ==
        "'register.leaks' has 10001 entries: at most 10000");
}
