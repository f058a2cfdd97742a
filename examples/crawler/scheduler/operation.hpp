// Operation: what an operator can do to a running crawl, read from JSON (docs/crawler.md lists the
// forms). Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "base/result.hpp"
#include "examples/crawler/robots/robots.hpp"
#include "examples/crawler/scheduler/stage.hpp"

namespace bourse::crawler {

struct PauseStage {
  Stage stage = Stage::fetch;
  bool paused = true;
};
struct PauseCrawl {
  bool paused = true;
};
struct ScaleStage {
  Stage stage = Stage::fetch;
  std::uint32_t workers = 1;
};
struct AutoScaleStage {
  Stage stage = Stage::fetch;
};
struct ChangeRate {
  std::string host;
  Pace pace;
};
struct DrainHost {
  std::string host;
  bool drained = true;
};

using Operation =
    std::variant<PauseStage, PauseCrawl, ScaleStage, AutoScaleStage, ChangeRate, DrainHost>;

Result<Operation> parse_operation(std::string_view json);

}  // namespace bourse::crawler
