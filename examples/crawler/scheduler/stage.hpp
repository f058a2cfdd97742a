// The stages of the crawl, in the order of the flow, and what a worker of each is made of.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bourse::crawler {

enum class Stage : std::uint8_t { fetch = 0, extract, store };
inline constexpr std::array<Stage, 3> kStages = {Stage::fetch, Stage::extract, Stage::store};

const char* name_of(Stage stage);
std::optional<Stage> stage_of(std::string_view name);

// How many workers of a stage there shall be, and what each asks for.
struct StageSettings {
  std::uint32_t workers = 1;  // wanted now
  std::uint32_t least = 1;
  std::uint32_t most = 4;
  bool scales_itself = true;  // by queue depth; an operator's `scale` turns it off
  bool paused = false;
  std::int64_t cpu_milli = 500;
  std::int64_t memory_mb = 256;
  std::int64_t disk_mb = 0;
};

using StageTable = std::array<StageSettings, kStages.size()>;

}  // namespace bourse::crawler
