// What the master says about a task. Everything but an end is acknowledged at once; an end when its
// record is erased, so that it is told again until the store knows.
#include "base/probe.hpp"
#include "frameworks/service/core/handlers.hpp"

namespace bourse::service {

namespace {

using sdk::TaskState;

void acknowledge(Context& c, const sdk::TaskUpdate& update) {
  if (!update.uuid.empty()) c.emit(Acknowledge{update});
}

bool says_ended(TaskState state) {
  return sdk::is_terminal(state) || state == TaskState::unknown;
}

std::string sentence(const sdk::TaskUpdate& update) {
  std::string out = sdk::name_of(update.state);
  if (!update.message.empty()) out += ": " + update.message;
  return out;
}

std::uint32_t alive(const App& app) {
  return app.tally.alive(false) + app.tally.alive(true);
}

// Nobody asked for this end: it counts as a failure when it is there.
bool ends_for_its_health(const sdk::TaskUpdate& update) {
  return update.state == TaskState::killing && update.healthy == false;
}

void run(Context& c, App& app, Instance& instance, bool known_before) {
  set_phase(c, app, instance, InstancePhase::running, "");
  if (!instance.running_since) instance.running_since = c.stamp.now;
  if (known_before) ran_long_enough(c, app, instance);
}

// What its checks say, as far as the update has it: an agent tells it with each from the first on.
void note_checks(Context& c, App& app, Instance& instance, const sdk::TaskUpdate& update) {
  if (update.healthy == instance.healthy && update.check == instance.checked) return;
  instance.healthy = update.healthy;
  instance.checked = update.check;
  c.touch(app);
}

// It lives, on an agent that can be reached.
void on_living(Context& c, App& app, Instance& instance, const sdk::TaskUpdate& update) {
  const AppPolicy& policy = c.state.book.apps.at(app.id).current.definition.policy;
  switch (instance.phase) {
    case InstancePhase::stopping:
      return;
    case InstancePhase::given_up:
      // It serves, and who took its place may have none yet: that one goes then, as surplus.
      if (app.phase != AppPhase::active ||
          app.tally.count(InstancePhase::running) >= policy.instances) {
        PROBE("service.stops_returned_surplus");
        stop_instance(c, app, instance, "came back and is not needed any more");
        return;
      }
      break;
    default:
      break;
  }
  const bool ending = update.state == TaskState::killing;
  if (ending && !ends_for_its_health(update)) {
    set_phase(c, app, instance, InstancePhase::stopping, "somebody else ends it");
  } else if (ending || update.state == TaskState::running) {
    if (instance.phase == InstancePhase::running) return;
    run(c, app, instance, instance.phase != InstancePhase::launching);
  } else if (instance.phase != InstancePhase::running) {
    set_phase(c, app, instance, InstancePhase::launching, "its launch has arrived");
  }
}

void on_away(Context& c, App& app, Instance& instance) {
  const AppPolicy& policy = c.state.book.apps.at(app.id).current.definition.policy;
  if (instance.phase == InstancePhase::given_up) return;
  if (app.phase != AppPhase::active) {
    // A removal does not wait for a dead machine.
    return end_instance(c, app, instance, {}, "its agent is away, and the app is removed");
  }
  if (instance.phase == InstancePhase::stopping || policy.replace_unreachable_after.ns == 0) {
    return give_up_instance(c, app, instance, "its agent is away");
  }
  set_phase(c, app, instance, InstancePhase::unreachable, "its agent is away");
}

void on_end(Context& c, App& app, Instance& instance, const sdk::TaskUpdate& update) {
  const bool asked_for = instance.phase == InstancePhase::stopping;
  if (!asked_for) {
    note_end(c, app, instance, update);
    c.note(Note::Level::warning, "instance.ended",
           {{"app", app.id.raw()},
            {"task", update.task_id},
            {"state", sdk::name_of(update.state)},
            {"reason", update.reason},
            {"message", update.message}});
  }
  end_instance(c, app, instance, update, asked_for ? "stopped" : sentence(update));
}

// What our store must take before a stranger is ended: nothing, if the name was given and is over
// by what is stored. Else its store was newer, or ours is older than it was. A scheduler that was
// overtaken and does not know it yet cannot write, so it ends nothing that its successor launched.
std::vector<ServiceCommand> proof_of_leading(const Context& c, const InstanceName& name,
                                             const sdk::TaskUpdate& update) {
  const Book& book = c.state.book;
  if (name.incarnation >= book.next_incarnation) {
    return {SetFramework{book.framework_id, name.incarnation + 1}};
  }
  const auto it = book.apps.find(name.app);
  if (it == book.apps.end() || it->second.incarnation != name.incarnation) return {};
  if (name.number < it->second.next_number) return {};
  InstanceRecord record;
  record.number = name.number;
  record.version = name.version;
  record.agent_id = AgentId(update.agent_id);
  record.launched_at = c.stamp.wall;
  return {AddInstance{name.app, record}, EndInstance{name.app, name.number}};
}

void end_stranger(Context& c, const InstanceName& name, const sdk::TaskUpdate& update) {
  PROBE("service.kills_stranger");
  c.note(Note::Level::warning, "task.not_wanted", {{"task", update.task_id}});
  std::vector<ServiceCommand> commands = proof_of_leading(c, name, update);
  if (commands.empty()) return c.emit(Kill{update.task_id});
  PROBE("service.proves_that_it_leads");
  persist(c, std::move(commands), pending::Stranger{name.app, name.number},
          {Effect{Kill{update.task_id}}});
}

// A task that has no row but bears the name of one of ours: its record was forgotten while its
// agent was away, or the store is older than the task.
void on_stranger(Context& c, const InstanceName& name, const sdk::TaskUpdate& update) {
  acknowledge(c, update);
  if (says_ended(update.state) || update.state == TaskState::unreachable) return;
  const auto it = c.state.apps.find(name.app);
  if (it != c.state.apps.end() && it->second.phase == AppPhase::active &&
      update.state != TaskState::killing) {
    App& app = it->second;
    const AppRecord& record = c.state.book.apps.at(app.id);
    if (record.incarnation == name.incarnation && name.version <= record.current.version &&
        alive(app) < record.current.definition.policy.instances) {
      PROBE("service.adopts_stranger");
      InstanceRecord adopted;
      adopted.number = name.number;
      adopted.version = name.version;
      adopted.agent_id = AgentId(update.agent_id);
      adopted.launched_at = c.stamp.wall;
      // Of a version that is not remembered, what it says of itself counts.
      adopted.health_checked = name.version == record.current.task_version
                                   ? record.current.definition.task.health_check.has_value()
                                   : update.healthy.has_value();
      Instance& row = add_instance(c, app, adopted, InstancePhase::placing);
      row.why = "is being adopted";
      row.healthy = update.healthy;
      row.checked = update.check;
      persist(c, {AddInstance{app.id, adopted}},
              pending::Adoption{app.id, name.number, update.state == TaskState::running});
      return;
    }
  }
  end_stranger(c, name, update);
}

}  // namespace

void on_updated(Context& c, const Updated& event) {
  const sdk::TaskUpdate& update = event.update;
  InstanceName name;
  if (!parse_task_id(update.task_id, name)) {
    // Not a name that we give: whoever launched it under our framework id may know what it is.
    c.note(Note::Level::warning, "task.not_ours", {{"task", update.task_id}});
    return acknowledge(c, update);
  }
  const auto app = c.state.apps.find(name.app);
  const auto record = c.state.book.apps.find(name.app);
  if (app == c.state.apps.end() || record == c.state.book.apps.end() ||
      record->second.incarnation != name.incarnation) {
    return on_stranger(c, name, update);
  }
  const auto row = app->second.instances.find(name.number);
  if (row == app->second.instances.end()) return on_stranger(c, name, update);
  Instance& instance = row->second;
  switch (instance.phase) {
    case InstancePhase::wanted:
    case InstancePhase::backing_off:
      // Only a store older than the task gives a number twice; the task is none of ours then.
      acknowledge(c, update);
      if (!says_ended(update.state)) c.emit(Kill{update.task_id});
      return;
    case InstancePhase::placing:
      if (!says_ended(update.state)) acknowledge(c, update);
      return;  // an end is told again
    case InstancePhase::ended:
      if (!sdk::is_terminal(update.state)) acknowledge(c, update);
      return;  // an end is acknowledged when it is stored
    default:
      break;
  }
  if (says_ended(update.state)) return on_end(c, app->second, instance, update);
  acknowledge(c, update);
  if (update.state == TaskState::unreachable) {
    on_away(c, app->second, instance);
  } else {
    if (update.state == TaskState::running || ends_for_its_health(update)) {
      note_checks(c, app->second, instance, update);
    }
    on_living(c, app->second, instance, update);
    settle_ready(c, app->second, instance);
  }
}

}  // namespace bourse::service
