// Facets: of each public description (framework, agent, executor, task) the part that cores decide
// on, beside the whole description as an immutable canonical Blob. The codec makes them after
// validating the whole message; a core never parses. Two descriptions are equal when their blobs'
// digests are. Values; copying shares the blob.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/digest.hpp"
#include "base/memo.hpp"
#include "base/time.hpp"
#include "model/ids.hpp"
#include "model/resources.hpp"

namespace bourse {

struct Attribute {
  enum class Kind : std::uint8_t { scalar = 0, ranges = 1, set = 2, text = 3 };  // as on the wire

  std::string name;
  Kind kind = Kind::text;
  std::int64_t scalar_milli = 0;
  IntervalSet ranges;
  std::vector<std::string> items;
  std::string text;

  bool operator==(const Attribute&) const = default;
};

struct Domain {
  std::string region;  // empty: none configured
  std::string zone;

  auto operator<=>(const Domain&) const = default;
};

struct HostPort {
  std::string hostname;
  std::string ip;
  std::uint16_t port = 0;

  auto operator<=>(const HostPort&) const = default;
};

// mesos.v1.AgentInfo with what the agent adds when it registers.
struct AgentFacet {
  AgentId id;  // empty until a master gave one
  std::string hostname;
  HostPort http;  // where the agent's own HTTP API listens
  Resources total;
  std::vector<Attribute> attributes;
  Domain domain;
  std::string version;
  Blob description;  // canonical mesos.v1.AgentInfo without the id
  Memo offer_form;   // for the codec: what of it stands in every offer

  bool operator==(const AgentFacet&) const = default;
};

// Bits of FrameworkInfo.Capability; the bit's position is the wire number.
struct Capabilities {
  std::uint32_t bits = 0;

  enum Capability : std::uint32_t {
    revocable_resources = 1,
    task_killing_state = 2,
    gpu_resources = 3,
    shared_resources = 4,
    partition_aware = 5,
    multi_role = 6,
    reservation_refinement = 7,
    region_aware = 8,
  };

  bool has(Capability capability) const { return (bits >> capability) & 1u; }
  void set(Capability capability) { bits |= 1u << capability; }
  auto operator<=>(const Capabilities&) const = default;
};

// Named scalar amounts in thousandths: one alternative of min_allocatable_resources.
using Quantities = std::map<std::string, std::int64_t>;

// mesos.v1.FrameworkInfo.
struct FrameworkFacet {
  FrameworkId id;  // empty in a first SUBSCRIBE
  std::string user;
  std::string name;
  std::string hostname;
  std::string principal;
  std::string webui_url;
  Duration failover_timeout;  // zero: torn down when it disconnects
  bool checkpoint = false;
  std::vector<std::string> roles;  // at least one; {"*"} when none was given
  Capabilities capabilities;
  std::vector<Label> labels;
  std::map<std::string, std::vector<Quantities>>
      min_allocatable;  // per role: one of these must fit
  Blob description;     // canonical mesos.v1.FrameworkInfo without the id

  bool operator==(const FrameworkFacet&) const = default;
};

// What a container may do on the host, as policy sees it (model/authorization.hpp).
struct ContainerFacet {
  bool has_image = false;
  bool privileged = false;
  bool host_network = true;
  std::vector<std::string> host_paths;         // host path volumes
  std::vector<std::string> secret_references;  // names, never values

  bool operator==(const ContainerFacet&) const = default;
};

// mesos.v1.ExecutorInfo.
struct ExecutorFacet {
  enum class Type : std::uint8_t { unknown = 0, builtin = 1, custom = 2 };  // DEFAULT is builtin

  ExecutorId id;
  FrameworkId framework_id;
  Type type = Type::custom;
  std::string name;
  std::string user;  // empty: the framework's
  Resources resources;
  Duration shutdown_grace = Duration::seconds(5);
  ContainerFacet container;
  Blob description;  // canonical mesos.v1.ExecutorInfo, framework_id filled

  bool operator==(const ExecutorFacet&) const = default;
};

// mesos.v1.TaskInfo. Exactly one of executor and command is given (or a group's shared executor).
struct TaskFacet {
  TaskId id;
  std::string name;
  AgentId agent_id;
  Resources resources;
  std::optional<ExecutorFacet> executor;
  bool has_command = false;
  std::string user;  // command's user; empty: the framework's
  std::optional<Duration> kill_grace;
  std::optional<Duration> max_completion;
  std::map<std::string, std::int64_t> limits_milli;  // cpus, mem; absent: none; max(): Infinity
  ContainerFacet container;
  bool has_health_check = false;
  Blob description;  // canonical mesos.v1.TaskInfo

  bool operator==(const TaskFacet&) const = default;
};

using AgentFacetPtr = std::shared_ptr<const AgentFacet>;
using FrameworkFacetPtr = std::shared_ptr<const FrameworkFacet>;
using ExecutorFacetPtr = std::shared_ptr<const ExecutorFacet>;
using TaskFacetPtr = std::shared_ptr<const TaskFacet>;

}  // namespace bourse
