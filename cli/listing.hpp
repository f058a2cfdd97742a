// What the lists of agents, frameworks and tasks share: sums of resources, and the agents' names.
// Main thread.
#pragma once

#include <map>
#include <string>

#include "cli/api.hpp"
#include "proto/v1/master_response.pb.h"

namespace bourse::cli {

using ResourceList = google::protobuf::RepeatedPtrField<mesos::v1::Resource>;

// What is lent and may be taken back is not one's own, and counted apart.
double sum_of(const ResourceList& resources, const char* name, bool revocable);
double both_of(const ResourceList& resources, const char* name);

// What people call each agent, by its id; of an answer to GET_AGENTS, or asked now.
std::map<std::string, std::string> names_of(const mesos::v1::master::Response& agents);
std::map<std::string, std::string> names_of_agents(Api& api);

}  // namespace bourse::cli
