#include "examples/crawler/scheduler/operation.hpp"

#include <nlohmann/json.hpp>

namespace bourse::crawler {
namespace {

using Json = nlohmann::json;

constexpr std::uint32_t kMostWorkers = 256;

Result<std::string> text_field(const Json& object, const char* field) {
  const auto it = object.find(field);
  if (it == object.end() || !it->is_string()) {
    return invalid(std::string(field) + ": a string is wanted");
  }
  return it->get<std::string>();
}

Result<Stage> stage_field(const Json& object) {
  const Result<std::string> name = text_field(object, "stage");
  if (!name.ok()) return name.error();
  const std::optional<Stage> stage = stage_of(*name);
  if (!stage) return invalid("stage: \"" + *name + "\" is none of fetch, extract, store");
  return *stage;
}

Result<Operation> parse_pause(const Json& object, bool paused) {
  if (!object.contains("stage")) return Operation(PauseCrawl{paused});
  const Result<Stage> stage = stage_field(object);
  if (!stage.ok()) return stage.error();
  return Operation(PauseStage{*stage, paused});
}

Result<Operation> parse_scale(const Json& object) {
  const Result<Stage> stage = stage_field(object);
  if (!stage.ok()) return stage.error();
  const auto workers = object.find("workers");
  if (workers != object.end() && workers->is_string() && *workers == "auto") {
    return Operation(AutoScaleStage{*stage});
  }
  if (workers == object.end() || !workers->is_number_unsigned() || *workers < 1 ||
      *workers > kMostWorkers) {
    return invalid("workers: a number from 1 to " + std::to_string(kMostWorkers) +
                   ", or \"auto\", is wanted");
  }
  return Operation(ScaleStage{*stage, workers->get<std::uint32_t>()});
}

Result<Operation> parse_rate(const Json& object) {
  Result<std::string> host = text_field(object, "host");
  if (!host.ok()) return host.error();
  const auto rate = object.find("per_s");
  if (rate == object.end() || !rate->is_number() || !(rate->get<double>() >= 0.001) ||
      !(rate->get<double>() <= 10'000.0)) {
    return invalid("per_s: requests per second, from 0.001 to 10000, are wanted");
  }
  const double per_s = rate->get<double>();
  // 2.5 a second is two in 0.8 s; below one a second it is one in a longer window.
  Pace pace;
  if (per_s < 1.0) {
    pace = {1, Duration::nanoseconds(static_cast<std::int64_t>(1e9 / per_s))};
  } else {
    const auto requests = static_cast<std::uint32_t>(per_s);
    pace = {requests, Duration::nanoseconds(static_cast<std::int64_t>(requests * 1e9 / per_s))};
  }
  return Operation(ChangeRate{*std::move(host), pace});
}

}  // namespace

Result<Operation> parse_operation(std::string_view json) {
  const Json object = Json::parse(json, nullptr, false);
  if (!object.is_object()) return invalid("the body is not a JSON object");
  const Result<std::string> op = text_field(object, "op");
  if (!op.ok()) return op.error();
  if (*op == "pause") return parse_pause(object, true);
  if (*op == "resume") return parse_pause(object, false);
  if (*op == "scale") return parse_scale(object);
  if (*op == "rate") return parse_rate(object);
  if (*op == "drain" || *op == "undrain") {
    Result<std::string> host = text_field(object, "host");
    if (!host.ok()) return host.error();
    return Operation(DrainHost{*std::move(host), *op == "drain"});
  }
  return invalid("op: \"" + *op + "\" is none of pause, resume, scale, rate, drain, undrain");
}

}  // namespace bourse::crawler
