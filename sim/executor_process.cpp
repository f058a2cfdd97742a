// The little program around the SDK's executor machine: runs each task for as long as the plan
// says, obeys kills, and leaves when it has had nothing to do for a while.
#include <algorithm>
#include <utility>

#include "proto/codec/links.hpp"
#include "sim/decode.hpp"
#include "sim/host.hpp"
#include "sim/judge.hpp"

namespace bourse::sim {

namespace {
constexpr Duration kIdle = Duration::seconds(5);
constexpr Duration kExecutorSocket = Duration::microseconds(100);
}  // namespace

ExecutorProcess::ExecutorProcess(Env& env, Host& host, ContainerId container, FrameworkId framework,
                                 ExecutorId executor, std::string token)
    : env_(env),
      host_(host),
      container_(std::move(container)),
      framework_(std::move(framework)),
      executor_(std::move(executor)),
      token_(std::move(token)),
      machine_(env.plan.executor) {}

void ExecutorProcess::later(Duration span, std::function<void()> action) {
  env_.schedule.in(span, [self = weak_from_this(), action = std::move(action)] {
    const auto alive = self.lock();
    if (alive && !alive->over_) action();
  });
}

template <typename Body>
void ExecutorProcess::step(Body body) {
  if (over_) return;
  env_.count_event(executor_.raw(), 1);
  std::vector<sdk::ExecutorOutput> outputs;
  machine_.step({host_.clock().stamp(env_.schedule.now()), std::move(body)}, outputs);
  for (sdk::ExecutorOutput& output : outputs) {
    if (!over_) perform(output);
  }
  if (!over_) arm();
}

void ExecutorProcess::begin() {
  step(sdk::executor_input::Start{framework_, executor_, token_, env_.rng.next()});
  connect_later(env_.between_ms(1, 50));
  leave_when_idle();
}

void ExecutorProcess::end() {
  over_ = true;
  for (const auto& [task, running] : tasks_) {
    if (running) env_.judge->task_stops({framework_, task});
  }
  const PeerId peer = std::exchange(peer_, PeerId());
  if (!peer.empty()) {
    env_.schedule.in(kExecutorSocket, [&host = host_, peer] { host.agent().executor_gone(peer); });
  }
}

void ExecutorProcess::connect_later(Duration span) {
  later(span, [this] {
    if (!peer_.empty()) return;
    if (!host_.agent().up()) return connect_later(env_.between_ms(50, 500));
    peer_ = host_.agent().accept(shared_from_this());
    step(sdk::executor_input::Connected{});
  });
}

void ExecutorProcess::lose(PeerId peer) {
  if (over_ || peer != peer_) return;
  peer_ = PeerId();
  step(sdk::executor_input::Lost{});
  connect_later(env_.between_ms(1, 500));
}

void ExecutorProcess::on_bytes(PeerId peer, std::string_view bytes) {
  if (over_ || peer != peer_) return;
  for (auto& event : decode_all(env_, bytes, codec::decode_executor_event_frame)) {
    step(sdk::executor_input::FromAgent{std::move(event)});
  }
}

void ExecutorProcess::perform(sdk::ExecutorOutput& output) {
  if (auto* send = std::get_if<sdk::executor_effect::Send>(&output)) {
    std::string batch;
    if (codec::append_executor_call(send->call, batch) == 0) {
      env_.judge->violate("codec", "an executor's call cannot be sent");
    }
    env_.schedule.in(kExecutorSocket, [&host = host_, peer = peer_, batch = std::move(batch)] {
      host.agent().executor_bytes(peer, batch);
    });
  } else if (auto* deliver = std::get_if<sdk::executor_effect::Deliver>(&output)) {
    on_event(deliver->event);
  } else if (std::holds_alternative<sdk::executor_effect::Shutdown>(output)) {
    later(env_.between_ms(1, 500), [this] { host_.exited(container_, 0, false); });
  }
}

void ExecutorProcess::on_event(const ExecutorEvent& event) {
  if (const auto* launch = std::get_if<executor_event::Launch>(&event)) {
    on_launch(*launch->task);
  } else if (const auto* group = std::get_if<executor_event::LaunchGroup>(&event)) {
    for (const TaskFacetPtr& task : group->tasks) on_launch(*task);
  } else if (const auto* kill = std::get_if<executor_event::Kill>(&event)) {
    later(env_.between_ms(1, 500), [this, id = kill->task_id] { finish(id, TaskState::killed); });
  }
}

void ExecutorProcess::on_launch(const TaskFacet& task) {
  env_.judge->task_starts({framework_, task.id}, container_);
  tasks_[task.id] = true;
  ++busy_;
  const TaskPlan& plan = plan_of(env_.plan, task.id);
  later(env_.between_ms(1, 100), [this, id = task.id, &plan] {
    if (!tasks_[id]) return;
    say(id, TaskState::running);
    if (plan.forever) return;
    later(plan.run_time, [this, id, &plan] {
      finish(id, plan.wait_status == 0 ? TaskState::finished : TaskState::failed);
    });
  });
}

void ExecutorProcess::finish(const TaskId& task, TaskState state) {
  const auto it = tasks_.find(task);
  if (it == tasks_.end() || !it->second) return;
  it->second = false;
  env_.judge->task_stops({framework_, task});
  say(task, state);
  leave_when_idle();
}

void ExecutorProcess::say(const TaskId& task, TaskState state) {
  TaskStatus status;
  status.task_id = task;
  status.state = state;
  step(sdk::executor_input::SendUpdate{std::move(status)});
}

void ExecutorProcess::leave_when_idle() {
  later(kIdle, [this, busy = busy_] {
    if (busy != busy_) return;
    const bool works =
        std::any_of(tasks_.begin(), tasks_.end(), [](const auto& entry) { return entry.second; });
    if (works) return;
    if (machine_.unacknowledged() > 0) return leave_when_idle();
    host_.exited(container_, 0, false);
  });
}

void ExecutorProcess::arm() {
  const Instant next = machine_.next_deadline();
  if (next == armed_ || next == Instant::max()) return;
  armed_ = next;
  later(host_.clock().world(next) - env_.schedule.now(), [this, next] {
    if (armed_ != next) return;
    armed_ = Instant::max();
    step(sdk::executor_input::Tick{});
  });
}

}  // namespace bourse::sim
