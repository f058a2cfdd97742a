// Answers to operator calls that read (mesos.v1.master.Response), from a ViewState. Bodies are
// whole HTTP bodies. Pure; the view's thread.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "master/view/query.hpp"
#include "master/view/state.hpp"

namespace bourse::master {

using Metrics = std::vector<std::pair<std::string, double>>;

std::string answer_agents(const ViewState& state, codec::Encoding encoding,
                          const AgentQuery& query);
std::string answer_frameworks(const ViewState& state, codec::Encoding encoding,
                              const FrameworkQuery& query);
std::string answer_tasks(const ViewState& state, codec::Encoding encoding, const TaskQuery& query);
std::string answer_executors(const ViewState& state, codec::Encoding encoding);
std::string answer_operations(const ViewState& state, codec::Encoding encoding);
std::string answer_roles(const ViewState& state, codec::Encoding encoding);
std::string answer_weights(const ViewState& state, codec::Encoding encoding);
std::string answer_quotas(const ViewState& state, codec::Encoding encoding);
std::string answer_schedule(const ViewState& state, codec::Encoding encoding);
std::string answer_maintenance_status(const ViewState& state, codec::Encoding encoding);
// The same as JSON, with nothing around it.
std::string plain_schedule(const ViewState& state);
std::string plain_maintenance_status(const ViewState& state);
std::string answer_state(const ViewState& state, codec::Encoding encoding);
std::string answer_metrics(const Metrics& metrics, codec::Encoding encoding);

// EXPLAIN_FRAMEWORK, always JSON; empty if the view has forgotten it.
std::string answer_explanation(const ViewState& state, const FrameworkId& framework_id);

// Counts of the cluster under the names that Mesos' monitoring reads.
Metrics cluster_metrics(const ViewState& state);

// A document that a framework published: not_found with a sentence.
Result<std::string> published_document(const ViewState& state, const FrameworkId& framework_id,
                                       const std::string& name);

}  // namespace bourse::master
