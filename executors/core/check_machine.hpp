// CheckMachine: when one check of a task is made, and what its outcomes mean. Deterministic: events
// in, effects out, time on the event; the shim makes the checks.
//
// Phases:
//   idle      not begun yet, or over: nothing is armed
//   waiting   the next look is armed
//   looking   one look is under way; its timeout is armed
// A health check judges: failures of a task that was never well do not count within the grace, and
// so many failures in a row end it, once. A plain check tells values and judges nothing.
// Value; one owner, one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "base/time.hpp"

namespace bourse::executor {

struct CheckOptions {
  bool judges = false;  // a health check
  Duration delay;       // from the task's start to the first look
  Duration interval;    // from the end of a look to the next
  Duration timeout;     // of a look; zero: none
  Duration grace;       // from the task's start
  std::uint32_t failures_most = 0;
};

// What somebody asks for in vain stays bounded: a look costs a process or a connection.
inline constexpr Duration kLeastCheckInterval = Duration::milliseconds(100);

// Events.
struct CheckBegun {};  // the task runs
struct LookEnded {
  bool good = false;
  std::optional<std::int32_t> value;  // absent: it could not be made
};
struct CheckTicked {};
struct CheckHalted {};  // the task is ending

struct CheckEvent {
  Instant now;
  std::variant<CheckBegun, LookEnded, CheckTicked, CheckHalted> kind;
};

// Effects.
struct BeginLook {};
struct AbandonLook {};  // no LookEnded of it may follow
struct TellCheck {};    // health() or value() changed
struct EndUnhealthy {};
using CheckEffect = std::variant<BeginLook, AbandonLook, TellCheck, EndUnhealthy>;
using CheckEffects = std::vector<CheckEffect>;

class CheckMachine {
 public:
  explicit CheckMachine(CheckOptions options = {}) : options_(options) {}

  // Appends the consequences of the event, in the order in which they must happen.
  void step(const CheckEvent& event, CheckEffects& effects);

  // When the next CheckTicked is due; Instant::max() when nothing is armed.
  Instant next_deadline() const { return deadline_; }
  // Absent until the first outcome that counts.
  std::optional<bool> health() const { return health_; }
  std::optional<std::int32_t> value() const { return value_; }
  std::uint32_t failures() const { return failures_; }

 private:
  enum class Phase : std::uint8_t { idle, waiting, looking };

  void judge(Instant now, const LookEnded& look, CheckEffects& effects);
  void wait(Instant now);
  void halt(CheckEffects& effects);

  CheckOptions options_;
  Phase phase_ = Phase::idle;
  bool over_ = false;
  bool was_well_ = false;
  std::optional<bool> health_;
  std::optional<std::int32_t> value_;
  std::uint32_t failures_ = 0;
  Instant begun_;
  Instant deadline_ = Instant::max();
};

}  // namespace bourse::executor
