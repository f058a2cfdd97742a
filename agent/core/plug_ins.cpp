#include "agent/core/plug_ins.hpp"

#include <algorithm>

#include "agent/core/pressure_controller.hpp"
#include "agent/core/usage_estimator.hpp"

namespace bourse::agent {

namespace {

template <typename Interface, typename Kind>
std::unique_ptr<Interface> make(const Parameters& parameters) {
  return std::make_unique<Kind>(parameters);
}
template <typename Interface>
std::unique_ptr<Interface> make_none(const Parameters&) {
  return nullptr;
}

template <typename Kind>
const Kind* find(const std::vector<Kind>& kinds, std::string_view name) {
  const auto it =
      std::find_if(kinds.begin(), kinds.end(), [&](const Kind& kind) { return kind.name == name; });
  return it == kinds.end() ? nullptr : &*it;
}

}  // namespace

const std::vector<EstimatorKind>& estimator_kinds() {
  static const std::vector<EstimatorKind> kinds = {
      {"none", {}, make_none<ResourceEstimator>},
      {"usage", UsageEstimator::parameters(), make<ResourceEstimator, UsageEstimator>},
  };
  return kinds;
}

const std::vector<ControllerKind>& controller_kinds() {
  static const std::vector<ControllerKind> kinds = {
      {"none", {}, make_none<QosController>},
      {"pressure", PressureController::parameters(), make<QosController, PressureController>},
  };
  return kinds;
}

const EstimatorKind* find_estimator(std::string_view name) {
  return find(estimator_kinds(), name);
}

const ControllerKind* find_controller(std::string_view name) {
  return find(controller_kinds(), name);
}

Parameters default_parameters() {
  Parameters out;
  for (const EstimatorKind& kind : estimator_kinds()) {
    for (const Parameter& one : kind.parameters) out[one.name] = one.value;
  }
  for (const ControllerKind& kind : controller_kinds()) {
    for (const Parameter& one : kind.parameters) out[one.name] = one.value;
  }
  return out;
}

}  // namespace bourse::agent
