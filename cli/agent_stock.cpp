#include "cli/agent_stock.hpp"

#include <cstdio>
#include <vector>

#include "proto/codec/json.hpp"
#include "proto/v1/master_response.pb.h"

namespace bourse::cli {

using Response = v1::master::Response;

int wrong_usage(const std::string& sentence) {
  std::fprintf(stderr, "bourse %s\n", sentence.c_str());
  return 2;
}

// By its id, its host or host:port.
Result<AgentStock> find_agent(Api& api, const std::string& name) {
  Response response;
  if (const Status asked = api.call("{\"type\":\"GET_AGENTS\"}", response); !asked.ok()) {
    return asked.error();
  }
  std::vector<const Response::GetAgents::Agent*> found;
  for (const auto& agent : response.get_agents().agents()) {
    const auto& info = agent.agent_info();
    const std::string with_port = info.hostname() + ":" + std::to_string(info.port());
    if (info.id().value() == name) return AgentStock{name, agent.total_resources()};
    if (info.hostname() == name || with_port == name) found.push_back(&agent);
  }
  if (found.empty()) {
    return Error{ErrorCode::not_found,
                 "agent '" + name + "' is not in this cluster (bourse agents lists them)"};
  }
  if (found.size() > 1) {
    return invalid("agent '" + name + "' is " + std::to_string(found.size()) +
                   " agents: give host:port or the id");
  }
  return AgentStock{found.front()->agent_info().id().value(), found.front()->total_resources()};
}

const v1::Resource::ReservationInfo* innermost(const v1::Resource& resource) {
  const int count = resource.reservations_size();
  return count == 0 ? nullptr : &resource.reservations(count - 1);
}

bool is_volume(const v1::Resource& resource) {
  return resource.disk().has_persistence();
}

v1::Resource bare(v1::Resource resource) {
  resource.clear_role();
  resource.clear_reservation();
  resource.clear_allocation_info();
  return resource;
}

std::string json_of(const ResourceList& list) {
  std::string out = "[";
  for (const v1::Resource& resource : list) {
    if (out.size() > 1) out += ',';
    out += codec::to_json(resource);
  }
  return out + "]";
}

int change_agent(const Invocation& invocation, Api& api, const AgentCall& call,
                 const std::string& agent_id, const std::string& fields, const std::string& done) {
  return call_and_say(invocation, api,
                      "{\"type\":\"" + call.type + "\",\"" + call.field +
                          "\":{\"agent_id\":{\"value\":" + json_text(agent_id) + "}," + fields +
                          "}}",
                      done);
}

}  // namespace bourse::cli
