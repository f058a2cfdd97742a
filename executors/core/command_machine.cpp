#include "executors/core/command_machine.hpp"

#include <algorithm>
#include <csignal>

namespace bourse::executor {

void CommandMachine::step(const CommandEvent& event, CommandEffects& effects) {
  if (phase_ == CommandPhase::done) return;
  std::visit([&](const auto& kind) { on(event.now, kind, effects); }, event.kind);
}

void CommandMachine::on(Instant, const TaskStarted&, CommandEffects& effects) {
  if (phase_ != CommandPhase::launching) return;
  outcome_.launched = true;
  phase_ = CommandPhase::running;
  if (connected_) effects.push_back(ReportStarted{});
}

void CommandMachine::on(Instant now, const LaunchFailed& failed, CommandEffects& effects) {
  if (task_over_) return;
  task_over_ = true;
  outcome_.launched = false;
  outcome_.launch_step = failed.step;
  outcome_.launch_errno = failed.error;
  begin_destroying(now, effects);
}

void CommandMachine::on(Instant now, const TaskExited& exited, CommandEffects& effects) {
  if (task_over_) return;
  task_over_ = true;
  // Killed between clone and exec: it ended by a signal, which is a better answer than "not
  // launched for no reason".
  outcome_.launched = true;
  outcome_.wait_status = exited.wait_status;
  if (alive()) {
    begin_destroying(now, effects);
  } else if (phase_ == CommandPhase::destroying) {
    effects.push_back(DestroyPass{});
  }
}

void CommandMachine::on(Instant, const ProcessReaped&, CommandEffects& effects) {
  // One less to wait for: look again at once instead of at the next retry.
  if (phase_ == CommandPhase::destroying) effects.push_back(DestroyPass{});
}

void CommandMachine::on(Instant now, const OomHit&, CommandEffects& effects) {
  if (outcome_.oom || phase_ > CommandPhase::destroying) return;
  outcome_.oom = true;
  if (!alive()) return;
  if (connected_) effects.push_back(ReportOom{});
  // As in Mesos, a container that hits its memory limit is over as a whole: which of its processes
  // the kernel picked says nothing about whether the rest can still do its work.
  begin_destroying(now, effects);
}

void CommandMachine::on(Instant now, const KillRequested& kill, CommandEffects& effects) {
  if (!alive()) return;
  outcome_.killed = true;
  const bool at_once = kill.grace <= Duration{} || phase_ == CommandPhase::launching;
  if (at_once) {
    begin_destroying(now, effects);
    return;
  }
  const Instant until = now + kill.grace;
  if (phase_ == CommandPhase::running) {
    phase_ = CommandPhase::terminating;
    deadline_ = until;
    effects.push_back(SignalTask{SIGTERM});
  } else {
    // A second kill may shorten the grace that was granted, never lengthen it.
    deadline_ = std::min(deadline_, until);
  }
}

void CommandMachine::on(Instant, const SignalRequested& signal, CommandEffects& effects) {
  if (phase_ == CommandPhase::running || phase_ == CommandPhase::terminating) {
    effects.push_back(SignalTask{signal.signal});
  }
}

void CommandMachine::on(Instant now, const Ticked&, CommandEffects& effects) {
  if (now < deadline_) return;
  deadline_ = Instant::max();
  switch (phase_) {
    case CommandPhase::terminating:
      begin_destroying(now, effects);
      break;
    case CommandPhase::destroying:
      effects.push_back(DestroyPass{});
      break;
    case CommandPhase::reporting:
      effects.push_back(StoreExit{});
      break;
    default:
      break;
  }
}

void CommandMachine::on(Instant, const AgentConnected&, CommandEffects& effects) {
  connected_ = true;
  switch (phase_) {
    case CommandPhase::running:
    case CommandPhase::terminating:
      effects.push_back(ReportStarted{});
      break;
    case CommandPhase::reporting:
      effects.push_back(ReportExited{});
      break;
    default:
      break;
  }
}

void CommandMachine::on(Instant, const AgentLost&, CommandEffects&) {
  connected_ = false;
}

void CommandMachine::on(Instant now, const DestroyPassed& passed, CommandEffects& effects) {
  if (phase_ != CommandPhase::destroying) return;
  if (passed.empty && task_over_) {
    begin_storing(effects);
    return;
  }
  if (now >= destroy_until_) {
    outcome_.leaked = true;
    begin_storing(effects);
    return;
  }
  deadline_ = std::min(now + destroy_retry_, destroy_until_);
  destroy_retry_ = std::min(destroy_retry_ * 2, options_.destroy_retry_most);
}

void CommandMachine::on(Instant, const ExitStored&, CommandEffects& effects) {
  if (phase_ != CommandPhase::storing && phase_ != CommandPhase::reporting) return;
  outcome_.durable = true;
  if (connected_) effects.push_back(ReportExited{});
  finish(effects);
}

void CommandMachine::on(Instant now, const ExitNotStored&, CommandEffects& effects) {
  if (phase_ == CommandPhase::storing) {
    phase_ = CommandPhase::reporting;
    if (connected_) effects.push_back(ReportExited{});
  }
  if (phase_ == CommandPhase::reporting) deadline_ = now + options_.store_retry;
}

void CommandMachine::on(Instant, const ExitAcknowledged&, CommandEffects& effects) {
  // The agent answers for the status from here on; before a report there is nothing to acknowledge.
  if (phase_ == CommandPhase::reporting) finish(effects);
}

void CommandMachine::begin_destroying(Instant now, CommandEffects& effects) {
  if (!alive()) return;
  phase_ = CommandPhase::destroying;
  deadline_ = Instant::max();
  destroy_until_ = now + options_.destroy_limit;
  destroy_retry_ = options_.destroy_retry_first;
  effects.push_back(DestroyPass{});
}

void CommandMachine::begin_storing(CommandEffects& effects) {
  phase_ = CommandPhase::storing;
  deadline_ = Instant::max();
  effects.push_back(StoreExit{});
}

void CommandMachine::finish(CommandEffects& effects) {
  phase_ = CommandPhase::done;
  deadline_ = Instant::max();
  effects.push_back(Finish{});
}

}  // namespace bourse::executor
