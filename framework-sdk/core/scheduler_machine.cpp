#include "framework-sdk/core/scheduler_machine.hpp"

#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "base/fingerprint.hpp"
#include "base/overloaded.hpp"
#include "base/prng.hpp"
#include "base/probe.hpp"

namespace bourse::sdk {

namespace {

// Whatever a master says: one that dies shall be noticed.
constexpr Duration kRarestHeartbeat = Duration::seconds(300);

Duration doubled(Duration first, Duration most, std::uint32_t times) {
  Duration out = first;
  for (std::uint32_t i = 0; i < times && out < most; ++i) out = out * 2;
  return std::min(out, most);
}

// Each with its agent.
std::map<TaskId, AgentId> tasks_in(const call::Accept& accept) {
  std::map<TaskId, AgentId> out;
  for (const OfferOperation& operation : accept.operations) {
    const auto collect = [&](const std::vector<TaskFacet>& tasks) {
      for (const TaskFacet& task : tasks) out.insert_or_assign(task.id, task.agent_id);
    };
    if (const auto* launch = std::get_if<LaunchOperation>(&operation.body)) collect(launch->tasks);
    if (const auto* group = std::get_if<LaunchGroupOperation>(&operation.body)) {
      collect(group->tasks);
    }
  }
  return out;
}

// Those that are told about.
std::set<OperationId> operations_in(const call::Accept& accept) {
  std::set<OperationId> out;
  for (const OfferOperation& operation : accept.operations) {
    if (!operation.id.empty()) out.insert(operation.id);
  }
  return out;
}

// Whether a master that says so has the operation, or never will.
bool settles(bourse::OperationState state) {
  return state != bourse::OperationState::unknown && state != bourse::OperationState::recovering &&
         state != bourse::OperationState::unreachable;
}

}  // namespace

// One step's context: keeps the member functions that act out of the header.
struct SchedulerMachine::Step {
  SchedulerMachine& m;
  const Stamp& stamp;
  std::vector<SchedulerOutput>& out;

  void send(SchedulerCall call) {
    ASSERT(m.connected_ && m.subscribed_);
    call.framework_id = m.framework_.id;
    out.push_back(scheduler_effect::Send{{{m.session_, m.sender_.next(), 0}, std::move(call)}});
  }

  void subscribe() {
    if (!m.connected_ || m.finished_) return;
    m.subscribed_ = false;
    m.session_ = (m.incarnation_ << 16) + (++m.sessions_begun_);
    m.sender_ = {};
    m.receiver_ = {};
    m.silence_ = m.config_.silence_timeout;
    m.deadlines_.disarm({Due::heartbeat, 0, {}});
    m.deadlines_.disarm({Due::silence, 0, {}});
    m.said_suppressed_ = m.suppressed_roles_;
    m.update_unsaid_ = false;
    call::Subscribe call{m.framework_, m.suppressed_roles_, m.offer_constraints_};
    out.push_back(scheduler_effect::Send{
        {{m.session_, 0, 0}, SchedulerCall{m.framework_.id, std::move(call)}}});
    ++m.attempts_;
    subscribe_later();
  }

  // After half to the whole of the back-off, by the session's own number: a crowd does not come at
  // once.
  void subscribe_later() {
    const Duration wait =
        doubled(m.config_.subscribe_retry, m.config_.subscribe_retry_max, m.attempts_ - 1);
    std::uint64_t seed = (m.incarnation_ << 16) + m.sessions_begun_;
    const auto half = static_cast<std::uint64_t>(wait.ns / 2);
    const auto jittered = static_cast<std::int64_t>(half + splitmix64(seed) % (half + 1));
    m.deadlines_.arm({Due::subscribe, 0, {}}, stamp.now + Duration{jittered});
  }

  // At once if the session that ends here had held; else a link that breaks each session at its
  // first burst of calls would carry nothing but SUBSCRIBE.
  void begin_again(const std::string& reason) {
    lose(reason);
    m.session_ = 0;
    if (m.attempts_ == 0) {
      subscribe();
    } else {
      PROBE("sdk.backs_off");
      subscribe_later();
    }
  }

  void lose(const std::string& reason, bool told = false) {
    const bool was = m.subscribed_;
    m.subscribed_ = false;
    m.deadlines_.disarm({Due::subscribe, 0, {}});
    m.deadlines_.disarm({Due::heartbeat, 0, {}});
    m.deadlines_.disarm({Due::silence, 0, {}});
    if (was || told) out.push_back(scheduler_effect::Disconnected{reason});
  }

  void send_accept(std::uint64_t number) {
    PendingAccept& pending = m.accepts_.at(number);
    if (m.subscribed_) send({{}, pending.call});
    m.deadlines_.arm(
        {Due::accept, number, {}},
        stamp.now + doubled(m.config_.call_retry, m.config_.call_retry_max, pending.attempts++));
  }

  void send_kill(const TaskId& id) {
    PendingKill& pending = m.kills_.at(id);
    // With its agent named, a master that does not know the task can say more than UNKNOWN.
    const auto live = m.live_.find(id);
    AgentId& agent = pending.call.agent_id;
    if (agent.empty() && live != m.live_.end()) agent = live->second;
    if (m.subscribed_) send({{}, pending.call});
    m.deadlines_.arm(
        {Due::kill, 0, id.raw()},
        stamp.now + doubled(m.config_.call_retry, m.config_.call_retry_max, pending.attempts++));
  }

  template <typename Id>
  void heard_of(const Id& id, std::map<Id, std::uint64_t>& accept_of,
                std::set<Id> PendingAccept::*unheard) {
    const auto it = accept_of.find(id);
    if (it == accept_of.end()) return;
    const std::uint64_t number = it->second;
    accept_of.erase(it);
    PendingAccept& pending = m.accepts_.at(number);
    (pending.*unheard).erase(id);
    if (!pending.settled()) return;
    m.deadlines_.disarm({Due::accept, number, {}});
    m.accepts_.erase(number);
  }

  void remember_acknowledged(const Uuid& uuid) {
    if (!m.acknowledged_.insert(uuid).second) return;
    m.acknowledged_order_.push_back(uuid);
    if (m.acknowledged_order_.size() <= m.config_.remembered_acknowledgements) return;
    m.acknowledged_.erase(m.acknowledged_order_.front());
    m.acknowledged_order_.pop_front();
  }

  void forget_kill(const TaskId& id) {
    if (m.kills_.erase(id) > 0) m.deadlines_.disarm({Due::kill, 0, id.raw()});
  }

  void remember_ended(const TaskId& id, bourse::TaskState state) {
    if (!m.ended_.emplace(id, state).second) return;
    m.ended_order_.push_back(id);
    if (m.ended_order_.size() <= m.config_.remembered_acknowledgements) return;
    m.ended_.erase(m.ended_order_.front());
    m.ended_order_.pop_front();
  }

  void acknowledge(const TaskStatus& status) {
    remember_acknowledged(*status.uuid);
    if (m.subscribed_) {
      send({{}, call::Acknowledge{status.agent_id, status.task_id, *status.uuid}});
    }
  }

  void on_update(const SharedStatus& shared) {
    const TaskStatus& status = *shared;
    heard_of(status.task_id, m.accept_of_, &PendingAccept::unheard);
    if (status.uuid && m.acknowledged_.contains(*status.uuid)) {
      PROBE("sdk.acknowledges_again");
      acknowledge(status);
      return;
    }
    const bool says_ended = is_terminal(status.state) || status.state == bourse::TaskState::unknown;
    const auto ended = m.ended_.find(status.task_id);
    if (says_ended && ended != m.ended_.end() && (!status.uuid || ended->second != status.state)) {
      // An answer that crossed the end which was told (a KILL of a task that was dropped), or what
      // became of a task that was told LOST, through a master that does not know of that.
      PROBE("sdk.task_ends_again");
      forget_kill(status.task_id);
      if (status.uuid) acknowledge(status);
      return;
    }
    if (is_terminal(status.state)) {
      remember_ended(status.task_id, status.state);
      m.live_.erase(status.task_id);
      forget_kill(status.task_id);
    } else if (status.state != bourse::TaskState::unknown) {
      m.live_[status.task_id] = status.agent_id;
    } else if (!m.live_.contains(status.task_id)) {
      forget_kill(status.task_id);  // neither side knows of any such task
    }
    out.push_back(scheduler_effect::Deliver{event::Update{shared}});
    if (status.uuid && m.config_.implicit_acknowledgements) acknowledge(status);
  }

  void acknowledge(const OperationStatus& status) {
    remember_acknowledged(*status.uuid);
    if (m.subscribed_) {
      send({{}, call::AcknowledgeOperation{status.agent_id, status.id, *status.uuid}});
    }
  }

  void on_operation(const event::UpdateOperation& event) {
    const OperationStatus& status = event.status;
    if (settles(status.state)) {
      heard_of(status.id, m.accept_of_operation_, &PendingAccept::unheard_operations);
    }
    if (status.uuid && m.acknowledged_.contains(*status.uuid)) {
      acknowledge(status);
      return;
    }
    out.push_back(scheduler_effect::Deliver{event});
    if (status.uuid && m.config_.implicit_acknowledgements) acknowledge(status);
  }

  void on_subscribed(const event::Subscribed& event) {
    m.framework_.id = event.framework_id;
    m.subscribed_ = true;
    m.deadlines_.disarm({Due::subscribe, 0, {}});
    m.deadlines_.arm({Due::heartbeat, 0, {}}, stamp.now + m.config_.heartbeat_interval);
    out.push_back(scheduler_effect::Deliver{event});
    if (m.ever_subscribed_) out.push_back(scheduler_effect::SubscribedAgain{});
    m.ever_subscribed_ = true;
    if (std::exchange(m.update_unsaid_, false)) {
      send({{}, call::UpdateFramework{m.framework_, m.suppressed_roles_, m.offer_constraints_}});
    } else {
      settle_suppressed();
    }
    if (!m.request_.wanted.empty()) send({{}, m.request_});
    if (!m.accepts_.empty() || !m.kills_.empty()) PROBE("sdk.resends_calls");
    std::vector<std::uint64_t> accepts;
    for (const auto& [number, pending] : m.accepts_) accepts.push_back(number);
    for (const std::uint64_t number : accepts) send_accept(number);
    std::vector<TaskId> kills;
    for (const auto& [id, pending] : m.kills_) kills.push_back(id);
    for (const TaskId& id : kills) send_kill(id);
    call::Reconcile reconcile;
    for (const auto& [id, agent] : m.live_) {
      if (!m.accept_of_.contains(id)) reconcile.tasks.push_back({id, agent});
    }
    if (!reconcile.tasks.empty()) send({{}, std::move(reconcile)});
  }

  void on_message(const MasterToFramework& message) {
    if (message.header.session != m.session_ || m.finished_) return;
    const bool heartbeat = std::holds_alternative<event::Heartbeat>(message.body);
    if (const auto* subscribed = std::get_if<event::Subscribed>(&message.body)) {
      const Duration told = std::min(subscribed->heartbeat_interval, kRarestHeartbeat);
      m.silence_ = std::max(m.config_.silence_timeout, told * 3);
    }
    m.deadlines_.arm({Due::silence, 0, {}}, stamp.now + m.silence_);
    if (heartbeat) {
      if (!m.receiver_.complete(message.header.sequence)) {
        PROBE("sdk.heartbeat_reveals_gap");
        begin_again("messages from the master were lost");
        return;
      }
      m.attempts_ = 0;
      out.push_back(scheduler_effect::Deliver{event::Heartbeat{}});
      return;
    }
    const bool opening = std::holds_alternative<event::Subscribed>(message.body) ||
                         std::holds_alternative<event::Error>(message.body);
    // What overtook SUBSCRIBED is missed as a gap by what follows.
    if (!opening && !m.subscribed_) return;
    switch (m.receiver_.arrive(message.header.sequence)) {
      case Arrival::repeat:
        return;
      case Arrival::gap:
        PROBE("sdk.sees_gap");
        begin_again("messages from the master were lost");
        return;
      case Arrival::fresh:
        break;
    }
    if (const auto* subscribed = std::get_if<event::Subscribed>(&message.body)) {
      if (!m.subscribed_) on_subscribed(*subscribed);
      return;
    }
    if (std::holds_alternative<event::Error>(message.body)) {
      // The master is done with this framework (failed over, torn down, refused): so are we.
      out.push_back(scheduler_effect::Deliver{message.body});
      finish();
      return;
    }
    if (const auto* update = std::get_if<event::Update>(&message.body)) {
      on_update(update->status);
    } else if (const auto* operation = std::get_if<event::UpdateOperation>(&message.body)) {
      on_operation(*operation);
    } else {
      out.push_back(scheduler_effect::Deliver{message.body});
    }
  }

  void finish() {
    m.finished_ = true;
    m.subscribed_ = false;
    while (m.deadlines_.pop_due(Instant::max())) {
    }
    out.push_back(scheduler_effect::Finished{});
  }

  void refuse(std::string reason) { out.push_back(scheduler_effect::Refused{std::move(reason)}); }

  void on_accept(const call::Accept& accept) {
    const std::map<TaskId, AgentId> tasks = tasks_in(accept);
    const std::set<OperationId> operations = operations_in(accept);
    if (tasks.empty() && operations.empty()) {  // declines what it leaves: nothing to wait for
      if (m.subscribed_) send({{}, accept});
      return;
    }
    for (const auto& [id, agent] : tasks) {
      if (m.live_.contains(id)) {
        refuse("task_id: '" + id.raw() + "' was launched already and has not ended");
        return;
      }
    }
    for (const OperationId& id : operations) {
      if (m.accept_of_operation_.contains(id)) {
        refuse("operation_id: '" + id.raw() + "' was asked for already and not heard of");
        return;
      }
    }
    const std::uint64_t number = ++m.accepts_made_;
    for (const OperationId& id : operations) m.accept_of_operation_[id] = number;
    std::set<TaskId> unheard;
    for (const auto& [id, agent] : tasks) {
      m.live_[id] = agent;
      unheard.insert(id);
      m.accept_of_[id] = number;
      // A name that is used again names another task.
      if (m.ended_.erase(id) > 0) std::erase(m.ended_order_, id);
    }
    m.accepts_.emplace(number, PendingAccept{accept, std::move(unheard), operations, 0});
    send_accept(number);
  }

  void on_call(const SchedulerCall& call) {
    if (m.finished_) return refuse("the driver has stopped");
    const bool kept = std::holds_alternative<call::Accept>(call.body) ||
                      std::holds_alternative<call::Kill>(call.body);
    if (kept && m.pending_calls() >= m.config_.max_pending_calls) {
      return refuse("too many calls wait for their consequence: " +
                    std::to_string(m.config_.max_pending_calls));
    }
    if (const auto* accept = std::get_if<call::Accept>(&call.body)) return on_accept(*accept);
    if (const auto* kill = std::get_if<call::Kill>(&call.body)) {
      m.kills_[kill->task_id] = {*kill, 0};
      return send_kill(kill->task_id);
    }
    const auto remember = [this](const auto* shown) {
      if (shown != nullptr) remember_acknowledged(shown->uuid);
    };
    remember(std::get_if<call::Acknowledge>(&call.body));
    remember(std::get_if<call::AcknowledgeOperation>(&call.body));
    if (const auto* request = std::get_if<call::Request>(&call.body)) m.request_ = *request;
    if (const auto* suppress = std::get_if<call::Suppress>(&call.body)) set_suppressed(*suppress);
    if (const auto* revive = std::get_if<call::Revive>(&call.body)) set_revived(*revive);
    if (const auto* update = std::get_if<call::UpdateFramework>(&call.body)) {
      const FrameworkId id = m.framework_.id;
      m.framework_ = update->framework;
      m.framework_.id = id;
      m.suppressed_roles_ = update->suppressed_roles;
      m.offer_constraints_ = update->offer_constraints;
      m.update_unsaid_ = !m.subscribed_;
    }
    if (m.subscribed_) {
      send(call);
    } else {
      PROBE("sdk.drops_call_unsubscribed");  // at most once, and the next session starts anew
    }
  }

  // What was suppressed or revived between SUBSCRIBE and its answer was not sent.
  void settle_suppressed() {
    const auto beyond = [](const std::vector<std::string>& a, const std::vector<std::string>& b) {
      std::vector<std::string> rest;
      for (const std::string& role : a) {
        if (std::find(b.begin(), b.end(), role) == b.end()) rest.push_back(role);
      }
      return rest;
    };
    call::Revive revive{beyond(m.said_suppressed_, m.suppressed_roles_)};
    call::Suppress suppress{beyond(m.suppressed_roles_, m.said_suppressed_)};
    if (!revive.roles.empty()) send({{}, std::move(revive)});
    if (!suppress.roles.empty()) send({{}, std::move(suppress)});
  }

  // What is suppressed is said again at the next SUBSCRIBE.
  void set_suppressed(const call::Suppress& suppress) {
    for (const std::string& role : suppress.roles.empty() ? m.framework_.roles : suppress.roles) {
      auto& list = m.suppressed_roles_;
      if (std::find(list.begin(), list.end(), role) == list.end()) list.push_back(role);
    }
  }
  void set_revived(const call::Revive& revive) {
    for (const std::string& role : revive.roles.empty() ? m.framework_.roles : revive.roles) {
      std::erase(m.suppressed_roles_, role);
    }
  }

  void on_due(const DueKey& key) {
    switch (key.what) {
      case Due::subscribe:
        subscribe();
        return;
      case Due::heartbeat: {
        if (!m.subscribed_) return;
        FrameworkToMaster beat{{m.session_, m.sender_.last(), 0}, std::monostate{}};
        out.push_back(scheduler_effect::Send{std::move(beat)});
        m.deadlines_.arm(key, stamp.now + m.config_.heartbeat_interval);
        return;
      }
      case Due::silence:
        PROBE("sdk.master_silent");
        lose("the master was silent for too long");
        out.push_back(scheduler_effect::Reconnect{"the master was silent for too long"});
        return;
      case Due::accept:
        send_accept(key.number);
        return;
      case Due::kill:
        send_kill(TaskId(key.name));
        return;
    }
  }
};

void SchedulerMachine::step(const SchedulerInput& input, std::vector<SchedulerOutput>& outputs) {
  using namespace scheduler_event;
  Step s{*this, input.stamp, outputs};
  ASSERT(started_ != std::holds_alternative<Start>(input.body));
  std::visit(Overloaded{
                 [&](const Start& e) {
                   started_ = true;
                   framework_ = e.framework;
                   suppressed_roles_ = e.suppressed_roles;
                   offer_constraints_ = e.offer_constraints;
                   incarnation_ = e.incarnation;
                   ever_subscribed_ = !framework_.id.empty();
                 },
                 [&](const Connected&) {
                   connected_ = true;
                   s.subscribe();
                 },
                 [&](const Lost& e) {
                   connected_ = false;
                   s.lose(e.reason, e.told);
                 },
                 [&](const FromMaster& e) { s.on_message(e.message); },
                 [&](const Call& e) { s.on_call(e.call); },
                 [&](const Stop& e) {
                   if (finished_) return;
                   if (!e.keep_tasks && subscribed_) s.send({{}, call::Teardown{}});
                   s.finish();
                 },
                 [](const Tick&) {},
             },
             input.body);
  while (!finished_) {
    const auto due = deadlines_.pop_due(input.stamp.now);
    if (!due) break;
    s.on_due(*due);
  }
  ASSERT(connected_ || !subscribed_);
  ASSERT(accepts_.empty() == (accept_of_.empty() && accept_of_operation_.empty()));
}

std::uint64_t SchedulerMachine::fingerprint() const {
  Fingerprint fp;
  fp.add(framework_.id.raw());
  fp.add(session_);
  fp.add(subscribed_);
  fp.add(sender_.last());
  fp.add(receiver_.last());
  for (const auto& [number, pending] : accepts_) fp.add(number);
  for (const auto& [id, pending] : kills_) fp.add(id.raw());
  for (const auto& [id, agent] : live_) fp.add(id.raw());
  fp.add(static_cast<std::uint64_t>(acknowledged_order_.size()));
  fp.add(deadlines_.next().ns);
  return fp.value();
}

}  // namespace bourse::sdk
