#include "agent/shell/oversubscription_flags.hpp"

#include <algorithm>

#include "agent/core/plug_ins.hpp"
#include "runtime/units.hpp"

namespace bourse::agent {

namespace {

using Kind = Parameter::Kind;

template <typename Kinds>
std::string names_of(const Kinds& kinds) {
  std::string out;
  for (const auto& kind : kinds) out += (out.empty() ? "" : ", ") + kind.name;
  return out;
}

std::string words_of(const Parameter& parameter) {
  std::string out;
  for (const std::string& word : parameter.choices) out += (out.empty() ? "" : " or ") + word;
  return out;
}

std::string part_text(std::int64_t permille) {
  return milli_text(permille);
}

}  // namespace

OversubscriptionFlags::OversubscriptionFlags(runtime::Flags& flags, AgentOptions& options)
    : options_(options) {
  OversubscriptionConfig& config = options.oversubscription;
  flags.add("resource-estimator", config.estimator,
            "who says what of the allocated resources may be lent: " + names_of(estimator_kinds()));
  flags.add("qos-controller", config.controller,
            "who says which tasks on lent resources have to go: " + names_of(controller_kinds()));
  flags.add("oversubscribed-resources-interval", config.report_interval,
            "how often the master is told of what may be lent, at most");
  flags.add("qos-correction-interval-min", config.correction_interval_min,
            "the time between two questions to the QoS controller, at least");
  flags.add("usage-sample-interval", config.sample_interval,
            "how often the use of containers is measured, for estimator and controller");
  flags.add("revocable-cpu-low-priority", options.lent_cpus_yield,
            "lent cpus get few cpu shares (needs cgroups)");
  for (const EstimatorKind& kind : estimator_kinds()) {
    for (const Parameter& parameter : kind.parameters) add(flags, parameter);
  }
  for (const ControllerKind& kind : controller_kinds()) {
    for (const Parameter& parameter : kind.parameters) add(flags, parameter);
  }
}

void OversubscriptionFlags::add(runtime::Flags& flags, const Parameter& parameter) {
  Text& text = texts_.emplace_back(Text{parameter, {}, 0, {}});
  switch (parameter.kind) {
    case Kind::duration:
      text.duration = Duration{parameter.value};
      flags.add(parameter.name, text.duration, parameter.help);
      return;
    case Kind::part:
      text.part = static_cast<double>(parameter.value) / 1000;
      flags.add(parameter.name, text.part, parameter.help);
      return;
    case Kind::choice:
      text.word = parameter.choices[static_cast<std::size_t>(parameter.value)];
      flags.add(parameter.name, text.word, parameter.help);
      return;
  }
}

Result<std::int64_t> OversubscriptionFlags::value_of(const Text& text) {
  const Parameter& parameter = text.parameter;
  const std::string flag = "--" + parameter.name + ": ";
  switch (parameter.kind) {
    case Kind::duration:
      if (text.duration.ns >= parameter.least && text.duration.ns <= parameter.most) {
        return text.duration.ns;
      }
      return invalid(flag + runtime::duration_text(text.duration) + " is not between " +
                     runtime::duration_text(Duration{parameter.least}) + " and " +
                     runtime::duration_text(Duration{parameter.most}));
    case Kind::part: {
      const double permille = text.part * 1000 + 0.5;
      const auto least = static_cast<double>(parameter.least);
      const auto most = static_cast<double>(parameter.most);
      // Written so that what is not a number is refused.
      if (permille >= least && permille < most + 1) return static_cast<std::int64_t>(permille);
      return invalid(flag + std::to_string(text.part) + " is not between " +
                     part_text(parameter.least) + " and " + part_text(parameter.most));
    }
    case Kind::choice: {
      const auto& words = parameter.choices;
      const auto it = std::find(words.begin(), words.end(), text.word);
      if (it != words.end()) return static_cast<std::int64_t>(it - words.begin());
      return invalid(flag + "'" + text.word + "' is not " + words_of(parameter));
    }
  }
  return parameter.value;
}

Status OversubscriptionFlags::take() {
  OversubscriptionConfig& config = options_.oversubscription;
  if (find_estimator(config.estimator) == nullptr) {
    return invalid("--resource-estimator: '" + config.estimator +
                   "' is not one of: " + names_of(estimator_kinds()));
  }
  if (find_controller(config.controller) == nullptr) {
    return invalid("--qos-controller: '" + config.controller +
                   "' is not one of: " + names_of(controller_kinds()));
  }
  const std::pair<const char*, Duration> spans[] = {
      {"oversubscribed-resources-interval", config.report_interval},
      {"usage-sample-interval", config.sample_interval}};
  for (const auto& [name, span] : spans) {
    if (span >= Duration::milliseconds(10)) continue;
    return invalid(std::string("--") + name + ": " + runtime::duration_text(span) +
                   " is less than 10ms");
  }
  if (config.correction_interval_min < Duration{}) {
    return invalid("--qos-correction-interval-min: must not be negative");
  }
  for (const Text& text : texts_) {
    const auto value = value_of(text);
    if (!value.ok()) return value.error();
    config.parameters[text.parameter.name] = value.value();
  }
  return {};
}

}  // namespace bourse::agent
