// The estimators and controllers that this build has, by name. To add one: its files, and a row
// here (docs/oversubscription.md).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/plug_in.hpp"
#include "agent/core/qos_controller.hpp"
#include "agent/core/resource_estimator.hpp"

namespace bourse::agent {

struct EstimatorKind {
  std::string name;
  std::vector<Parameter> parameters;
  std::unique_ptr<ResourceEstimator> (*make)(const Parameters&);
};
struct ControllerKind {
  std::string name;
  std::vector<Parameter> parameters;
  std::unique_ptr<QosController> (*make)(const Parameters&);
};

// The first of each is "none", which makes nothing.
const std::vector<EstimatorKind>& estimator_kinds();
const std::vector<ControllerKind>& controller_kinds();

// Null: there is none of that name.
const EstimatorKind* find_estimator(std::string_view name);
const ControllerKind* find_controller(std::string_view name);

// Every parameter of every plug-in as it is unless it is set.
Parameters default_parameters();

}  // namespace bourse::agent
