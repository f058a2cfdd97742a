// The part of AgentProcess that faces the container runtime: what was found, what happens.
#include "agent/shell/agent_process.hpp"
#include "agent/shell/task_checks.hpp"
#include "base/overloaded.hpp"
#include "runtime/clock.hpp"

namespace bourse::agent {

Status AgentProcess::open_containers() {
  isolation::RuntimeOptions runtime_options;
  runtime_options.runtime_dir = options_.run_dir + "/containers";
  runtime_options.shim_path = options_.shim;
  runtime_options.cgroup_parent = options_.cgroup_parent;
  runtime_options.use_cgroups = options_.use_cgroups;
  runtime_options.use_namespaces = options_.use_namespaces;
  runtime_options.destroy_limit = options_.destroy_limit;
  auto opened = isolation::ContainerRuntime::open(
      std::move(runtime_options), [this](const isolation::ContainerEvent& e) { on_container(e); });
  if (!opened.ok()) return opened.error();
  containers_ = std::move(opened).value();
  starter_ = std::make_unique<ContainerStarter>(
      *containers_, volumes_, sandboxes_,
      [this](ContainerFailed failed) { feed(std::move(failed)); });
  return {};
}

Started::FoundContainer AgentProcess::found(const isolation::RecoveredContainer& container) const {
  Started::FoundContainer out;
  out.container_id = ContainerId(container.container_id);
  // `ending` counts as running: its terminal event follows.
  out.running = container.state != isolation::RecoveredContainer::State::exited;
  if (!container.task.empty()) out.pid = static_cast<std::uint32_t>(container.task.pid);
  if (container.exit) {
    if (container.exit->launched) {
      out.wait_status = container.exit->wait_status;
    } else {
      out.not_started = isolation::describe_exit(*container.exit);
    }
    out.out_of_memory = container.exit->oom;
    out.leaked = container.exit->leaked;
    out.unhealthy = container.exit->unhealthy;
  }
  return out;
}

Result<int> AgentProcess::open(const isolation::SessionSpec& spec) {
  isolation::SessionSpec asked = spec;
  if (!spec_context_.switch_user) asked.user.clear();
  auto socket = containers_->open_session(asked);
  arm_container_timer();
  return socket;
}

void AgentProcess::watch_containers() {
  runtime::FdCallbacks callbacks;
  callbacks.readable = [this] { turn_containers(); };
  container_watch_ = loop_.watch(containers_->poll_fd(), std::move(callbacks));
}

void AgentProcess::turn_containers() {
  containers_->process();
  arm_container_timer();
}

void AgentProcess::arm_container_timer() {
  const Instant at = containers_->next_deadline();
  if (at == Instant::max()) {
    container_timer_.cancel();
    return;
  }
  const Duration wait = std::max(at - runtime::monotonic_now(), Duration{});
  container_timer_ = loop_.after(wait, [this] { turn_containers(); });
}

void AgentProcess::on_container(const isolation::ContainerEvent& event) {
  if (starter_->on_event(event)) return;
  std::visit(Overloaded{
                 [&](const isolation::ContainerStarted& e) {
                   feed(ContainerStarted{ContainerId(e.container_id),
                                         static_cast<std::uint32_t>(e.task.pid)});
                 },
                 [&](const isolation::ContainerOom&) {},  // its end says so
                 [&](const isolation::ContainerChecked& e) {
                   feed(task_checked(e, core_->state().status_extra));
                 },
                 [&](const isolation::ContainerExited& e) {
                   const ContainerId id(e.container_id);
                   if (e.record.launched) {
                     feed(ContainerExited{id, e.record.wait_status, true, e.record.oom,
                                          e.record.leaked, e.record.unhealthy});
                   } else {
                     feed(ContainerFailed{id, isolation::describe_exit(e.record)});
                   }
                 },
                 [&](const isolation::ContainerLost& e) {
                   feed(ContainerExited{ContainerId(e.container_id), 9, false, e.oom, e.leaked});
                 },
                 [&](const isolation::ContainerFailed& e) {
                   feed(ContainerFailed{ContainerId(e.container_id), e.reason});
                 },
                 [&](const isolation::ContainerCleared& e) {
                   feed(ContainerCleaned{ContainerId(e.container_id)});
                 },
             },
             event);
}

}  // namespace bourse::agent
