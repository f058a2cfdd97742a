#include "executors/core/check_machine.hpp"

#include <algorithm>

namespace bourse::executor {

void CheckMachine::step(const CheckEvent& event, CheckEffects& effects) {
  if (over_) return;
  if (std::holds_alternative<CheckBegun>(event.kind)) {
    if (phase_ != Phase::idle) return;
    begun_ = event.now;
    phase_ = Phase::waiting;
    deadline_ = event.now + options_.delay;
  } else if (const auto* look = std::get_if<LookEnded>(&event.kind)) {
    if (phase_ != Phase::looking) return;
    wait(event.now);
    judge(event.now, *look, effects);
  } else if (std::holds_alternative<CheckHalted>(event.kind)) {
    halt(effects);
  } else if (event.now >= deadline_ && phase_ == Phase::waiting) {
    phase_ = Phase::looking;
    const bool timed = options_.timeout > Duration{};
    deadline_ = timed ? event.now + options_.timeout : Instant::max();
    effects.push_back(BeginLook{});
  } else if (event.now >= deadline_ && phase_ == Phase::looking) {
    effects.push_back(AbandonLook{});
    wait(event.now);
    judge(event.now, {}, effects);
  }
}

void CheckMachine::wait(Instant now) {
  phase_ = Phase::waiting;
  deadline_ = now + std::max(options_.interval, kLeastCheckInterval);
}

void CheckMachine::judge(Instant now, const LookEnded& look, CheckEffects& effects) {
  if (!options_.judges) {
    if (value_ == look.value) return;
    value_ = look.value;
    effects.push_back(TellCheck{});
    return;
  }
  if (look.good) {
    was_well_ = true;
    failures_ = 0;
    if (health_ == true) return;
    health_ = true;
    effects.push_back(TellCheck{});
    return;
  }
  // It may still be on its way up.
  if (!was_well_ && options_.grace > Duration{} && now <= begun_ + options_.grace) return;
  ++failures_;
  const bool ends = failures_ >= options_.failures_most;
  if (health_ != false) {
    health_ = false;
    effects.push_back(TellCheck{});
  }
  if (!ends) return;
  halt(effects);
  effects.push_back(EndUnhealthy{});
}

void CheckMachine::halt(CheckEffects& effects) {
  if (phase_ == Phase::looking) effects.push_back(AbandonLook{});
  phase_ = Phase::idle;
  over_ = true;
  deadline_ = Instant::max();
}

}  // namespace bourse::executor
