#include "proto/codec/facet_write.hpp"

#include <array>

#include "proto/codec/canonical.hpp"
#include "proto/codec/capabilities.hpp"
#include "proto/codec/scheduler.hpp"
#include "proto/v1/agent_info.pb.h"
#include "proto/v1/executor_info.pb.h"
#include "proto/v1/framework_info.pb.h"
#include "proto/v1/master_info.pb.h"
#include "proto/v1/offer.pb.h"
#include "proto/v1/task.pb.h"

namespace bourse::codec {

namespace v1 = mesos::v1;

namespace {

// Parts of a dotted IPv4 address; {0,0,0,0} for anything else.
std::array<std::uint8_t, 4> parse_ipv4(std::string_view text) {
  std::array<std::uint8_t, 4> out{};
  std::size_t part = 0;
  unsigned value = 0;
  bool digit = false;
  for (const char c : text) {
    if (c >= '0' && c <= '9') {
      value = value * 10 + static_cast<unsigned>(c - '0');
      digit = true;
      if (value > 255) return {};
    } else if (c == '.' && digit && part < 3) {
      out[part++] = static_cast<std::uint8_t>(value);
      value = 0;
      digit = false;
    } else {
      return {};
    }
  }
  if (part != 3 || !digit) return {};
  out[3] = static_cast<std::uint8_t>(value);
  return out;
}

void write_domain(const Domain& domain, v1::DomainInfo& out) {
  out.mutable_fault_domain()->mutable_region()->set_name(domain.region);
  out.mutable_fault_domain()->mutable_zone()->set_name(domain.zone);
}

// Where an agent listens.
void write_url(const HostPort& http, v1::URL& out) {
  out.set_scheme("http");
  out.mutable_address()->set_hostname(http.hostname);
  if (!http.ip.empty()) out.mutable_address()->set_ip(http.ip);
  out.mutable_address()->set_port(http.port);
  out.set_path("/slave(1)");
}

// A blob was made by this codec or checked when it arrived: parsing it again cannot fail.
void parse_blob(const Blob& blob, google::protobuf::MessageLite& out) {
  if (!parse_bounded(blob.bytes(), out)) out.Clear();
}

}  // namespace

void write_master(const MasterDescription& master, v1::MasterInfo& out) {
  out.set_id(master.id);
  // The address in network byte order, read as a little-endian number: what clients expect.
  const std::array<std::uint8_t, 4> ip = parse_ipv4(master.ip);
  out.set_ip(static_cast<std::uint32_t>(ip[0]) | static_cast<std::uint32_t>(ip[1]) << 8 |
             static_cast<std::uint32_t>(ip[2]) << 16 | static_cast<std::uint32_t>(ip[3]) << 24);
  out.set_port(master.port);
  out.set_pid("master@" + master.ip + ":" + std::to_string(master.port));
  out.set_hostname(master.hostname);
  out.set_version(master.version);
  out.mutable_address()->set_hostname(master.hostname);
  out.mutable_address()->set_ip(master.ip);
  out.mutable_address()->set_port(master.port);
  if (!master.domain.region.empty()) write_domain(master.domain, *out.mutable_domain());
  for (const int type : master_capabilities()) {
    out.add_capabilities()->set_type(static_cast<v1::MasterInfo::Capability::Type>(type));
  }
}

void write_agent(const AgentFacet& agent, v1::AgentInfo& out) {
  parse_blob(description_of(agent), out);
  if (!agent.id.empty()) out.mutable_id()->set_value(agent.id.raw());
}

void write_framework(const FrameworkFacet& framework, v1::FrameworkInfo& out) {
  parse_blob(description_of(framework), out);
  if (!framework.id.empty()) out.mutable_id()->set_value(framework.id.raw());
}

void write_executor(const ExecutorFacet& executor, v1::ExecutorInfo& out) {
  parse_blob(description_of(executor), out);
}

void write_task(const TaskFacet& task, v1::TaskInfo& out) {
  parse_blob(description_of(task), out);
}

void write_offer(const OfferFacet& offer, const FrameworkId& framework_id,
                 const Capabilities& capabilities, v1::Offer& out) {
  const bool multi_role = capabilities.has(Capabilities::multi_role);
  out.mutable_id()->set_value(offer.id.raw());
  out.mutable_framework_id()->set_value(framework_id.raw());
  if (multi_role) out.mutable_allocation_info()->set_role(*offer.role);
  ResourceForm form;
  form.refined = capabilities.has(Capabilities::reservation_refinement);
  if (multi_role) form.allocated_to = *offer.role;
  write_resources(offer.resources, form, *out.mutable_resources());
  for (const ExecutorId& id : offer.executor_ids) out.add_executor_ids()->set_value(id.raw());
  if (offer.agent) write_offer_agent(*offer.agent, out);
  if (offer.unavailability)
    write_unavailability(*offer.unavailability, *out.mutable_unavailability());
}

void write_unavailability(const Unavailability& unavailability, v1::Unavailability& out) {
  out.mutable_start()->set_nanoseconds(unavailability.start.ns);
  if (unavailability.duration) {
    out.mutable_duration()->set_nanoseconds(unavailability.duration->ns);
  }
}

void write_inverse_offer(const InverseOfferFacet& offer, const FrameworkId& framework_id,
                         v1::InverseOffer& out) {
  out.mutable_id()->set_value(offer.id.raw());
  out.mutable_framework_id()->set_value(framework_id.raw());
  if (offer.agent) {
    out.mutable_agent_id()->set_value(offer.agent->id.raw());
    write_url(offer.agent->http, *out.mutable_url());
  }
  if (offer.unavailability) {
    write_unavailability(*offer.unavailability, *out.mutable_unavailability());
  }
}

void write_offer_agent(const AgentFacet& agent, v1::Offer& out) {
  out.mutable_agent_id()->set_value(agent.id.raw());
  out.set_hostname(agent.hostname);
  write_url(agent.http, *out.mutable_url());
  if (!agent.domain.region.empty()) write_domain(agent.domain, *out.mutable_domain());
  write_attributes(agent.attributes, *out.mutable_attributes());
}

TaskState state_for(TaskState state, const Capabilities& capabilities) {
  switch (state) {
    case TaskState::killing:
      return capabilities.has(Capabilities::task_killing_state) ? state : TaskState::running;
    case TaskState::dropped:
    case TaskState::unreachable:
    case TaskState::gone:
    case TaskState::gone_by_operator:
    case TaskState::unknown:
      return capabilities.has(Capabilities::partition_aware) ? state : TaskState::lost;
    default:
      return state;
  }
}

}  // namespace bourse::codec
