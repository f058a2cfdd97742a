// PrincipalLimits: how many calls a second and how many open streams one principal may have at the
// scheduler API. A principal is what authentication says, else what framework_info names; those
// that name none are one together. Zero sets no limit.
//
// Value, one thread. Bounded by the streams that are open: a principal without one has no row but
// for the second in which it called.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/time.hpp"

namespace bourse {

struct PrincipalLimitsConfig {
  std::uint32_t calls_per_second = 0;
  std::uint32_t streams = 0;
};

class PrincipalLimits {
 public:
  explicit PrincipalLimits(PrincipalLimitsConfig config) : config_(config) {}

  const PrincipalLimitsConfig& config() const { return config_; }
  // Counts a call. False: it is one too many. What was not used in a second may come at once.
  bool take_call(const std::string& principal, Instant now);
  // False: the principal has as many as it may.
  bool open_stream(const std::string& principal);
  void close_stream(const std::string& principal);

  std::size_t rows() const { return rows_.size(); }

 private:
  struct Row {
    std::uint32_t streams = 0;
    Instant paid_until;  // the calls so far, each paid with its part of a second
  };

  void forget_idle(Instant now);

  PrincipalLimitsConfig config_;
  std::map<std::string, Row> rows_;
  Instant sweep_at_;
};

}  // namespace bourse
