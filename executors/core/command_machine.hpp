// CommandMachine: what the shim decides about its one container, from launch to the last report.
// Deterministic: events in, effects out, time on the event; the shim's loop touches the world.
//
// Phases:
//   launching    the task has not exec'd yet
//   running      the task runs
//   terminating  SIGTERM was sent, the grace deadline is armed
//   destroying   the task is over (or never began); what is left of its tree is being killed
//   storing      the tree is gone or declared leaked; the exit record is on its way to disk
//   reporting    the record could not be stored yet: held in memory until it can or the agent has
//   it done         the shim may leave
// Invariants: (1) an exit is reported only after the tree is gone or leaked, (2) and after the
// first attempt to store it, (3) Finish is emitted once, as the last effect. Value; one owner, one
// thread.
#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "base/time.hpp"

namespace bourse::executor {

struct CommandOptions {
  Duration destroy_retry_first = Duration::milliseconds(1);
  Duration destroy_retry_most = Duration::milliseconds(100);
  Duration destroy_limit = Duration::seconds(30);  // then the container is LEAKED
  Duration store_retry = Duration::seconds(1);
};

// Everything the machine knows about how the container ended.
struct CommandOutcome {
  bool launched = false;         // false: launch_step and launch_errno say why not
  std::int32_t wait_status = 0;  // as waitpid gives it; meaningful when launched
  std::int32_t launch_step = 0;
  std::int32_t launch_errno = 0;
  bool oom = false;     // the memory limit was hit
  bool killed = false;  // somebody asked for the kill before the task ended
  bool leaked = false;  // processes were left that SIGKILL did not remove in time
  bool durable = false;

  bool operator==(const CommandOutcome&) const = default;
};

// Events.
struct TaskStarted {};
struct LaunchFailed {
  std::int32_t step = 0;
  std::int32_t error = 0;
};
struct TaskExited {
  std::int32_t wait_status = 0;
};
struct ProcessReaped {};  // some other process of the tree
struct OomHit {};
struct KillRequested {
  Duration grace;
};
struct SignalRequested {
  std::int32_t signal = 0;
};
struct Ticked {};
struct AgentConnected {};
struct AgentLost {};
struct DestroyPassed {
  bool empty = false;
};
struct ExitStored {};
struct ExitNotStored {};
struct ExitAcknowledged {};

struct CommandEvent {
  Instant now;
  std::variant<TaskStarted, LaunchFailed, TaskExited, ProcessReaped, OomHit, KillRequested,
               SignalRequested, Ticked, AgentConnected, AgentLost, DestroyPassed, ExitStored,
               ExitNotStored, ExitAcknowledged>
      kind;
};

// Effects.
struct SignalTask {
  std::int32_t signal = 0;
};
struct DestroyPass {};  // kill what is left once, answer with DestroyPassed
struct StoreExit {};    // answer with ExitStored or ExitNotStored
struct ReportStarted {};
struct ReportOom {};
struct ReportExited {};
struct Finish {};
using CommandEffect = std::variant<SignalTask, DestroyPass, StoreExit, ReportStarted, ReportOom,
                                   ReportExited, Finish>;
using CommandEffects = std::vector<CommandEffect>;

enum class CommandPhase : std::uint8_t {
  launching,
  running,
  terminating,
  destroying,
  storing,
  reporting,
  done,
};

class CommandMachine {
 public:
  explicit CommandMachine(CommandOptions options = {}) : options_(options) {}

  // Appends the consequences of the event, in the order in which they must happen.
  void step(const CommandEvent& event, CommandEffects& effects);

  // When the next Ticked is due; Instant::max() when nothing is armed.
  Instant next_deadline() const { return deadline_; }
  CommandPhase phase() const { return phase_; }
  const CommandOutcome& outcome() const { return outcome_; }

 private:
  void on(Instant now, const TaskStarted&, CommandEffects& effects);
  void on(Instant now, const LaunchFailed& failed, CommandEffects& effects);
  void on(Instant now, const TaskExited& exited, CommandEffects& effects);
  void on(Instant now, const ProcessReaped&, CommandEffects& effects);
  void on(Instant now, const OomHit&, CommandEffects& effects);
  void on(Instant now, const KillRequested& kill, CommandEffects& effects);
  void on(Instant now, const SignalRequested& signal, CommandEffects& effects);
  void on(Instant now, const Ticked&, CommandEffects& effects);
  void on(Instant now, const AgentConnected&, CommandEffects& effects);
  void on(Instant now, const AgentLost&, CommandEffects& effects);
  void on(Instant now, const DestroyPassed& passed, CommandEffects& effects);
  void on(Instant now, const ExitStored&, CommandEffects& effects);
  void on(Instant now, const ExitNotStored&, CommandEffects& effects);
  void on(Instant now, const ExitAcknowledged&, CommandEffects& effects);

  bool alive() const { return phase_ <= CommandPhase::terminating; }
  void begin_destroying(Instant now, CommandEffects& effects);
  void begin_storing(CommandEffects& effects);
  void finish(CommandEffects& effects);

  CommandOptions options_;
  CommandPhase phase_ = CommandPhase::launching;
  CommandOutcome outcome_;
  bool connected_ = false;
  bool task_over_ = false;  // its wait status (or the launch failure) is in outcome_
  Instant deadline_ = Instant::max();
  Instant destroy_until_ = Instant::max();
  Duration destroy_retry_;
};

}  // namespace bourse::executor
