// The state endpoints that Mesos had before its v1 operator API (/state, /state-summary, /slaves,
// /frameworks, /tasks), in its shapes, from a ViewState. One JSON text each, made in one go and
// never longer than it may be: where a cluster is too large for one answer, the refusal names the
// narrower ones (docs/decisions/0044-classic-reads.md). Pure; the view's thread.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "master/view/state.hpp"
#include "proto/codec/scheduler.hpp"

namespace bourse::master {

// 200,000 tasks of a kilobyte each, and what is around them.
inline constexpr std::size_t kMostClassicBytes = 256u << 20;
inline constexpr std::size_t kTasksUnlessAsked = 100;  // of /tasks

// What the process says of itself.
struct ClassicMaster {
  codec::MasterDescription master;
  WallTime started_at;
  WallTime elected_at;
  std::vector<std::pair<std::string, std::string>> flags;
};

// The parameters of a request, as the router decoded them; what is not known is ignored.
using ClassicQuery = std::map<std::string, std::string>;

struct ClassicQuestion {
  ClassicMaster self;
  ClassicQuery query;
  std::size_t most_bytes = kMostClassicBytes;
};

// too_large: over `most_bytes`. invalid: a parameter that makes no sense.
using ClassicAnswer = Result<std::string> (*)(const ViewState&, const ClassicQuestion&);
Result<std::string> classic_state(const ViewState& state, const ClassicQuestion& question);
Result<std::string> classic_state_summary(const ViewState& state, const ClassicQuestion& question);
Result<std::string> classic_slaves(const ViewState& state, const ClassicQuestion& question);
Result<std::string> classic_frameworks(const ViewState& state, const ClassicQuestion& question);
Result<std::string> classic_tasks(const ViewState& state, const ClassicQuestion& question);

}  // namespace bourse::master
