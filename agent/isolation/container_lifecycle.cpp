#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "agent/isolation/container_impl.hpp"
#include "agent/isolation/kernel_file.hpp"

namespace bourse::isolation {

namespace {

constexpr Duration kShimCheckPause = Duration::milliseconds(50);
constexpr Duration kFirstDestroyRetry = Duration::milliseconds(1);
constexpr Duration kMostDestroyRetry = Duration::milliseconds(100);
constexpr Duration kLeakedRetry = Duration::seconds(10);

Error no_container(const std::string& id) {
  return {ErrorCode::not_found, "no container '" + id + "' on this agent"};
}

ContainerChecked checked_of(const std::string& id, const Frame& frame) {
  ContainerChecked checked;
  checked.container_id = id;
  if ((frame.flags & kFlagHealthKnown) != 0) checked.healthy = (frame.flags & kFlagHealthy) != 0;
  checked.failures = frame.signal;
  checked.unhealthy = (frame.flags & kFlagUnhealthy) != 0;
  if (frame.launch_step >= 0 && frame.launch_step <= 3) {
    checked.check = static_cast<CheckSpec::Kind>(frame.launch_step);
  }
  if ((frame.flags & kFlagCheckKnown) != 0) checked.value = frame.wait_status;
  return checked;
}

}  // namespace

ContainerRuntime::Impl::Container* ContainerRuntime::Impl::find(const std::string& id) {
  const auto found = containers_.find(id);
  return found == containers_.end() ? nullptr : &found->second;
}

OwnedFd ContainerRuntime::Impl::open_run_dir(const std::string& id) const {
  return OwnedFd(
      ::openat(containers_dir_.get(), id.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
}

bool ContainerRuntime::Impl::send(Container& container, const Frame& frame) {
  if (container.link < 0) return false;
  return ::send(container.link, &frame, sizeof frame, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

void ContainerRuntime::Impl::on_shim_frame(Container& container, const Frame& frame) {
  switch (static_cast<FrameType>(frame.type)) {
    case FrameType::started:
      on_started(container, frame);
      break;
    case FrameType::oom:
      if (container.phase > Phase::running) break;
      container.oom = true;
      events_.push_back(ContainerOom{container.id});
      break;
    case FrameType::checked:
      if (container.phase <= Phase::running) events_.push_back(checked_of(container.id, frame));
      break;
    case FrameType::exited:
      on_exited(container, exit_record_of(frame));
      break;
    default:  // of a newer shim
      break;
  }
}

void ContainerRuntime::Impl::on_started(Container& container, const Frame& frame) {
  if (container.phase != Phase::launching) return;
  container.phase = Phase::running;
  container.task = {static_cast<pid_t>(frame.pid), frame.start_time};
  events_.push_back(ContainerStarted{container.id, container.task});
}

void ContainerRuntime::Impl::on_exited(Container& container, const ExitRecord& record) {
  if (container.phase > Phase::running) return;
  container.acknowledge = !record.durable;
  events_.push_back(ContainerExited{container.id, record});
  end(container, record.leaked);
}

void ContainerRuntime::Impl::end(Container& container, bool leaked) {
  container.phase = leaked ? Phase::leaked : Phase::ended;
  container.deadline = leaked ? boot_now() + kLeakedRetry : Instant::max();
}

// The connection closed, or never came. What does the run directory say?
void ContainerRuntime::Impl::check_shim(Container& container) {
  const OwnedFd run_dir = open_run_dir(container.id);
  if (Result<StateFields> exit = read_state(run_dir.get(), kExitFile); exit.ok()) {
    on_exited(container, exit_record_of(*exit));
    return;
  }
  if (is_alive(container.shim)) {  // it will connect again
    container.deadline = boot_now() + kShimCheckPause;
    return;
  }
  // It may have written the file and died between our two looks.
  Result<StateFields> exit = read_state(run_dir.get(), kExitFile);
  if (exit.ok()) {
    on_exited(container, exit_record_of(*exit));
    return;
  }
  if (container.task.empty()) {
    if (Result<StateFields> task = read_state(run_dir.get(), kTaskFile); task.ok()) {
      container.task = {static_cast<pid_t>(number_of(*task, "pid")),
                        number_of(*task, "start_time")};
    }
  }
  if (exit.error().code == ErrorCode::corrupt) {
    begin_destroying(container,
                     "how it ended is not known, its file is damaged: " + exit.error().message);
    return;
  }
  begin_destroying(container, container.shim.empty()
                                  ? "its shim did not come back"
                                  : "its shim (pid " + std::to_string(container.shim.pid) +
                                        ") died without leaving an exit status");
}

void ContainerRuntime::Impl::on_deadline(Container& container, Instant now) {
  container.deadline = Instant::max();
  switch (container.phase) {
    case Phase::launching:
    case Phase::running: {
      if (container.claimed) {
        check_shim(container);
        return;
      }
      if (now < container.launch_until && (container.shim.empty() || is_alive(container.shim))) {
        container.deadline = std::min(now + kShimCheckPause, container.launch_until);
        return;
      }
      // No shim has spoken. Take its place in the run directory, and it can never begin; or find
      // that it has begun, and look after it.
      const OwnedFd run_dir = open_run_dir(container.id);
      const Status fenced =
          claim_state(run_dir.get(), kShimFile, {{"state", "abandoned"}, {"boot_id", boot_id_}});
      if (fenced.ok()) {
        fail(container, "no shim came up for it in time");
        // A launcher that has not answered in all this time is stopped or stuck: replace it.
        if (container.asked) restart_launcher();
        return;
      }
      if (Result<StateFields> shim = read_state(run_dir.get(), kShimFile); shim.ok()) {
        container.shim = {static_cast<pid_t>(number_of(*shim, "pid")),
                          number_of(*shim, "start_time")};
      }
      container.claimed = true;
      check_shim(container);
      return;
    }
    case Phase::destroying:
    case Phase::leaked:
      destroy_pass(container, now);
      return;
    case Phase::ended:
      return;
  }
}

void ContainerRuntime::Impl::fail(Container& container, std::string reason) {
  if (container.phase > Phase::running) return;
  events_.push_back(
      ContainerFailed{container.id, "container " + container.id + " was not started: " + reason});
  end(container, false);
}

void ContainerRuntime::Impl::begin_destroying(Container& container, std::string reason) {
  const Instant now = boot_now();
  container.lost_reason = "container " + container.id + " was lost: " + reason;
  container.oom = container.oom || container.cgroup.oom_kills() > 0;
  container.phase = Phase::destroying;
  container.destroy_until = now + options_.destroy_limit;
  container.destroy_retry = kFirstDestroyRetry;
  destroy_pass(container, now);
}

bool ContainerRuntime::Impl::kill_leftovers(const Container& container) const {
  bool empty = container.cgroup.destroy_pass();
  // Killed before it could report its task, the shim is all we know to be older than the rest.
  const ProcessIdentity& oldest = container.task.empty() ? container.shim : container.task;
  if (container.cgroup.empty_list() && !oldest.empty()) {
    // Without cgroups, what holds a container together once its shim is gone is its session and,
    // for those who left that, the mark in their environment.
    const std::vector<pid_t> left = session_or_marked(oldest, environment_mark(container.id));
    for (const pid_t pid : left) ::kill(pid, SIGKILL);
    empty = left.empty();
  }
  return empty && container.cgroup.remove();
}

void ContainerRuntime::Impl::destroy_pass(Container& container, Instant now) {
  const bool gone = kill_leftovers(container);
  if (container.phase == Phase::leaked) {
    if (gone) {
      events_.push_back(ContainerCleared{container.id});
      container.phase = Phase::ended;
      container.deadline = Instant::max();
    } else {
      container.deadline = now + kLeakedRetry;
    }
    return;
  }
  if (!gone && now < container.destroy_until) {
    container.deadline = now + container.destroy_retry;
    container.destroy_retry = std::min(container.destroy_retry * 2, kMostDestroyRetry);
    return;
  }
  events_.push_back(ContainerLost{container.id, container.lost_reason, container.oom, !gone});
  end(container, !gone);
}

void ContainerRuntime::Impl::destroy_strays(Instant now) {
  strays_.erase(std::remove_if(strays_.begin(), strays_.end(),
                               [&](const Stray& stray) {
                                 return (stray.cgroup.destroy_pass() && stray.cgroup.remove()) ||
                                        now >= stray.until;
                               }),
                strays_.end());
  strays_deadline_ = strays_.empty() ? Instant::max() : now + kMostDestroyRetry;
}

Status ContainerRuntime::Impl::kill(const std::string& id, Duration grace) {
  Container* container = find(id);
  if (container == nullptr) return no_container(id);
  if (container->phase == Phase::destroying) return {};  // on its way already
  if (container->phase > Phase::running) {
    return Error{ErrorCode::conflict, "container " + id + " has ended already"};
  }
  Frame frame = make_frame(FrameType::kill);
  frame.grace_ms = std::max<std::int64_t>(grace.ms(), 0);
  if (send(*container, frame)) return {};
  // Its shim is not here now; it will hear of it when it says hello.
  const Duration bounded = Duration::milliseconds(frame.grace_ms);
  container->pending_kill =
      container->pending_kill ? std::min(*container->pending_kill, bounded) : bounded;
  return {};
}

Status ContainerRuntime::Impl::signal(const std::string& id, int signal) {
  Container* container = find(id);
  if (container == nullptr) return no_container(id);
  if (signal < 1 || signal > 64) {
    return invalid("signal " + std::to_string(signal) + " is not between 1 and 64");
  }
  Frame frame = make_frame(FrameType::signal);
  frame.signal = signal;
  if (send(*container, frame)) return {};
  return Error{ErrorCode::unavailable, "the shim of container " + id + " is not connected"};
}

Status ContainerRuntime::Impl::destroy(const std::string& id) {
  Container* container = find(id);
  if (container == nullptr) return no_container(id);
  if (container->phase == Phase::leaked) {
    container->deadline = boot_now();
    return {};
  }
  return kill(id, Duration{});
}

Status ContainerRuntime::Impl::release(const std::string& id) {
  Container* container = find(id);
  if (container == nullptr) return no_container(id);
  if (container->phase != Phase::ended) {
    return Error{ErrorCode::conflict,
                 "container " + id +
                     (container->phase == Phase::leaked ? " still has processes that do not die"
                                                        : " has not ended")};
  }
  if (container->acknowledge) send(*container, make_frame(FrameType::acknowledge));
  const int link = container->link;
  container->link = -1;
  remove_run_dir(id);
  containers_.erase(id);
  if (link >= 0) close_link(link);
  return {};
}

}  // namespace bourse::isolation
