#include "proto/codec/description_form.hpp"

#include "model/limits.hpp"
#include "proto/codec/facet_read.hpp"
#include "proto/codec/facet_write.hpp"
#include "proto/codec/text_check.hpp"
#include "proto/internal/link.pb.h"

namespace bourse::codec {

namespace {

std::string text_of(const Blob& blob) {
  return std::string(blob.bytes());
}

}  // namespace

Status require_ids(std::initializer_list<std::pair<const char*, const std::string*>> ids) {
  for (const auto& [name, id] : ids) {
    if (Status ok = check_id(*id, name); !ok) return ok;
  }
  return {};
}

Result<AgentFacet> read_agent_description(const internal::AgentDescription& message) {
  Result<AgentFacet> out = agent_from_blob(Blob(message.body()));
  if (!out) return out;
  if (!message.id().empty()) {
    if (Status ok = check_id(message.id(), "agent.id"); !ok) return ok.error();
  }
  if (message.port() > 65535) {
    return invalid("'agent.port' is " + std::to_string(message.port()) +
                   ": a port is a number from 0 to 65535");
  }
  for (const std::string* text : {&message.hostname(), &message.ip(), &message.version()}) {
    if (Status ok = check_text(*text, limits::kMaxNameBytes, "agent"); !ok) return ok.error();
  }
  out->id = AgentId(message.id());
  out->http = {message.hostname(), message.ip(), static_cast<std::uint16_t>(message.port())};
  out->version = message.version();
  return out;
}

void write_agent_description(const AgentFacet& agent, internal::AgentDescription& out) {
  if (!agent.id.empty()) out.set_id(agent.id.raw());
  out.set_body(text_of(description_of(agent)));
  out.set_hostname(agent.http.hostname);
  out.set_ip(agent.http.ip);
  out.set_port(agent.http.port);
  out.set_version(agent.version);
}

Result<FrameworkFacet> read_framework_description(const internal::Description& message) {
  if (Status ok = check_id(message.id(), "framework.id"); !ok) return ok.error();
  return framework_from_blob(Blob(message.body()), FrameworkId(message.id()));
}

void write_framework_description(const FrameworkFacet& framework, internal::Description& out) {
  out.set_id(framework.id.raw());
  out.set_body(text_of(description_of(framework)));
}

Result<ExecutorFacet> read_executor_bytes(const std::string& bytes) {
  return executor_from_blob(Blob(bytes));
}

Result<TaskFacet> read_task_bytes(const std::string& bytes) {
  return task_from_blob(Blob(bytes));
}

LaunchId read_launch_number(const internal::LaunchNumber& message) {
  return {message.epoch(), message.number()};
}

void write_launch_number(const LaunchId& id, internal::LaunchNumber& out) {
  out.set_epoch(id.epoch);
  out.set_number(id.number);
}

}  // namespace bourse::codec
