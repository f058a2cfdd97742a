// Operations on an agent's resources: stored together, told once stored, remembered until they are
// acknowledged, and what they made is there in every later life.
#include "harness.hpp"

using namespace bourse;
using namespace bourse::agent;
using bourse::agent::test::World;
using Type = ResourceOperation::Type;

namespace {

Resources disk_of(const std::string& role, std::int64_t units) {
  ResourceMeta meta;
  meta.reservations.push_back({Reservation::Type::dynamically, role, "", {}});
  return Resources({Resource::scalar("disk", units * 1000).with(std::move(meta))});
}

Resources volume(const std::string& id, std::int64_t units) {
  ResourceMeta meta = *disk_of("web", units).list().front().meta;
  meta.disk.emplace().persistence_id = id;
  meta.disk->volume_path = "data";
  return Resources({Resource::scalar("disk", units * 1000).with(std::move(meta))});
}

OperationOrder order(std::uint64_t number, Type type, Resources resources, const char* id = "") {
  OperationOrder out;
  out.uuid = make_uuid(77, number);
  out.id = OperationId(id);
  if (*id != 0) out.framework_id = FrameworkId("F");
  out.role = "web";
  out.operation.type = type;
  out.operation.resources = std::move(resources);
  return out;
}

std::vector<to_master::OperationOutcomes::Outcome> outcomes(const World& w) {
  std::vector<to_master::OperationOutcomes::Outcome> out;
  for (const auto& message : w.to_master_all<to_master::OperationOutcomes>()) {
    out.insert(out.end(), message.outcomes.begin(), message.outcomes.end());
  }
  return out;
}

void reserve_and_create(World& w) {
  w.from_master(to_agent::ApplyOperations{{order(1, Type::reserve, disk_of("web", 32), "r"),
                                           order(2, Type::create, volume("v", 16), "c")}});
}

TaskFacetPtr task_on_volume(const char* id) {
  TaskFacet facet = *World::task(id);
  facet.resources.add(volume("v", 16));
  return std::make_shared<const TaskFacet>(std::move(facet));
}

}  // namespace

TEST_CASE("operations of one message are one write, and nothing is told before it is stored") {
  World w;
  w.boot_and_register();
  w.auto_store = false;
  w.done.clear();
  reserve_and_create(w);
  REQUIRE(w.writes.size() == 1);
  REQUIRE(outcomes(w).empty());
  REQUIRE_FALSE(w.core->state().total.contains(volume("v", 16)));
  w.store_next();
  REQUIRE(w.core->state().total.contains(volume("v", 16)));
  REQUIRE(outcomes(w).size() == 2);
  for (const auto& outcome : outcomes(w)) {
    REQUIRE(outcome.finished);
    REQUIRE(outcome.status_uuid);
  }
  REQUIRE(w.to_master_all<to_master::OperationOutcomes>().size() == 1);
}

TEST_CASE("what comes while the disk writes goes into the next write together") {
  World w;
  w.boot_and_register();
  w.auto_store = false;
  for (std::uint64_t i = 1; i <= 20; ++i) {
    w.from_master(to_agent::ApplyOperations{{order(i, Type::reserve, disk_of("web", 1))}});
  }
  REQUIRE(w.writes.size() == 1);
  w.store_next();
  REQUIRE(w.writes.size() == 1);
  REQUIRE(w.writes.front().records.size() == 19);
  w.store_next();
  REQUIRE(w.core->state().total.contains(disk_of("web", 20)));
}

TEST_CASE("a write that the disk refuses undoes its operations and those that counted on them") {
  World w;
  w.boot_and_register();
  w.auto_store = false;
  w.done.clear();
  w.from_master(to_agent::ApplyOperations{{order(1, Type::reserve, disk_of("web", 32))}});
  w.from_master(to_agent::ApplyOperations{{order(2, Type::create, volume("v", 16))}});
  w.reject_next("disk full");
  REQUIRE(w.writes.empty());
  REQUIRE(outcomes(w).size() == 2);
  REQUIRE_FALSE(outcomes(w)[0].finished);
  REQUIRE(outcomes(w)[0].message == "the agent could not store it: disk full");
  REQUIRE(outcomes(w)[1].message.find("does not contain disk(web):16") != std::string::npos);
  REQUIRE(w.core->state().issued == w.core->state().total);
  REQUIRE(w.core->state().net.empty());
}

TEST_CASE("a launch that needs what is being stored waits for it, and what follows waits behind") {
  World w;
  w.boot_and_register();
  w.auto_store = false;
  reserve_and_create(w);
  w.done.clear();
  w.launch(task_on_volume("t"));
  w.from_master(to_agent::Kill{FrameworkId("F"), TaskId("t"), std::nullopt});
  REQUIRE(w.core->state().held.size() == 2);
  REQUIRE(w.core->state().tasks.empty());
  w.store_next();
  REQUIRE(w.core->state().held.empty());
  REQUIRE(w.core->state().tasks.at({FrameworkId("F"), TaskId("t")}).kill_requested);
  // If it cannot be stored, the task is refused and not started on what is not there.
  World refused;
  refused.boot_and_register();
  refused.auto_store = false;
  reserve_and_create(refused);
  refused.launch(task_on_volume("t"));
  refused.reject_next("disk full");
  REQUIRE(refused.core->state().tasks.empty());
  REQUIRE(refused.updates().back().state == TaskState::dropped);
  REQUIRE(refused.count<StartContainer>() == 0);
}

TEST_CASE("an operation is done once however often it comes, and told until it is acknowledged") {
  World w;
  w.boot_and_register();
  reserve_and_create(w);
  const Resources total = w.core->state().total;
  w.done.clear();
  reserve_and_create(w);
  REQUIRE(w.core->state().total == total);
  REQUIRE(outcomes(w).size() == 2);
  w.done.clear();
  w.pass(w.config.update_retry);
  REQUIRE(outcomes(w).size() == 2);
  w.from_master(to_agent::AcknowledgeOperations{{make_uuid(77, 1), make_uuid(77, 2)}});
  REQUIRE(w.core->state().operations.empty());
  w.done.clear();
  w.from_master(to_agent::Heartbeat{w.master_sequence});
  w.pass(w.config.update_retry);
  REQUIRE(outcomes(w).empty());
}

TEST_CASE("a failure is stored before it is told, and told in later lives until acknowledged") {
  World w;
  w.boot_and_register();
  w.auto_store = false;
  w.done.clear();
  // There is no such volume; of the second nobody waits to hear.
  w.from_master(to_agent::ApplyOperations{
      {order(1, Type::destroy, volume("v", 16), "d"), order(2, Type::destroy, volume("v", 16))}});
  REQUIRE(w.writes.size() == 1);
  REQUIRE(w.writes.front().records.size() == 1);
  REQUIRE(outcomes(w).size() == 1);
  REQUIRE(outcomes(w).front().uuid == make_uuid(77, 2));
  REQUIRE_FALSE(outcomes(w).front().status_uuid);
  // A launch does not wait for it: it makes nothing.
  w.launch(World::task("t"));
  REQUIRE(w.core->state().held.empty());
  w.auto_store = true;
  while (!w.writes.empty()) w.store_next();
  REQUIRE(outcomes(w).size() == 2);
  const auto told = outcomes(w).back();
  REQUIRE_FALSE(told.finished);
  REQUIRE(told.status_uuid);
  REQUIRE(told.message.find("does not contain") != std::string::npos);
  REQUIRE(w.count<RemoveVolume>() == 0);

  const bool compacted = GENERATE(false, true);
  if (compacted) w.disk = w.core->snapshot();
  const Resources total = w.core->state().total;
  w.crash();
  w.done.clear();
  w.start();
  w.connect();
  const auto known = w.to_master_all<to_master::Register>().back().operations;
  REQUIRE(known.size() == 1);
  REQUIRE(known.front().state == OperationState::failed);
  REQUIRE(known.front().status_uuid == told.status_uuid);
  REQUIRE(known.front().message == told.message);
  REQUIRE(w.core->state().total == total);
  w.from_master(to_agent::AcknowledgeOperations{{make_uuid(77, 1)}});
  REQUIRE(w.core->state().operations.empty());
  w.crash();
  w.done.clear();
  w.start();
  w.connect();
  REQUIRE(w.to_master_all<to_master::Register>().back().operations.empty());
}

TEST_CASE("a failure that the disk does not take is told all the same") {
  World w;
  w.boot_and_register();
  w.auto_store = false;
  w.done.clear();
  w.from_master(to_agent::ApplyOperations{{order(1, Type::reserve, disk_of("web", 32), "r")}});
  w.reject_next("disk full");
  REQUIRE(outcomes(w).empty());
  REQUIRE(w.writes.size() == 1);
  w.reject_next("disk full");
  REQUIRE(w.writes.empty());
  REQUIRE(outcomes(w).size() == 1);
  REQUIRE_FALSE(outcomes(w).front().finished);
  REQUIRE(outcomes(w).front().status_uuid);
  REQUIRE(outcomes(w).front().message == "the agent could not store it: disk full");
  w.from_master(to_agent::AcknowledgeOperations{{make_uuid(77, 1)}});
  REQUIRE(w.core->state().operations.empty());
}

TEST_CASE("reservations and volumes survive the agent, and it registers with them") {
  World w;
  w.boot_and_register();
  reserve_and_create(w);
  w.from_master(to_agent::AcknowledgeOperations{{make_uuid(77, 1)}});
  const Resources total = w.core->state().total;
  const bool compacted = GENERATE(false, true);
  if (compacted) w.disk = w.core->snapshot();
  w.crash();
  w.done.clear();
  w.start();
  w.connect();
  REQUIRE(w.core->state().total == total);
  const auto told = w.to_master_all<to_master::Register>().back();
  REQUIRE(told.total == total);
  REQUIRE(told.agent->total != total);  // what is configured has not changed
  REQUIRE(told.operations.size() == 1);
  REQUIRE(told.operations.front().state == OperationState::finished);
  REQUIRE(told.operations.front().order.id == OperationId("c"));
  REQUIRE(told.operations.front().status_uuid);
  // A task that uses the volume is started with it.
  w.launch(task_on_volume("t"));
  REQUIRE(w.last<StartContainer>().resources.contains(volume("v", 16)));
}

TEST_CASE("a volume in use is not destroyed, and what was in a destroyed one is removed once") {
  World w;
  w.boot_and_register();
  reserve_and_create(w);
  w.launch(task_on_volume("t"));
  w.started("t");
  w.done.clear();
  w.from_master(to_agent::ApplyOperations{{order(3, Type::destroy, volume("v", 16))}});
  REQUIRE_FALSE(outcomes(w).back().finished);
  REQUIRE(w.count<RemoveVolume>() == 0);
  w.exited("t", 0);
  w.auto_store = false;
  w.from_master(to_agent::ApplyOperations{{order(4, Type::destroy, volume("v", 16))}});
  REQUIRE(w.count<RemoveVolume>() == 0);  // not before it is stored
  while (!w.writes.empty()) w.store_next();
  REQUIRE(w.count<RemoveVolume>() == 1);
  // Nobody knows whether the removal came to its end before a crash: it is done again.
  w.auto_store = true;
  w.crash();
  w.done.clear();
  w.start();
  REQUIRE(w.count<RemoveVolume>() == 1);
}

TEST_CASE("an agent that has too little for its reservations does not start") {
  World w;
  w.boot_and_register();
  reserve_and_create(w);
  w.crash();
  w.done.clear();
  w.configure("cpus:4;mem:4096;disk:20;ports:[31000-31099]");
  // As if no identity held it: only what was made of its resources does.
  std::erase_if(w.disk, [](const CheckpointRecord& record) {
    return std::holds_alternative<checkpoint::Identity>(record);
  });
  w.start();
  REQUIRE(w.last<Stop>().reason.find("disk:12 of what that needs is not there") !=
          std::string::npos);
}
