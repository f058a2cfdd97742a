#include "framework-sdk/core/executor_machine.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "base/overloaded.hpp"
#include "base/probe.hpp"

namespace bourse::sdk {

struct ExecutorMachine::Step {
  ExecutorMachine& m;
  const Stamp& stamp;
  std::vector<ExecutorOutput>& out;

  template <typename Body>
  void send(Body body) {
    out.push_back(executor_effect::Send{
        {m.self_.framework_id, m.self_.executor_id, m.self_.token, std::move(body)}});
  }

  void subscribe() {
    executor_call::Subscribe call;
    for (const auto& [id, task] : m.tasks_) call.unacknowledged_tasks.push_back(*task);
    call.unacknowledged_updates.assign(m.updates_.begin(), m.updates_.end());
    send(std::move(call));
  }

  void lost() {
    m.connected_ = false;
    if (m.subscribed_) out.push_back(executor_effect::Disconnected{});
    m.subscribed_ = false;
    m.deadlines_.disarm(Due::retry);
    if (!m.deadlines_.deadline_of(Due::recovery)) {
      m.deadlines_.arm(Due::recovery, stamp.now + m.config_.recovery_timeout);
    }
  }

  void over(const std::string& reason) {
    m.over_ = true;
    while (m.deadlines_.pop_due(Instant::max())) {
    }
    out.push_back(executor_effect::Deliver{executor_event::Shutdown{}});
    out.push_back(executor_effect::Shutdown{reason});
  }

  void on_event(const ExecutorEvent& event) {
    if (std::holds_alternative<executor_event::Subscribed>(event)) {
      const bool again = m.ever_subscribed_;
      m.subscribed_ = true;
      m.ever_subscribed_ = true;
      m.deadlines_.disarm(Due::recovery);
      arm_retry();
      if (again) {
        out.push_back(executor_effect::SubscribedAgain{});
      } else {
        out.push_back(executor_effect::Deliver{event});
      }
      return;
    }
    if (!m.subscribed_) return;
    if (const auto* launch = std::get_if<executor_event::Launch>(&event)) {
      if (!m.tasks_.emplace(launch->task->id, launch->task).second) {
        PROBE("executor.repeated_launch");
        return;
      }
    } else if (const auto* group = std::get_if<executor_event::LaunchGroup>(&event)) {
      for (const TaskFacetPtr& task : group->tasks) m.tasks_.emplace(task->id, task);
    } else if (const auto* ack = std::get_if<executor_event::Acknowledged>(&event)) {
      m.tasks_.erase(ack->task_id);
      std::erase_if(m.updates_, [&](const TaskStatus& s) { return s.uuid == ack->uuid; });
      arm_retry();
      return;
    } else if (std::holds_alternative<executor_event::Shutdown>(event)) {
      over("the agent asked for it");
      return;
    }
    out.push_back(executor_effect::Deliver{event});
  }

  void on_update(TaskStatus status) {
    if (m.updates_.size() >= m.config_.max_unacknowledged && !is_terminal(status.state)) {
      out.push_back(executor_effect::Refused{"too many updates wait for the agent: " +
                                             std::to_string(m.config_.max_unacknowledged)});
      return;
    }
    status.uuid = make_uuid(m.self_.seed, ++m.uuids_made_);
    status.timestamp = stamp.wall;
    status.source = StatusSource::executor;
    status.executor_id = m.self_.executor_id;
    m.updates_.push_back(status);
    if (!m.subscribed_) return;  // told with the next SUBSCRIBE
    send(executor_call::Update{status});
    arm_retry();
  }

  void arm_retry() {
    if (m.updates_.empty()) {
      m.deadlines_.disarm(Due::retry);
    } else if (!m.deadlines_.deadline_of(Due::retry)) {
      m.deadlines_.arm(Due::retry, stamp.now + m.config_.update_retry);
    }
  }

  void on_due(Due due) {
    if (due == Due::recovery) {
      PROBE("executor.agent_stayed_away");
      over("the agent stayed away for longer than the recovery timeout");
      return;
    }
    if (!m.subscribed_) return;
    for (const TaskStatus& status : m.updates_) send(executor_call::Update{status});
    arm_retry();
  }
};

void ExecutorMachine::step(const ExecutorInput& input, std::vector<ExecutorOutput>& outputs) {
  using namespace executor_input;
  Step s{*this, input.stamp, outputs};
  ASSERT(started_ != std::holds_alternative<Start>(input.body));
  if (over_) return;
  std::visit(Overloaded{
                 [&](const Start& e) {
                   started_ = true;
                   self_ = e;
                   deadlines_.arm(Due::recovery, input.stamp.now + config_.recovery_timeout);
                 },
                 [&](const Connected&) {
                   connected_ = true;
                   s.subscribe();
                 },
                 [&](const Lost&) { s.lost(); },
                 [&](const FromAgent& e) { s.on_event(e.event); },
                 [&](const SendUpdate& e) { s.on_update(e.status); },
                 [&](const SendMessage& e) {
                   if (subscribed_) s.send(executor_call::Message{e.data});
                 },
                 [](const Tick&) {},
             },
             input.body);
  while (!over_) {
    const auto due = deadlines_.pop_due(input.stamp.now);
    if (!due) break;
    s.on_due(*due);
  }
  ASSERT(connected_ || !subscribed_);
}

}  // namespace bourse::sdk
