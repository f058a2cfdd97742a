#include "tests/unit/frameworks/service/core/service_world.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

namespace bourse::service {

namespace {

using sdk::TaskState;

bool is_of(const std::string& task_id, const std::string& app) {
  return task_id.compare(0, app.size() + 1, app + ".") == 0;
}

}  // namespace

AppDefinition sleeper(std::uint32_t instances) {
  AppDefinition definition;
  definition.task.shell = "sleep 1000";
  definition.task.cpu_milli = 100;
  definition.task.memory_mb = 32;
  definition.policy.instances = instances;
  return definition;
}

ServiceWorld::ServiceWorld() = default;

// -- the core

void ServiceWorld::feed(decltype(Event::body) body) {
  Effects effects;
  core->step(Event{stamp, std::move(body)}, effects);
  core->check_invariants();
  notes.insert(notes.end(), effects.notes.begin(), effects.notes.end());
  for (const Effect& effect : effects.list) perform(effect);
}

void ServiceWorld::perform(const Effect& effect) {
  done.push_back(effect);
  if (const auto* write = std::get_if<Persist>(&effect.body)) {
    writes.push_back(*write);
  } else if (const auto* to_launch = std::get_if<Launch>(&effect.body)) {
    launch(*to_launch);
  } else if (const auto* decline = std::get_if<Decline>(&effect.body)) {
    for (const std::string& id : decline->offer_ids) {
      const auto it = open_offers.find(id);
      if (it == open_offers.end()) continue;
      if (decline->refuse.ns > 0) refused.insert(it->second);
      open_offers.erase(it);
    }
  } else if (const auto* kill = std::get_if<Kill>(&effect.body)) {
    perform_kill(*kill);
  } else if (const auto* ack = std::get_if<Acknowledge>(&effect.body)) {
    unacknowledged.erase(ack->update.uuid);
  } else if (const auto* ask_about = std::get_if<Reconcile>(&effect.body)) {
    for (const sdk::TaskPlace& task : ask_about->tasks) answer_about(task.task_id, task.agent_id);
    if (!ask_about->tasks.empty()) return;
    for (const auto& [id, task] : tasks) answer_about(id, task.agent_id);
  } else if (std::holds_alternative<Suppress>(effect.body)) {
    suppressed = true;
  } else if (std::holds_alternative<Revive>(effect.body)) {
    suppressed = false;
    refused.clear();
  } else if (const auto* answer = std::get_if<Answer>(&effect.body)) {
    answers.push_back(*answer);
  }
}

void ServiceWorld::perform_kill(const Kill& kill) {
  InstanceName name;
  REQUIRE(parse_task_id(kill.task_id, name));
  const auto it = core->state().apps.find(name.app);
  if (it != core->state().apps.end() && it->second.phase == AppPhase::active &&
      core->state().book.apps.at(name.app).incarnation == name.incarnation &&
      it->second.instances.contains(name.number) &&
      it->second.instances.at(name.number).why != "came back and is not needed any more" &&
      it->second.tally.count(InstancePhase::recovering) > 0) {
    ++kills_while_recovering;
  }
  const auto task = tasks.find(kill.task_id);
  if (task != tasks.end()) {
    task->second.killed = true;
  } else if (connected) {
    answer_about(kill.task_id, "");
  }
}

void ServiceWorld::launch(const Launch& launch) {
  bool held = connected;
  std::string agent_id;
  for (const std::string& id : launch.offer_ids) {
    const auto it = open_offers.find(id);
    held = held && it != open_offers.end();
    if (it != open_offers.end()) agent_id = it->second;
    open_offers.erase(id);
  }
  for (const sdk::TaskSpec& spec : launch.tasks) {
    INFO(spec.id);
    REQUIRE(launched_ever_.insert(spec.id).second);  // never launched twice
    WorldTask task{spec.id,
                   agent_id,
                   spec.command->shell,
                   spec.resources,
                   spec.command->environment,
                   TaskState::staging,
                   false,
                   spec.check,
                   spec.health_check};
    if (!held) {
      tell(task, TaskState::dropped, false);
      continue;
    }
    REQUIRE(sdk::contains(agents.at(agent_id).free, spec.resources));
    sdk::subtract(agents.at(agent_id).free, spec.resources);
    tasks[spec.id] = task;
  }
  if (held) refused.insert(agent_id);
}

// -- the master

const WorldTask* ServiceWorld::find(const std::string& id) const {
  const auto it = tasks.find(id);
  return it == tasks.end() ? nullptr : &it->second;
}

void ServiceWorld::tell(const WorldTask& task, TaskState state, bool durable) {
  sdk::TaskUpdate update;
  update.task_id = task.id;
  update.agent_id = task.agent_id;
  update.state = state;
  if (state == TaskState::running) update.healthy = task.healthy;
  if (durable) {
    update.uuid = "uuid-" + std::to_string(++updates_made_);
    unacknowledged[update.uuid] = update;
  }
  updates.push_back(update);
}

void ServiceWorld::answer_about(const std::string& task_id, const std::string& agent_id) {
  if (const WorldTask* task = find(task_id)) {
    const WorldAgent& agent = agents.at(task->agent_id);
    if (agent.recovering) return;
    tell(*task, agent.reachable ? task->state : TaskState::unreachable, false);
    return;
  }
  const auto agent = agents.find(agent_id);
  if (agent != agents.end() && agent->second.recovering) return;
  const bool away = agent != agents.end() && !agent->second.reachable;
  WorldTask unknown;
  unknown.id = task_id;
  unknown.agent_id = agent_id;
  tell(unknown, away ? TaskState::unreachable : TaskState::unknown, false);
}

void ServiceWorld::free_task(const std::string& id) {
  const WorldTask task = tasks.at(id);
  tasks.erase(id);
  sdk::add(agents.at(task.agent_id).free, task.resources);
  refused.erase(task.agent_id);  // it has more than was refused
}

bool ServiceWorld::offer() {
  if (!connected || suppressed) return false;
  Offered event;
  for (const auto& [id, agent] : agents) {
    const bool open =
        std::any_of(open_offers.begin(), open_offers.end(),
                    [&, agent_id = id](const auto& o) { return o.second == agent_id; });
    if (open || !agent.reachable || agent.recovering || refused.contains(id) ||
        agent.free.cpu_milli <= 0) {
      continue;
    }
    sdk::Offer out;
    out.id = "O" + std::to_string(++offers_made_);
    out.agent_id = id;
    out.hostname = agent.hostname;
    out.attributes = agent.attributes;
    out.resources = agent.free;
    open_offers[out.id] = id;
    event.offers.push_back(std::move(out));
  }
  if (event.offers.empty()) return false;
  feed(std::move(event));
  return true;
}

bool ServiceWorld::run_tasks() {
  bool any = false;
  std::vector<std::string> ids;
  for (const auto& [id, task] : tasks) ids.push_back(id);
  for (const std::string& id : ids) {
    WorldTask& task = tasks.at(id);
    if (!agents.at(task.agent_id).reachable || agents.at(task.agent_id).recovering) continue;
    if (task.killed) {
      const WorldTask gone = task;
      free_task(id);
      tell(gone, TaskState::killed, true);
      any = true;
    } else if (task.state == TaskState::staging && !hold_tasks) {
      task.state = TaskState::running;
      tell(task, TaskState::running, true);
      any = true;
      if (task.shell == doomed_command) end_task(id, TaskState::failed);
    }
  }
  return any;
}

void ServiceWorld::end_task(const std::string& id, TaskState state) {
  const WorldTask task = tasks.at(id);
  free_task(id);
  tell(task, state, true);
}

void ServiceWorld::find_health(const std::string& id, bool healthy) {
  tasks.at(id).healthy = healthy;
  tell(tasks.at(id), TaskState::running, true);
}

void ServiceWorld::end_unhealthy(const std::string& id) {
  const WorldTask task = tasks.at(id);
  tell(task, TaskState::killing, true);
  updates.back().healthy = false;
  free_task(id);
  tell(task, TaskState::killed, true);
  updates.back().healthy = false;
}

bool ServiceWorld::tell_one() {
  if (!connected || updates.empty()) return false;
  const sdk::TaskUpdate update = updates.front();
  updates.pop_front();
  feed(Updated{update});
  return true;
}

// -- the store

bool ServiceWorld::write_one() {
  if (writes.empty()) return false;
  const Persist write = writes.front();
  writes.pop_front();
  if (refuse_writes) {
    feed(Rejected{write.id, "the disk is full"});
    return true;
  }
  for (const ServiceCommand& command : write.commands) {
    const Status applied = apply(disk, command);
    REQUIRE(applied.ok());
  }
  for (const Effect& effect : write.after) perform(effect);
  feed(Stored{write.id});
  return true;
}

void ServiceWorld::settle() {
  // A store that refuses and an app that fails at once go on for ever, but not without time.
  for (int turns = 0; turns < 100'000; ++turns) {
    if (write_one() || tell_one() || run_tasks() || offer()) continue;
    return;
  }
  FAIL("the world does not come to rest");
}

void ServiceWorld::tick() {
  if (core->next_deadline() <= stamp.now) feed(Tick{});
}

void ServiceWorld::pass(Duration span) {
  const Instant target = stamp.now + span;
  settle();
  while (core->next_deadline() <= target) {
    const Duration step = core->next_deadline() - stamp.now;
    if (step.ns > 0) stamp = {stamp.now + step, stamp.wall + step};
    feed(Tick{});
    settle();
  }
  const Duration rest = target - stamp.now;
  stamp = {stamp.now + rest, stamp.wall + rest};
}

// -- driving

void ServiceWorld::start(bool new_framework) {
  core = std::make_unique<ServiceCore>(ServiceConfig{});
  feed(Start{disk, new_framework});
  if (new_framework) {
    while (write_one()) {
    }
  }
  reconnect();
}

void ServiceWorld::restart(std::size_t kept) {
  for (; kept > 0 && !writes.empty() && !refuse_writes; --kept) {
    for (const ServiceCommand& command : writes.front().commands) {
      REQUIRE(apply(disk, command).ok());
    }
    writes.pop_front();
  }
  writes.clear();
  // Through the bytes of a store that was compacted.
  Book copy;
  for (const ServiceCommand& command : snapshot(disk)) REQUIRE(apply(copy, command).ok());
  REQUIRE(copy == disk);
  updates.clear();
  connected = false;
  start();
}

void ServiceWorld::repeat_updates() {
  for (const auto& [uuid, update] : unacknowledged) {
    if (agents.at(update.agent_id).reachable) updates.push_back(update);
  }
}

void ServiceWorld::disconnect() {
  connected = false;
  open_offers.clear();
  feed(Disconnected{});
}

void ServiceWorld::reconnect() {
  connected = true;
  open_offers.clear();
  // What the driver told of itself is not lost with the connection.
  std::erase_if(updates, [](const auto& update) { return update.state != TaskState::dropped; });
  repeat_updates();
  feed(Registered{"F1"});
  // As the driver does for the tasks that it believes to live.
  for (const auto& [id, app] : core->state().apps) {
    for (const auto& [number, instance] : app.instances) {
      if (!is_stored(instance.phase) || instance.phase == InstancePhase::recovering) continue;
      const std::uint64_t incarnation = core->state().book.apps.at(id).incarnation;
      answer_about(to_task_id({id, incarnation, instance.record.version, number}),
                   instance.record.agent_id.raw());
    }
  }
}

void ServiceWorld::add_agent(const std::string& id, std::int64_t cpu_milli,
                             std::map<std::string, std::string> attributes) {
  WorldAgent agent;
  agent.hostname = "host-" + id;
  agent.attributes = std::move(attributes);
  agent.free.cpu_milli = cpu_milli;
  agent.free.memory_mb = 8192;
  agent.free.disk_mb = 8192;
  agent.free.ports = {{31000, 31999}};
  agents[id] = agent;
}

void ServiceWorld::lose_agent(const std::string& id) {
  agents.at(id).reachable = false;
  std::erase_if(open_offers, [&](const auto& offer) { return offer.second == id; });
  for (const auto& [task_id, task] : tasks) {
    if (task.agent_id == id) tell(task, TaskState::unreachable, false);
  }
}

void ServiceWorld::return_agent(const std::string& id) {
  agents.at(id).reachable = true;
  refused.erase(id);
  for (const auto& [uuid, update] : unacknowledged) {
    if (update.agent_id == id) updates.push_back(update);
  }
  for (const auto& [task_id, task] : tasks) {
    if (task.agent_id == id) tell(task, task.state, false);
  }
}

void ServiceWorld::remove_agent(const std::string& id) {
  std::vector<std::string> ids;
  for (const auto& [task_id, task] : tasks) {
    if (task.agent_id == id) ids.push_back(task_id);
  }
  for (const std::string& task_id : ids) {
    tell(tasks.at(task_id), TaskState::gone_by_operator, false);
    tasks.erase(task_id);
  }
  std::erase_if(open_offers, [&](const auto& offer) { return offer.second == id; });
  std::erase_if(unacknowledged, [&](const auto& row) { return row.second.agent_id == id; });
  agents.erase(id);
}

void ServiceWorld::rescind(const std::string& offer_id) {
  open_offers.erase(offer_id);
}

void ServiceWorld::ask(AppChange change) {
  feed(FromClient{RequestId(++requests_made_), {}, std::move(change)});
}

Answer ServiceWorld::put(const std::string& id, AppDefinition definition) {
  ask(change::PutApp{AppId(id), std::move(definition)});
  settle();
  return answers.back();
}

Answer ServiceWorld::scale(const std::string& id, std::uint32_t instances) {
  ask(change::ScaleApp{AppId(id), instances});
  settle();
  return answers.back();
}

Answer ServiceWorld::restart_app(const std::string& id) {
  ask(change::RestartApp{AppId(id), {}});
  settle();
  return answers.back();
}

Answer ServiceWorld::remove(const std::string& id) {
  ask(change::RemoveApp{AppId(id)});
  settle();
  return answers.back();
}

// -- looking

std::vector<std::string> ServiceWorld::living(const std::string& id, bool reachable_only) const {
  std::vector<std::string> out;
  for (const auto& [task_id, task] : tasks) {
    if (!is_of(task_id, id)) continue;
    if (reachable_only && !agents.at(task.agent_id).reachable) continue;
    out.push_back(task_id);
  }
  return out;
}

std::vector<std::string> ServiceWorld::running(const std::string& id) const {
  std::vector<std::string> out;
  for (const auto& [task_id, task] : tasks) {
    if (is_of(task_id, id) && task.state == TaskState::running && !task.killed) {
      out.push_back(task_id);
    }
  }
  return out;
}

std::uint32_t ServiceWorld::available(const std::string& id) const {
  return app(id).tally.ready[0] + app(id).tally.ready[1];
}

}  // namespace bourse::service
