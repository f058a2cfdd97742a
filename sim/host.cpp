#include "sim/host.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "base/assert.hpp"
#include "sim/judge.hpp"

namespace bourse::sim {

using State = Host::Container::State;

namespace {

// An order to start is so long on its way, under started_when_killed.
constexpr Duration kLate = Duration::seconds(3);

}  // namespace

bool is_instance(const TaskId& id) {
  return id.raw().starts_with("app");
}

const TaskPlan& plan_of(const Plan& plan, const TaskId& id) {
  const std::string& text = id.raw();
  if (is_instance(id)) {
    return plan.service.apps.at(static_cast<std::size_t>(std::atoi(text.c_str() + 3))).task;
  }
  const std::size_t dash = text.find("-t");
  ASSERT(dash != std::string::npos);
  const auto framework = static_cast<std::size_t>(std::atoi(text.c_str() + 1));
  const auto task = static_cast<std::size_t>(std::atoi(text.c_str() + dash + 2));
  return plan.frameworks.at(framework).tasks.at(task);
}

Host::Container* Host::find(const ContainerId& id) {
  const auto it = containers_.find(id);
  return it == containers_.end() ? nullptr : &it->second;
}

void Host::order(const agent::StartContainer& start) {
  if (env_.plan.plant != Plant::started_when_killed || !start.task) return this->start(start);
  late_.emplace(start.container_id, start);
  env_.schedule.in(kLate, [this, id = start.container_id] {
    if (const auto late = late_.extract(id)) this->start(late.mapped());
  });
}

// Its order to start was on its way: what is told ended starts all the same.
bool Host::kill_late(const ContainerId& id) {
  const auto late = late_.extract(id);
  if (!late) return false;
  report_later(agent::ContainerExited{id, 9});
  env_.schedule.in(kLate * 2, [this, start = late.mapped()] { this->start(start); });
  return true;
}

void Host::start(const agent::StartContainer& start) {
  env_.judge->promises_container(start.container_id);
  Container container;
  container.id = start.container_id;
  container.framework = start.framework->id;
  container.executor = start.executor->id;
  if (start.task) container.task = start.task->id;
  container.token = start.token;
  container.resources = start.resources;
  container.pid = ++pids_;
  const ContainerId id = container.id;
  if (env_.fault(env_.plan.container_fails)) {
    report_later(agent::ContainerFailed{id, "the modelled runtime refused"});
    return;
  }
  containers_.emplace(id, std::move(container));
  check_sum(id);
  if (start.task) env_.judge->task_starts({start.framework->id, start.task->id}, id);
  env_.schedule.in(Duration{env_.rng.between(0, env_.plan.container_delay.ns)},
                   [this, id] { begin(id); });
}

void Host::check_sum(const ContainerId& id) {
  Resources sum;
  Resources rest;
  for (const auto& [other, container] : containers_) {
    const bool counts = container.state == State::starting || container.state == State::running;
    if (counts) sum.add(container.resources);
    if (container.state == State::leaking) rest.add(container.resources);
  }
  env_.judge->container_starts(name_, id, total_, sum);
  // Whether the agent found it running, was told of the leak, or remembers it from an earlier life.
  sum.add(rest);
  env_.judge->rests_are_withheld(name_, id, total_, sum);
}

void Host::report_later(decltype(agent::Event::body) body) {
  env_.schedule.in(env_.between_ms(0, 20), [this, body = std::move(body)] { agent_.report(body); });
}

void Host::begin(const ContainerId& id) {
  Container* container = find(id);
  if (container == nullptr || container->state != State::starting) return;
  if (container->kill_pending) {
    exited(id, 9, false);
    return;
  }
  container->state = State::running;
  report_later(agent::ContainerStarted{id, container->pid});
  if (container->task) {
    run_command(*container);
    return;
  }
  container->process = std::make_shared<ExecutorProcess>(env_, *this, id, container->framework,
                                                         container->executor, container->token);
  container->process->begin();
}

void Host::run_command(Container& container) {
  const TaskPlan& plan = plan_of(env_.plan, *container.task);
  if (plan.forever) return;
  env_.schedule.in(plan.run_time, [this, id = container.id, &plan] {
    const Container* now = find(id);
    if (now == nullptr || now->state != State::running) return;
    // Once nothing goes wrong apps do not fail either.
    if (env_.healed && is_instance(*now->task)) return;
    exited(id, plan.wait_status, plan.out_of_memory);
  });
}

void Host::exited(const ContainerId& id, int wait_status, bool out_of_memory) {
  Container* container = find(id);
  if (container == nullptr || container->state == State::exited ||
      container->state == State::leaking) {
    return;
  }
  if (container->process) std::exchange(container->process, nullptr)->end();
  if (container->task) env_.judge->task_stops({container->framework, *container->task});
  container->wait_status = wait_status;
  container->out_of_memory = out_of_memory;
  container->status_known = !env_.fault(env_.plan.container_fails / 4);
  const bool leaked = env_.fault(env_.plan.container_leaks);
  container->state = leaked ? State::leaking : State::exited;
  const bool told = leaked && env_.plan.plant != Plant::leak_unheard;
  report_later(
      agent::ContainerExited{id, wait_status, container->status_known, out_of_memory, told});
  if (leaked) clean_later(id);
}

void Host::clean_later(const ContainerId& id) {
  env_.schedule.in(env_.between_ms(500, 30'000), [this, id] {
    Container* container = find(id);
    if (container == nullptr || container->state != State::leaking) return;
    container->state = State::exited;
    // An agent that was restarted meanwhile may have found it running, and hears of its end; one
    // that knows of the leak hears that it is over.
    agent_.report(agent::ContainerExited{id, container->wait_status, container->status_known,
                                         container->out_of_memory, false});
    agent_.report(agent::ContainerCleaned{id});
  });
}

void Host::resize(const ContainerId& id, const Resources& resources) {
  Container* container = find(id);
  if (container == nullptr || container->state == State::exited) return;
  container->resources = resources;
  check_sum(id);
}

void Host::kill(const ContainerId& id, Duration grace) {
  if (kill_late(id)) return;
  Container* container = find(id);
  if (container == nullptr || env_.plan.plant == Plant::ignore_kill) return;
  if (container->task) {
    env_.judge->container_is_killed({container->framework, *container->task});
  }
  if (container->state == State::starting) container->kill_pending = true;
  if (container->state == State::running) terminate(*container, grace);
}

void Host::terminate(Container& container, Duration grace) {
  const bool stubborn = container.task && plan_of(env_.plan, *container.task).stubborn;
  const bool hard = grace <= Duration{} || stubborn;
  const Duration span =
      hard ? grace + Duration::milliseconds(5)
           : Duration{env_.rng.between(1'000'000, std::max<std::int64_t>(grace.ns, 2'000'000))};
  env_.schedule.in(span, [this, id = container.id, hard] { exited(id, hard ? 9 : 15, false); });
}

void Host::release(const ContainerId& id) {
  const Container* container = find(id);
  if (container == nullptr || container->state != State::exited) return;
  containers_.erase(id);
}

void Host::reboot(bool unnoticed) {
  for (auto& [id, container] : containers_) {
    if (container.process) std::exchange(container.process, nullptr)->end();
    const bool ran = container.state == State::starting || container.state == State::running;
    if (container.task && ran) {
      env_.judge->task_stops({container.framework, *container.task});
    }
  }
  if (unnoticed) return;
  containers_.clear();
  late_.clear();
}

std::vector<agent::Started::FoundContainer> Host::found() {
  std::vector<agent::Started::FoundContainer> out;
  for (auto& [id, container] : containers_) {
    agent::Started::FoundContainer found;
    found.container_id = id;
    // Of one that leaks, either its shim has left what it saw, or it was lost with its shim.
    found.leaked = container.state == State::leaking && container.pid % 2 == 0;
    found.running = container.state != State::exited && !found.leaked;
    found.pid = container.pid;
    if (!found.running) {
      if (container.status_known) found.wait_status = container.wait_status;
      found.out_of_memory = container.out_of_memory;
    }
    out.push_back(found);
  }
  return out;
}

std::vector<agent::ContainerUsage> Host::usage(Instant now) {
  std::vector<agent::ContainerUsage> out;
  for (auto& [id, container] : containers_) {
    if (container.state != State::running) continue;
    // Nothing, a little, or all that it holds, for twenty seconds: not drawn from the world's own
    // source, which is the same whether anybody looks or not.
    Prng rng(env_.plan.seed + container.pid * 1'000'003ULL +
             static_cast<std::uint64_t>(now.ns / 20'000'000'000));
    const std::int64_t part = rng.chance(1, 3) ? 1000 : rng.between(0, 300);
    if (container.usage_at != Instant{} && now > container.usage_at) {
      const std::int64_t milli = container.resources.scalar_milli("cpus") * part / 1000;
      container.cpu_ns += (now - container.usage_at).ns / 1000 * milli;
    }
    container.usage_at = now;
    out.push_back({id, container.cpu_ns, 16 << 20});
  }
  return out;
}

std::shared_ptr<ExecutorProcess> Host::pick_executor() {
  std::vector<std::shared_ptr<ExecutorProcess>> all;
  for (const auto& [id, container] : containers_) {
    if (container.process) all.push_back(container.process);
  }
  return all.empty() ? nullptr : all[env_.rng.below(all.size())];
}

std::vector<ContainerId> Host::left_over(const agent::AgentState& state) const {
  std::vector<ContainerId> out;
  for (const auto& [id, container] : containers_) {
    const bool known = state.by_container.contains(id);
    const bool runs = container.state == State::starting || container.state == State::running;
    if (container.state == State::leaking || (runs && !known)) out.push_back(id);
  }
  return out;
}

std::string Host::running() const {
  static constexpr const char* kStates[] = {"starting", "running", "leaking", "exited"};
  std::string out;
  for (const auto& [id, container] : containers_) {
    if (container.state == State::exited) continue;
    out += " " + id.raw() + " (" + kStates[static_cast<std::size_t>(container.state)] + ", of " +
           container.executor.raw() + ")";
  }
  return out;
}

}  // namespace bourse::sim
