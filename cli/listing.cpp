#include "cli/listing.hpp"

#include <vector>

#include "cli/table.hpp"

namespace bourse::cli {

using mesos::v1::master::Response;

double sum_of(const ResourceList& resources, const char* name, bool revocable) {
  double sum = 0;
  for (const auto& resource : resources) {
    if (resource.name() != name || resource.has_revocable() != revocable) continue;
    sum += resource.scalar().value();
  }
  return sum;
}

double both_of(const ResourceList& resources, const char* name) {
  return sum_of(resources, name, false) + sum_of(resources, name, true);
}

std::map<std::string, std::string> names_of(const Response& agents) {
  std::vector<AgentPlace> places;
  const auto add = [&](const mesos::v1::AgentInfo& info) {
    places.push_back({info.id().value(), info.hostname(), info.port()});
  };
  for (const auto& agent : agents.get_agents().agents()) add(agent.agent_info());
  for (const auto& agent : agents.get_agents().recovered_agents()) add(agent);
  return agent_names(places);
}

std::map<std::string, std::string> names_of_agents(Api& api) {
  Response response;
  if (!api.call(R"({"type":"GET_AGENTS"})", response).ok()) return {};
  return names_of(response);
}

}  // namespace bourse::cli
