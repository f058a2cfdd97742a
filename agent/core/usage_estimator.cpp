#include "agent/core/usage_estimator.hpp"

#include <algorithm>

namespace bourse::agent {

namespace {

// A hundredth of a cpu and a megabyte: less is not worth a message.
constexpr std::int64_t kCpuGrainMilli = 10;
constexpr std::int64_t kMemoryGrainMilli = 1'000;

std::int64_t round_down(std::int64_t amount, std::int64_t grain) {
  return std::max<std::int64_t>(amount, 0) / grain * grain;
}

}  // namespace

std::vector<Parameter> UsageEstimator::parameters() {
  using Kind = Parameter::Kind;
  return {
      {"usage-window", Kind::duration, Duration::seconds(600).ns, Duration::seconds(1).ns,
       Duration::seconds(24 * 3600).ns, "the time that the estimator usage looks back"},
      {"usage-percentile", Kind::part, 950, 1, 1000,
       "the part of the window in which a container used no more than is kept for it"},
      {"usage-margin", Kind::part, 100, 0, 1000,
       "the part of what a container was allocated that is never lent"},
      {"usage-lends",
       Kind::choice,
       0,
       0,
       1,
       "what the estimator usage lends",
       {"cpus", "cpus+mem"}},
  };
}

UsageEstimator::UsageEstimator(const Parameters& parameters)
    : window_{parameters.at("usage-window")},
      percentile_permille_(parameters.at("usage-percentile")),
      margin_permille_(parameters.at("usage-margin")),
      lends_memory_(parameters.at("usage-lends") == 1) {}

std::unique_ptr<ResourceEstimator> UsageEstimator::clone() const {
  return std::make_unique<UsageEstimator>(*this);
}

// What it holds of its own: what was lent to it is not lent again.
UsageEstimator::Amounts UsageEstimator::own_of(const Resources& allocated) {
  const Resources own = allocated.non_revocable();
  return {own.scalar_milli("cpus"), own.scalar_milli("mem")};
}

void UsageEstimator::add(History& history, const UsageSample::Use& use, Instant at) const {
  const Amounts own = own_of(use.allocated);
  const bool grew = own.cpu_milli > history.allocated.cpu_milli ||
                    own.memory_milli > history.allocated.memory_milli;
  // What came into it has no history yet.
  if (history.seen == 0 || grew) history = {at, own, {}, 0};
  history.allocated = own;
  const std::int64_t length = std::max<std::int64_t>(window_.ns / kSlots, 1);
  const std::int64_t number = at.ns / length;
  std::deque<Slot>& slots = history.slots;
  while (!slots.empty() && slots.front().number <= number - kSlots) slots.pop_front();
  if (slots.empty() || slots.back().number != number) slots.push_back({number, {}});
  Amounts& most = slots.back().most;
  most.cpu_milli = std::max(most.cpu_milli, use.cpu_milli);
  most.memory_milli = std::max(most.memory_milli, use.memory_milli);
}

void UsageEstimator::look(const UsageSample& sample) {
  ++samples_;
  for (const UsageSample::Use& use : sample.uses) {
    History& history = histories_[use.container_id];
    add(history, use, sample.at);
    history.seen = samples_;
  }
  std::erase_if(histories_, [this](const auto& entry) { return entry.second.seen != samples_; });
}

std::int64_t UsageEstimator::nearly_most(const History& history, std::int64_t Amounts::*of) const {
  std::vector<std::int64_t> amounts;
  amounts.reserve(history.slots.size());
  for (const Slot& slot : history.slots) amounts.push_back(slot.most.*of);
  if (amounts.empty()) return history.allocated.*of;
  const auto count = static_cast<std::int64_t>(amounts.size());
  const std::int64_t rank = (count * percentile_permille_ + 999) / 1000;  // nearest rank, from 1
  const auto at = amounts.begin() + std::clamp<std::int64_t>(rank - 1, 0, count - 1);
  std::nth_element(amounts.begin(), at, amounts.end());
  return *at;
}

// A container that uses more than it was allocated uses what another one leaves.
Quantities UsageEstimator::estimate(Instant now) const {
  Amounts idle;
  for (const auto& entry : histories_) {
    const auto& history = entry.second;
    if (now - history.since < window_) continue;
    const auto of = [&](std::int64_t Amounts::*amount) {
      const std::int64_t allocated = history.allocated.*amount;
      return allocated - allocated / 1000 * margin_permille_ -
             allocated % 1000 * margin_permille_ / 1000 - nearly_most(history, amount);
    };
    idle.cpu_milli += of(&Amounts::cpu_milli);
    if (lends_memory_) idle.memory_milli += of(&Amounts::memory_milli);
  }
  return {{"cpus", round_down(idle.cpu_milli, kCpuGrainMilli)},
          {"mem", round_down(idle.memory_milli, kMemoryGrainMilli)}};
}

void UsageEstimator::fingerprint(Fingerprint& fp) const {
  fp.add(samples_);
  for (const auto& [id, history] : histories_) {
    fp.add(id.raw());
    fp.add(history.since.ns);
    fp.add(history.allocated.cpu_milli);
    fp.add(history.allocated.memory_milli);
    for (const Slot& slot : history.slots) {
      fp.add(slot.number);
      fp.add(slot.most.cpu_milli);
      fp.add(slot.most.memory_milli);
    }
  }
}

}  // namespace bourse::agent
