// What an agent has, as an operator names it and as calls want it back. Main thread; errors are
// sentences for a person.
#pragma once

#include <string>

#include "cli/api.hpp"
#include "cli/invocation.hpp"
#include "proto/v1/resource.pb.h"

namespace bourse::cli {

namespace v1 = mesos::v1;
using ResourceList = google::protobuf::RepeatedPtrField<v1::Resource>;

struct AgentStock {
  std::string id;
  ResourceList total;
};

// By its id, its host or host:port.
Result<AgentStock> find_agent(Api& api, const std::string& name);

// The reservation that counts; null: it is nobody's.
const v1::Resource::ReservationInfo* innermost(const v1::Resource& resource);
bool is_volume(const v1::Resource& resource);
// As a call takes it: in the newer form alone.
v1::Resource bare(v1::Resource resource);
std::string json_of(const ResourceList& list);

struct AgentCall {
  std::string type;   // "CREATE_VOLUMES"
  std::string field;  // "create_volumes"
};
// Makes the call and says that it is done; the exit code.
int change_agent(const Invocation& invocation, Api& api, const AgentCall& call,
                 const std::string& agent_id, const std::string& fields, const std::string& done);

int wrong_usage(const std::string& sentence);

}  // namespace bourse::cli
