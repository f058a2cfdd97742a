// Oversubscription: the part of an agent core that lends what is allocated and not used, and takes
// it back. It samples, asks its plug-ins, tells the master, and ends who has to go. Value.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "agent/core/plug_in.hpp"
#include "agent/core/qos_controller.hpp"
#include "agent/core/resource_estimator.hpp"
#include "base/time.hpp"

namespace bourse::agent {

struct OversubscriptionConfig {
  std::string estimator = "none";   // of estimator_kinds()
  std::string controller = "none";  // of controller_kinds()
  Parameters parameters;            // those that are set
  Duration sample_interval = Duration::seconds(5);
  Duration report_interval = Duration::seconds(15);  // what may be lent is told this often at most
  Duration correction_interval_min;                  // between two questions to the controller
};

struct Oversubscription {
  // What a container's counters said last.
  struct Meter {
    Instant since;
    Instant at;
    std::int64_t cpu_ns = 0;
  };

  Owned<ResourceEstimator> estimator;
  Owned<QosController> controller;
  std::map<ContainerId, Meter> meters;
  Resources lent;  // as the master was told, or will be when it is there
  std::optional<Instant> corrected_at;

  bool on() const { return estimator || controller; }
};

}  // namespace bourse::agent
