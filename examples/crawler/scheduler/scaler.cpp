#include "examples/crawler/scheduler/scaler.hpp"

#include <algorithm>
#include <array>

namespace bourse::crawler {
namespace {

constexpr std::uint64_t kLeastBacklog = 32;  // fewer waiting is no backlog, however slow the stage
constexpr std::uint32_t kBusyLooks = 2;
constexpr std::uint32_t kIdleLooks = 20;

}  // namespace

std::uint32_t Scaler::look(const StageSettings& settings, std::uint64_t queue,
                           std::uint64_t in_flight, double done_per_s) {
  if (!settings.scales_itself || settings.paused) {
    busy_looks_ = idle_looks_ = 0;
    return settings.workers;
  }
  // More than a quarter of a second's work waits.
  const double backlog = std::max(done_per_s / 4.0, static_cast<double>(kLeastBacklog));
  const bool busy = static_cast<double>(queue) > backlog;
  const bool idle = queue == 0 && in_flight <= settings.workers;
  busy_looks_ = busy ? busy_looks_ + 1 : 0;
  idle_looks_ = idle ? idle_looks_ + 1 : 0;
  if (busy_looks_ >= kBusyLooks && settings.workers < settings.most) {
    busy_looks_ = 0;
    return settings.workers + 1;
  }
  if (idle_looks_ >= kIdleLooks && settings.workers > settings.least) {
    idle_looks_ = 0;
    return settings.workers - 1;
  }
  return settings.workers;
}

const char* name_of(Stage stage) {
  static constexpr std::array<const char*, kStages.size()> kNames = {"fetch", "extract", "store"};
  return kNames[static_cast<std::size_t>(stage)];
}

std::optional<Stage> stage_of(std::string_view name) {
  for (const Stage stage : kStages) {
    if (name == name_of(stage)) return stage;
  }
  return std::nullopt;
}

}  // namespace bourse::crawler
