// From what the core wants started to what the container runtime starts: decodes the descriptions,
// lays out the sandbox and the environment that executors of Mesos v1 expect. Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "agent/core/effect.hpp"
#include "agent/isolation/container.hpp"
#include "base/result.hpp"
#include "model/fetch_list.hpp"

namespace bourse::agent {

struct SpecContext {
  std::string work_dir;
  std::string ip;
  std::string agent_id;
  std::string agent_pid;        // "slave(1)@127.0.0.1:5051"
  std::string agent_endpoint;   // "127.0.0.1:5051"
  std::string executor_socket;  // path
  std::string fetcher;          // path of bourse-fetch
  Duration recovery_timeout = Duration::seconds(900);
  std::int64_t pids_limit = 4096;
  bool lent_cpus_yield = true;  // lent cpus get few shares
  bool switch_user = true;      // false without root: everything runs as this agent
};

// <work_dir>/slaves/<agent>/frameworks/<framework>/executors/<executor>/runs/<container>
std::string sandbox_of(const std::string& work_dir, const std::string& agent_id,
                       const std::string& framework_id, const std::string& executor_id,
                       const std::string& container_id);
// A name as one path component: every byte that could mean something in a path is written %XX.
std::string path_component(const std::string& name);

// unsupported: it asks for what this agent cannot do (an image); the sentence says which field.
Result<isolation::ContainerSpec> container_spec(const StartContainer& start,
                                                const SpecContext& context);

// What a container of these resources may use, before what its task says of limits.
isolation::ResourceLimits limits_of(const Resources& resources, const SpecContext& context);

// What its command wants in the sandbox before it starts. unsupported, invalid, too_large: the
// sentence says which field.
Result<std::vector<FetchItem>> files_of(const StartContainer& start);

// "5secs", as executors parse it.
std::string mesos_duration(Duration duration);

}  // namespace bourse::agent
