#include "executors/shim/check_runner.hpp"

#include <utility>

namespace bourse::shim {

using namespace executor;

namespace {

CheckOptions options_of(const isolation::CheckSpec& spec, bool judges) {
  CheckOptions options;
  options.judges = judges;
  options.delay = Duration::milliseconds(spec.delay_ms);
  options.interval = Duration::milliseconds(spec.interval_ms);
  options.timeout = Duration::milliseconds(spec.timeout_ms);
  options.grace = Duration::milliseconds(spec.grace_ms);
  options.failures_most = spec.failures_most;
  return options;
}

}  // namespace

CheckRunner::CheckRunner(const isolation::LaunchRecord& record, const isolation::CheckSpec& spec,
                         bool judges, const ContainerTree& tree)
    : spec_(spec), tree_(tree), machine_(options_of(spec, judges)), prober_(record, spec) {}

void CheckRunner::begin(Instant now) {
  if (wanted()) step(now, CheckBegun{});
}

void CheckRunner::halt(Instant now) {
  step(now, CheckHalted{});
}

void CheckRunner::turn(Instant now) {
  if (now >= machine_.next_deadline()) step(now, CheckTicked{});
}

void CheckRunner::on_ready(Instant now) {
  ended(now, prober_.on_ready());
}

void CheckRunner::on_reaped(Instant now, pid_t pid, std::int32_t wait_status) {
  ended(now, prober_.on_reaped(pid, wait_status));
}

bool CheckRunner::take_news() {
  return std::exchange(news_, false);
}

bool CheckRunner::take_verdict() {
  return std::exchange(verdict_, false);
}

void CheckRunner::ended(Instant now, const std::optional<Look>& look) {
  if (look) step(now, LookEnded{look->good, look->value});
}

void CheckRunner::step(Instant now, decltype(CheckEvent::kind) kind) {
  CheckEffects effects;
  machine_.step({now, kind}, effects);
  for (const CheckEffect& effect : effects) {
    if (std::holds_alternative<BeginLook>(effect)) {
      ended(now, prober_.begin(tree_));
    } else if (std::holds_alternative<AbandonLook>(effect)) {
      prober_.abandon();
    } else if (std::holds_alternative<TellCheck>(effect)) {
      news_ = true;
    } else {
      verdict_ = true;
    }
  }
}

}  // namespace bourse::shim
