// What people ask for. The changes of one app go to the store one after the other: each is checked
// against what the one before has left.
#include <algorithm>

#include "base/assert.hpp"
#include "frameworks/service/core/handlers.hpp"
#include "model/limits.hpp"

namespace bourse::service {

namespace {

const AppId& app_id_of(const AppChange& change) {
  return std::visit([](const auto& body) -> const AppId& { return body.app_id; }, change);
}

Error no_such_app(const AppId& id) {
  return {ErrorCode::not_found, "app: there is no app '" + id.raw() + "'"};
}

// Whether `instances` of this app fit beside the others.
Status check_total(const ServiceState& state, const AppId& id, std::uint32_t instances) {
  std::uint64_t others = 0;
  for (const auto& [other, record] : state.book.apps) {
    if (other != id) others += record.current.definition.policy.instances;
  }
  if (others + instances <= limits::kMaxServiceInstances) return {};
  return Error{ErrorCode::full, "instances: " + std::to_string(instances) + " beside the " +
                                    std::to_string(others) +
                                    " of other apps are more than all apps may have: " +
                                    std::to_string(limits::kMaxServiceInstances)};
}

void write_version(Context& c, App& app, RequestId request, AppVersion version) {
  const auto record = c.state.book.apps.find(app.id);
  const std::uint64_t incarnation =
      record == c.state.book.apps.end() ? c.state.next_incarnation++ : record->second.incarnation;
  app.writing = true;
  persist(c, {PutApp{app.id, incarnation, std::move(version), app.next_number}},
          pending::Definition{app.id, request});
}

struct Change {
  Context& c;
  App& app;
  const FromClient& event;

  const AppVersion& current() const { return c.state.book.apps.at(app.id).current; }

  void refuse(Error error) const { c.answer(event.request, app.id, std::move(error)); }

  bool is_going() const {
    if (app.phase == AppPhase::active) return false;
    refuse({ErrorCode::conflict,
            "app: '" + app.id.raw() + "' is being removed; try again when its tasks have ended"});
    return true;
  }

  void define(const AppDefinition& definition, VersionCause cause) const {
    AppVersion next = current();
    if (next.definition == definition && cause != VersionCause::restarted) {
      return c.answer(event.request, app.id, {});
    }
    const Status fits = check_total(c.state, app.id, definition.policy.instances);
    if (!fits.ok()) return refuse(fits.error());
    ++next.version;
    const bool replaces =
        cause == VersionCause::restarted || next.definition.task != definition.task;
    if (replaces) next.task_version = next.version;
    next.cause = cause;
    next.at = c.stamp.wall;
    next.definition = definition;
    write_version(c, app, event.request, std::move(next));
  }

  void operator()(const change::PutApp& body) const {
    if (is_going()) return;
    const Status valid = validate_definition(body.definition);
    if (!valid.ok()) return refuse(valid.error());
    define(body.definition, VersionCause::put);
  }

  void operator()(const change::ScaleApp& body) const {
    if (is_going()) return;
    AppDefinition definition = current().definition;
    definition.policy.instances = body.instances;
    const Status valid = validate_definition(definition);
    if (!valid.ok()) return refuse(valid.error());
    define(definition, VersionCause::scaled);
  }

  void operator()(const change::RestartApp& body) const {
    if (is_going()) return;
    if (body.if_version && *body.if_version != current().version) {
      return refuse({ErrorCode::conflict, "version: '" + app.id.raw() + "' is at version " +
                                              std::to_string(current().version) + ", not at " +
                                              std::to_string(*body.if_version)});
    }
    define(current().definition, VersionCause::restarted);
  }

  void operator()(const change::RemoveApp&) const {
    if (app.phase == AppPhase::removing) return c.answer(event.request, app.id, {});
    app.writing = true;
    persist(c, {RemoveApp{app.id}}, pending::Removal{app.id, event.request});
  }
};

void admit(Context& c, const FromClient& event, const change::PutApp& put) {
  Status valid = validate_app_id(put.app_id);
  if (valid.ok()) valid = validate_definition(put.definition);
  if (valid.ok()) valid = check_total(c.state, put.app_id, put.definition.policy.instances);
  if (valid.ok() && c.state.apps.size() >= limits::kMaxApps) {
    valid = Error{ErrorCode::full, "app: there are " + std::to_string(limits::kMaxApps) +
                                       " apps, the most there may be"};
  }
  if (!valid.ok()) return c.answer(event.request, put.app_id, valid);
  App& app = c.state.apps[put.app_id];
  app.id = put.app_id;
  write_version(c, app, event.request, {1, 1, VersionCause::put, c.stamp.wall, put.definition});
}

// The changes that waited for this one, until the next goes to the store.
void serve_waiting(Context& c, const AppId& id) {
  while (true) {
    const auto it = c.state.apps.find(id);
    if (it == c.state.apps.end() || it->second.writing || it->second.waiting.empty()) return;
    const FromClient next = std::move(it->second.waiting.front());
    it->second.waiting.pop_front();
    std::visit(Change{c, it->second, next}, next.change);
  }
}

}  // namespace

void on_client(Context& c, const FromClient& event) {
  const AppId& id = app_id_of(event.change);
  if (!c.state.started) {
    return c.answer(event.request, id,
                    Error{ErrorCode::unavailable, "this scheduler does not lead yet"});
  }
  const Status allowed = authorize(event.principal, Action::manage_app, id.raw());
  if (!allowed.ok()) return c.answer(event.request, id, allowed);
  const auto it = c.state.apps.find(id);
  if (it == c.state.apps.end()) {
    if (const auto* put = std::get_if<change::PutApp>(&event.change)) return admit(c, event, *put);
    return c.answer(event.request, id, no_such_app(id));
  }
  App& app = it->second;
  if (!app.writing && app.phase != AppPhase::forgetting) {
    return std::visit(Change{c, app, event}, event.change);
  }
  if (app.waiting.size() >= limits::kMaxChangesWaitingPerApp) {
    return c.answer(event.request, id,
                    Error{ErrorCode::unavailable, "app: too many changes of '" + id.raw() +
                                                      "' wait for the store; try again"});
  }
  app.waiting.push_back(event);
}

void on_definition_stored(Context& c, const pending::Definition& what) {
  App& app = c.state.apps.at(what.app_id);
  const AppRecord& record = c.state.book.apps.at(what.app_id);
  app.writing = false;
  app.phase = AppPhase::active;
  app.next_number = std::max(app.next_number, record.next_number);
  recount(record, app);
  // Whoever changed it may have mended it.
  reset_backoff(c, app);
  if (app.tally.count(InstancePhase::wanted) > 0) c.state.offers_asked = true;
  c.touch(app);
  c.note(Note::Level::info, "app.changed",
         {{"app", app.id.raw()},
          {"version", std::to_string(record.current.version)},
          {"instances", std::to_string(record.current.definition.policy.instances)}});
  c.answer(what.request, app.id, {}, true);
  serve_waiting(c, what.app_id);
}

void on_definition_rejected(Context& c, const pending::Definition& what,
                            const std::string& reason) {
  const Error error{ErrorCode::full, "the store refused the change: " + reason};
  c.answer(what.request, what.app_id, error);
  App& app = c.state.apps.at(what.app_id);
  app.writing = false;
  if (app.phase != AppPhase::admitting) return serve_waiting(c, what.app_id);
  const std::deque<FromClient> waiting = std::move(app.waiting);
  c.state.apps.erase(what.app_id);
  for (const FromClient& next : waiting) on_client(c, next);
}

void on_removal_stored(Context& c, const pending::Removal& what) {
  App& app = c.state.apps.at(what.app_id);
  app.writing = false;
  app.phase = AppPhase::removing;
  c.touch(app);
  c.answer(what.request, app.id, {}, true);
  serve_waiting(c, what.app_id);
}

void on_removal_rejected(Context& c, const pending::Removal& what, const std::string& reason) {
  c.answer(what.request, what.app_id,
           Error{ErrorCode::full, "the store refused the removal: " + reason});
  c.state.apps.at(what.app_id).writing = false;
  serve_waiting(c, what.app_id);
}

}  // namespace bourse::service
