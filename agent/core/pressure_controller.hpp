// PressureController, called "pressure": when cpus or memory are nearly used up, or waited for, for
// some time, a container on lent resources goes; if that does not help for as long again, the next.
//
// A gauge that has passed its bound is past it until it falls below nine tenths of it, so one that
// wavers around its bound counts as past it. Copyable; one owner, one thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/plug_in.hpp"
#include "agent/core/qos_controller.hpp"

namespace bourse::agent {

class PressureController : public QosController {
 public:
  static std::vector<Parameter> parameters();
  explicit PressureController(const Parameters& parameters);

  std::unique_ptr<QosController> clone() const override;
  std::vector<Eviction> look(const UsageSample& sample) override;
  void fingerprint(Fingerprint& fp) const override;

 private:
  enum class Victim : std::int64_t { biggest, newest };
  // In the order in which they are looked at.
  enum Gauge : std::size_t { cpus_used, mem_used, cpus_waited_for, mem_waited_for, kGauges };
  struct Reading {
    std::int64_t permille = 0;
    std::string words;
  };

  static std::optional<Reading> read(Gauge gauge, const UsageSample& sample);
  bool is_past(Gauge gauge, std::int64_t permille, Instant now);
  const UsageSample::Use* victim(Gauge gauge, const UsageSample& sample) const;

  std::array<std::int64_t, kGauges> bounds_permille_{};  // 0: not looked at
  Duration patience_;
  Victim victim_ = Victim::biggest;
  std::array<std::optional<Instant>, kGauges> past_since_;
};

}  // namespace bourse::agent
