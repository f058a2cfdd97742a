// Operations on agents' resources: what is promised before the agent has stored it (nothing), whose
// word counts (the agent's), and what becomes of them when somebody is lost.
#include <catch2/catch.hpp>

#include "tests/unit/master/core/harness.hpp"

using namespace bourse;
using namespace bourse::master;
using namespace bourse::master::test;
using Type = ResourceOperation::Type;

namespace {

constexpr const char* kAgent = "cpus:4;mem:1024;disk:100";

Resources reserved(const std::string& text, const std::string& role = "web") {
  Resources out;
  const Resources plain = res(text);
  for (const Resource& resource : plain.list()) {
    ResourceMeta meta;
    meta.reservations.push_back({Reservation::Type::dynamically, role, "", {}});
    out.add(resource.with(std::move(meta)));
  }
  return out;
}

Resources volume(const std::string& id, std::int64_t units, bool shared = false) {
  ResourceMeta meta;
  meta.reservations.push_back({Reservation::Type::dynamically, "web", "", {}});
  meta.disk.emplace().persistence_id = id;
  meta.disk->volume_path = "data";
  meta.shared = shared;
  return Resources({Resource::scalar("disk", units * 1000).with(std::move(meta))});
}

OfferOperation op(Type type, Resources resources, const std::string& id = "") {
  ResourceOperation out;
  out.type = type;
  out.resources = std::move(resources);
  return {OperationId(id), std::move(out)};
}

struct World : Harness {
  static MasterConfig patient() {
    MasterConfig config = default_config();
    config.framework_silence = Duration::seconds(3'600);
    return config;
  }
  World() : Harness(patient()) {
    lead();
    agent = &add_agent("a", kAgent);
    framework = &add_framework("f", {"web"});
    framework->facet.capabilities.set(Capabilities::shared_resources);
    subscribe(*framework);
  }

  // On all offers that it has.
  void operate(FakeFramework& f, std::vector<OfferOperation> operations) {
    call::Accept body;
    for (const OfferFacet& offer : offers(f)) body.offer_ids.push_back(offer.id);
    f.offers.clear();
    body.operations = std::move(operations);
    call(f, std::move(body));
  }
  void operate(std::vector<OfferOperation> operations) {
    operate(*framework, std::move(operations));
  }
  std::vector<OperationOrder> ordered() const {
    std::vector<OperationOrder> out;
    for (const auto& message : agent->heard_of<to_agent::ApplyOperations>()) {
      out.insert(out.end(), message.orders.begin(), message.orders.end());
    }
    return out;
  }
  Uuid status_uuid(const OperationOrder& order) const { return make_uuid(5, order.uuid.bytes[3]); }
  // The agent has stored all that it was ordered since it was last asked; or could not.
  void settle(bool finished = true) {
    to_master::OperationOutcomes message;
    const std::vector<OperationOrder> orders = ordered();
    for (; settled < orders.size(); ++settled) {
      const OperationOrder& order = orders[settled];
      std::optional<Uuid> uuid;
      if (!order.id.empty()) uuid = status_uuid(order);
      message.outcomes.push_back({order.uuid, finished, uuid, finished ? "" : "disk full"});
    }
    say(*agent, std::move(message));
  }
  std::string heard() const {
    std::string out;
    for (const auto& event : framework->heard_of<event::UpdateOperation>()) {
      out += (out.empty() ? "" : ", ") + event.status.id.raw() + " " +
             std::string(name_of(event.status.state).substr(10));
    }
    return out;
  }
  OperationStatus last() const {
    return framework->heard_of<event::UpdateOperation>().back().status;
  }
  Resources offered(FakeFramework& f) {
    Resources out;
    for (const OfferFacet& offer : offers(f)) out.add(offer.resources);
    return out;
  }
  Status operator_call(Type type, Resources resources) {
    ResourceOperation operation;
    operation.type = type;
    operation.resources = std::move(resources);
    step(FromOperator{RequestId(900 + ++requests),
                      {},
                      operation::ChangeResources{agent->id, std::move(operation)}});
    return answer();
  }
  Status answer() const {
    const auto it = answers.find(RequestId(900 + requests));
    return it == answers.end() ? Status(Error{ErrorCode::timeout, "none"}) : it->second.status;
  }

  FakeAgent* agent = nullptr;
  FakeFramework* framework = nullptr;
  std::size_t settled = 0;
  std::uint64_t requests = 0;
};

}  // namespace

TEST_CASE("what an operation makes is offered to nobody before its agent has stored it") {
  World w;
  w.operate({op(Type::reserve, reserved("cpus:1;disk:32"), "op1")});
  REQUIRE(w.ordered().size() == 1);
  REQUIRE(w.heard().empty());
  REQUIRE(w.offered(*w.framework).empty());
  REQUIRE(w.row(*w.agent).confirmed == res(kAgent));
  w.settle();
  REQUIRE(w.heard() == "op1 FINISHED");
  REQUIRE(w.last().uuid);
  REQUIRE(w.row(*w.agent).confirmed.contains(reserved("cpus:1;disk:32")));
  // Offered at once, whatever the filter says of what was left, and only to who may have it.
  REQUIRE(w.offered(*w.framework).contains(reserved("cpus:1;disk:32")));
  FakeFramework& other = w.add_framework("other", {"ops"});
  w.subscribe(other);
  w.decline(*w.framework, w.framework->offers, Duration::seconds(60));
  REQUIRE(w.offered(other) == res("cpus:3;mem:1024;disk:68"));
}

TEST_CASE("a launch uses what an earlier operation of its accept makes, and is sent behind it") {
  World w;
  TaskFacet task = w.task("t", *w.agent, "mem:64");
  task.resources.add(reserved("cpus:1"));
  task.resources.add(volume("v", 8));
  w.operate({op(Type::reserve, reserved("cpus:1;disk:32")),
             op(Type::create, volume("v", 8)),
             {{}, LaunchOperation{{task}}}});
  REQUIRE(w.ledger(*w.agent).used() == task.resources);
  REQUIRE(w.ordered().size() == 2);
  std::string order;
  for (const MasterToAgent& message : w.agent->heard) {
    if (std::holds_alternative<to_agent::ApplyOperations>(message.body)) order += "A";
    if (std::holds_alternative<to_agent::Launch>(message.body)) order += "L";
  }
  REQUIRE(order == "AL");
  w.settle();
  w.status(*w.agent, *w.framework, "t", TaskState::running);
  REQUIRE(w.framework->told() == "t RUNNING");
  REQUIRE(w.offered(*w.framework).contains(reserved("disk:24")));
}

TEST_CASE("an operation that its agent could not store is undone, with what counted on it") {
  World w;
  TaskFacet task = w.task("t", *w.agent, "mem:64");
  task.resources.add(volume("v", 8));
  w.operate({op(Type::reserve, reserved("disk:32"), "r"),
             op(Type::create, volume("v", 8), "c"),
             {{}, LaunchOperation{{task}}}});
  w.settle(false);
  REQUIRE(w.heard() == "r FAILED, c FAILED");
  REQUIRE(w.last().message == "disk full");
  // The task holds what is not there: nothing is offered until the agent says that it ended.
  REQUIRE_FALSE(w.ledger(*w.agent).offerable());
  w.status(*w.agent, *w.framework, "t", TaskState::dropped);
  REQUIRE(w.ledger(*w.agent).offerable());
  REQUIRE(w.ledger(*w.agent).total() == res(kAgent));
}

TEST_CASE("a failed operation with an id is told until its framework acknowledges that") {
  World w;
  w.operate({op(Type::reserve, reserved("disk:32"), "r"), op(Type::reserve, reserved("cpus:1"))});
  w.settle(false);
  REQUIRE(w.heard() == "r FAILED");
  REQUIRE(w.last().uuid);
  const Uuid uuid = *w.last().uuid;
  // Of the one without an id nobody waits to hear.
  REQUIRE(w.row(*w.agent).operations.size() == 1);
  REQUIRE(w.agent->heard_of<to_agent::AcknowledgeOperations>().back().uuids ==
          std::vector<Uuid>{w.ordered()[1].uuid});
  // Its framework was away, or lost the message: it hears so at once when it is back.
  w.framework->facet.failover_timeout = Duration::seconds(100);
  w.break_connection(*w.framework);
  w.framework->heard.clear();
  w.subscribe(*w.framework);
  REQUIRE(w.heard() == "r FAILED");
  REQUIRE(w.last().uuid == uuid);
  REQUIRE(w.last().message == "disk full");
  // The agent says it again, being unacknowledged.
  w.settled = 0;
  w.settle(false);
  REQUIRE(w.heard() == "r FAILED, r FAILED");
  w.call(*w.framework, call::AcknowledgeOperation{w.agent->id, OperationId("r"), uuid});
  REQUIRE(w.agent->heard_of<to_agent::AcknowledgeOperations>().back().uuids ==
          std::vector<Uuid>{w.ordered().front().uuid});
  REQUIRE(w.row(*w.agent).operations.empty());
}

TEST_CASE("a new master tells of a failed operation that is not acknowledged") {
  World w;
  w.operate({op(Type::reserve, reserved("disk:32"), "r")});
  w.settle(false);
  const OperationOrder order = w.ordered().front();
  w.agent->operations = {{order, OperationState::failed, w.status_uuid(order), "disk full"}};
  w.restart_master();
  w.framework->heard.clear();
  // Before its framework is back, which is told when it is.
  w.enroll(*w.agent);
  w.subscribe(*w.framework);
  REQUIRE(w.heard() == "r FAILED");
  REQUIRE(w.last().message == "disk full");
  w.call(*w.framework, call::AcknowledgeOperation{w.agent->id, OperationId("r"), *w.last().uuid});
  REQUIRE(w.agent->heard_of<to_agent::AcknowledgeOperations>().size() == 1);
  REQUIRE(w.row(*w.agent).operations.empty());
}

TEST_CASE("operations that are wrong are refused with a sentence and the others are done") {
  World w;
  w.operate({op(Type::reserve, reserved("cpus:1", "ops"), "foreign"),
             op(Type::reserve, reserved("cpus:9"), "much"),
             op(Type::reserve, reserved("cpus:1"), "fine"),
             op(Type::destroy, volume("none", 1), "missing")});
  REQUIRE(w.heard() == "foreign ERROR, much ERROR, missing ERROR");
  std::vector<std::string> sentences;
  for (const auto& event : w.framework->heard_of<event::UpdateOperation>()) {
    sentences.push_back(event.status.message);
    REQUIRE_FALSE(event.status.uuid);
  }
  REQUIRE(sentences[0].find("a framework reserves for the role of its offer") != std::string::npos);
  REQUIRE(sentences[1].find("does not contain cpus:9") != std::string::npos);
  REQUIRE(w.ordered().size() == 1);
  w.settle();
  // The id is taken until it is acknowledged.
  w.operate({op(Type::unreserve, reserved("cpus:1"), "fine")});
  REQUIRE(w.last().message.find("operation ID 'fine' is used") != std::string::npos);
  w.advance(Duration::seconds(6));
  w.operate({op(Type::create, volume("v", 1), "c")});
  REQUIRE(w.last().message.find("does not contain disk(web):1") != std::string::npos);
}

TEST_CASE("an operation of offers that are no longer valid is dropped, or known if it was done") {
  World w;
  const std::vector<OfferFacet> offers = w.offers(*w.framework);
  call::Accept accept;
  accept.offer_ids = {offers.front().id};
  accept.operations = {op(Type::reserve, reserved("cpus:1"), "op1")};
  w.call(*w.framework, accept);
  w.settle();
  w.call(*w.framework, accept);  // its connection broke before it heard; it says it again
  REQUIRE(w.heard() == "op1 FINISHED, op1 FINISHED");
  accept.operations = {op(Type::reserve, reserved("cpus:1"), "op2")};
  w.call(*w.framework, accept);
  REQUIRE(w.heard() == "op1 FINISHED, op1 FINISHED, op2 DROPPED");
  REQUIRE(w.ordered().size() == 1);
}

TEST_CASE("an acknowledgement reaches the agent, and only with the uuid of the status") {
  World w;
  w.operate({op(Type::reserve, reserved("cpus:1"), "op1")});
  w.settle();
  const Uuid uuid = *w.last().uuid;
  w.call(*w.framework, call::AcknowledgeOperation{w.agent->id, OperationId("op1"), Uuid{}});
  REQUIRE(w.agent->heard_of<to_agent::AcknowledgeOperations>().empty());
  w.call(*w.framework, call::AcknowledgeOperation{w.agent->id, OperationId("op1"), uuid});
  REQUIRE(w.agent->heard_of<to_agent::AcknowledgeOperations>().back().uuids ==
          std::vector<Uuid>{w.ordered().front().uuid});
  REQUIRE(w.row(*w.agent).operations.empty());
  w.call(*w.framework, call::ReconcileOperations{{{OperationId("op1"), w.agent->id}}});
  REQUIRE(w.last().state == OperationState::finished);  // it is remembered for who asks
  // Nobody waits for one without an id: the master acknowledges it itself.
  w.operate({op(Type::unreserve, reserved("cpus:1"))});
  w.settle();
  REQUIRE(w.agent->heard_of<to_agent::AcknowledgeOperations>().size() == 2);
}

TEST_CASE("an operation that was lost on its way is sent again, before what needs it") {
  World w;
  TaskFacet task = w.task("t", *w.agent, "mem:64");
  task.resources.add(reserved("cpus:1"));
  w.operate({op(Type::reserve, reserved("cpus:1"), "op1"), {{}, LaunchOperation{{task}}}});
  w.agent->heard.clear();
  w.break_connection(*w.agent);
  w.enroll(*w.agent);  // it lists neither
  std::string order;
  for (const MasterToAgent& message : w.agent->heard) {
    if (std::holds_alternative<to_agent::ApplyOperations>(message.body)) order += "A";
    if (std::holds_alternative<to_agent::Launch>(message.body)) order += "L";
  }
  REQUIRE(order == "AL");
  REQUIRE(w.ledger(*w.agent).used() == task.resources);
  w.settle();
  REQUIRE(w.heard() == "op1 FINISHED");
}

TEST_CASE("a new master takes over what the agent has made and what is not acknowledged") {
  World w;
  w.operate({op(Type::reserve, reserved("cpus:1"), "op1")});
  w.settle();
  const OperationOrder order = w.ordered().front();
  w.agent->converted_total = w.row(*w.agent).confirmed;
  w.agent->operations = {{order, OperationState::finished, w.status_uuid(order), ""}};
  const std::size_t persists = w.persists;
  w.restart_master();
  w.framework->heard.clear();
  w.subscribe(*w.framework);
  w.call(*w.framework, call::ReconcileOperations{{{OperationId("op1"), w.agent->id}}});
  REQUIRE(w.last().state == OperationState::recovering);
  w.enroll(*w.agent);
  REQUIRE(w.persists == persists + 1);  // its epoch: registering writes nothing
  REQUIRE(w.heard() == "op1 RECOVERING, op1 FINISHED");
  REQUIRE(w.last().uuid == w.status_uuid(order));
  REQUIRE(w.offered(*w.framework).contains(reserved("cpus:1")));
  w.call(*w.framework, call::ReconcileOperations{});
  REQUIRE(w.last().state == OperationState::finished);
  w.call(*w.framework, call::ReconcileOperations{{{OperationId("never"), w.agent->id}}});
  REQUIRE(w.last().state == OperationState::unknown);
}

TEST_CASE("an agent whose total is not as much as what it is made of is refused") {
  World w;
  w.break_connection(*w.agent);
  w.agent->converted_total = res("cpus:5;mem:1024;disk:100");
  w.agent->heard.clear();
  w.enroll(*w.agent);
  REQUIRE(w.agent->heard_of<to_agent::Refused>().size() == 1);
  REQUIRE(w.agent->heard_of<to_agent::Refused>().front().reason.find("total: cpus:5") == 0);
}

TEST_CASE("an operator's operation rescinds what it needs and is answered once it is stored") {
  World w;
  REQUIRE_FALSE(w.offers(*w.framework).empty());
  REQUIRE(w.operator_call(Type::reserve, reserved("cpus:9", "ops")).error().message ==
          "resources: what is free on agent '" + w.agent->id.raw() +
              "', cpus:4; disk:100; mem:1024 does not contain cpus:9: ask for less, or end what "
              "uses it");
  REQUIRE_FALSE(w.framework->offers.empty());
  REQUIRE(w.operator_call(Type::reserve, reserved("cpus:1", "ops")).error().code ==
          ErrorCode::timeout);  // not answered yet
  REQUIRE(w.framework->offers.empty());
  w.settle();
  REQUIRE(w.answer().ok());
  REQUIRE(w.offered(*w.framework) == res("cpus:3;mem:1024;disk:100"));
  (void)w.operator_call(Type::unreserve, reserved("cpus:1", "ops"));
  w.settle(false);
  REQUIRE(w.answer().error().message == "the agent did not do it: disk full");
  (void)w.operator_call(Type::unreserve, reserved("cpus:1", "ops"));
  w.break_connection(*w.agent);
  REQUIRE(w.answer().error().code == ErrorCode::unavailable);
}

TEST_CASE("a volume in use is not destroyed, and a shared one is used by several at once") {
  World w;
  w.operate({op(Type::reserve, reserved("disk:32")), op(Type::create, volume("v", 8, true))});
  w.settle();
  std::vector<TaskFacet> tasks;
  for (const char* id : {"t1", "t2"}) {
    tasks.push_back(w.task(id, *w.agent, "cpus:1"));
    tasks.back().resources.add(volume("v", 8, true));
  }
  w.operate({{{}, LaunchOperation{tasks}}});
  w.status(*w.agent, *w.framework, "t1", TaskState::running);
  w.status(*w.agent, *w.framework, "t2", TaskState::running);
  REQUIRE(w.framework->told() == "t1 RUNNING, t2 RUNNING");
  REQUIRE(w.operator_call(Type::destroy, volume("v", 8, true)).error().code == ErrorCode::conflict);
  w.advance(Duration::seconds(6));
  w.operate({op(Type::destroy, volume("v", 8, true), "d")});
  REQUIRE(w.last().state == OperationState::error);
  REQUIRE(w.last().message.find("volume 'v' is used by a task") != std::string::npos);
}

TEST_CASE("a framework's end leaves what it reserved and settles its operations") {
  World w;
  w.operate({op(Type::reserve, reserved("cpus:1"), "op1")});
  w.settle();
  w.call(*w.framework, call::Teardown{});
  REQUIRE(w.agent->heard_of<to_agent::AcknowledgeOperations>().size() == 1);
  REQUIRE(w.row(*w.agent).operations.empty());
  REQUIRE(w.ledger(*w.agent).total().contains(reserved("cpus:1")));
}

TEST_CASE("operations of a lost agent are told as unreachable, and of one gone as gone") {
  World w;
  w.operate({op(Type::reserve, reserved("cpus:1"), "op1")});
  w.break_connection(*w.agent);
  w.advance(Duration::seconds(120));
  REQUIRE(w.heard() == "op1 UNREACHABLE");
  w.step(FromOperator{RequestId(950), {}, operation::MarkAgentGone{w.agent->id}});
  REQUIRE(w.heard() == "op1 UNREACHABLE, op1 GONE_BY_OPERATOR");
  REQUIRE(w.core.state().operation_of.empty());
}
