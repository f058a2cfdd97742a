#include "agent/core/pressure_controller.hpp"

#include <tuple>

namespace bourse::agent {

namespace {

std::string percent_text(std::int64_t permille) {
  return milli_text(permille * 100) + " %";
}

bool holds_lent(const UsageSample::Use& use) {
  return !use.allocated.revocable().empty();
}

}  // namespace

std::vector<Parameter> PressureController::parameters() {
  using Kind = Parameter::Kind;
  return {
      {"pressure-cpus", Kind::part, 950, 0, 100'000,
       "the part of the agent's cpus that containers may use together; 0: any"},
      {"pressure-mem", Kind::part, 950, 0, 100'000,
       "the part of the agent's memory that containers may use together; 0: any"},
      {"pressure-cpus-stall", Kind::part, 0, 0, 1000,
       "the part of ten seconds in which something may wait for a cpu (PSI); 0: any"},
      {"pressure-mem-stall", Kind::part, 100, 0, 1000,
       "the part of ten seconds in which something may wait for memory (PSI); 0: any"},
      {"pressure-for", Kind::duration, Duration::seconds(10).ns, 0, Duration::seconds(3600).ns,
       "how long it must last before a container goes, and before the next one"},
      {"pressure-victim",
       Kind::choice,
       0,
       0,
       1,
       "which container on lent resources goes first: the biggest user or the newest",
       {"biggest", "newest"}},
  };
}

PressureController::PressureController(const Parameters& parameters)
    : bounds_permille_{parameters.at("pressure-cpus"), parameters.at("pressure-mem"),
                       parameters.at("pressure-cpus-stall"), parameters.at("pressure-mem-stall")},
      patience_{parameters.at("pressure-for")},
      victim_(static_cast<Victim>(parameters.at("pressure-victim"))) {}

std::unique_ptr<QosController> PressureController::clone() const {
  return std::make_unique<PressureController>(*this);
}

std::optional<PressureController::Reading> PressureController::read(Gauge gauge,
                                                                    const UsageSample& sample) {
  if (gauge == cpus_waited_for || gauge == mem_waited_for) {
    const auto& waited =
        gauge == cpus_waited_for ? sample.pressure.cpu_permille : sample.pressure.memory_permille;
    if (!waited) return std::nullopt;
    const std::string what = gauge == cpus_waited_for ? "a cpu" : "memory";
    return Reading{*waited,
                   what + " was waited for in " + percent_text(*waited) + " of the last 10 s"};
  }
  const bool cpus = gauge == cpus_used;
  const std::int64_t total = sample.total.scalar_milli(cpus ? "cpus" : "mem");
  if (total <= 0) return std::nullopt;
  std::int64_t used = 0;
  for (const UsageSample::Use& use : sample.uses) used += cpus ? use.cpu_milli : use.memory_milli;
  const std::string words =
      cpus ? milli_text(used) + " of " + milli_text(total) + " cpus were used"
           : milli_text(used) + " of " + milli_text(total) + " MB of memory were used";
  return Reading{static_cast<std::int64_t>(static_cast<__int128>(used) * 1000 / total), words};
}

bool PressureController::is_past(Gauge gauge, std::int64_t permille, Instant now) {
  std::optional<Instant>& since = past_since_[gauge];
  const std::int64_t bound = bounds_permille_[gauge];
  if (permille >= bound) {
    if (!since) since = now;
  } else if (permille < bound * 9 / 10) {
    since.reset();
  }
  return since && now - *since >= patience_;
}

const UsageSample::Use* PressureController::victim(Gauge gauge, const UsageSample& sample) const {
  const bool cpus = gauge == cpus_used || gauge == cpus_waited_for;
  const auto weight = [&](const UsageSample::Use& use) {
    const std::int64_t used = cpus ? use.cpu_milli : use.memory_milli;
    return victim_ == Victim::newest ? std::tuple(use.since.ns, used)
                                     : std::tuple(used, use.since.ns);
  };
  const UsageSample::Use* out = nullptr;
  for (const UsageSample::Use& use : sample.uses) {
    if (holds_lent(use) && (out == nullptr || weight(use) > weight(*out))) out = &use;
  }
  return out;
}

// One at a time: its end may be enough.
std::vector<Eviction> PressureController::look(const UsageSample& sample) {
  std::vector<Eviction> out;
  for (std::size_t i = 0; i < kGauges; ++i) {
    const auto gauge = static_cast<Gauge>(i);
    if (bounds_permille_[gauge] == 0) continue;
    const auto reading = read(gauge, sample);
    if (!reading) {
      past_since_[gauge].reset();
      continue;
    }
    if (!is_past(gauge, reading->permille, sample.at) || !out.empty()) continue;
    const UsageSample::Use* use = victim(gauge, sample);
    if (use == nullptr) continue;
    const std::string lasted = std::to_string((sample.at - *past_since_[gauge]).ms());
    out.push_back({use->container_id, reading->words + ", at least " +
                                          percent_text(bounds_permille_[gauge]) + " for " + lasted +
                                          " ms; this container on lent resources used " +
                                          milli_text(use->cpu_milli) + " cpus and " +
                                          milli_text(use->memory_milli) + " MB"});
    for (auto& since : past_since_) {
      if (since) since = sample.at;
    }
  }
  return out;
}

void PressureController::fingerprint(Fingerprint& fp) const {
  for (const auto& since : past_since_) fp.add(since ? since->ns : std::int64_t{-1});
}

}  // namespace bourse::agent
