#include "proto/codec/facet_read.hpp"

#include <limits>

#include "model/limits.hpp"
#include "proto/codec/canonical.hpp"
#include "proto/codec/container_facet.hpp"
#include "proto/codec/label_form.hpp"
#include "proto/codec/quantity.hpp"
#include "proto/codec/text_check.hpp"
#include "proto/v1/agent_info.pb.h"
#include "proto/v1/executor_info.pb.h"
#include "proto/v1/framework_info.pb.h"
#include "proto/v1/machine.pb.h"
#include "proto/v1/task.pb.h"

namespace bourse::codec {

namespace v1 = mesos::v1;

namespace {

// Canonical resources have the newer form: a reservation stack and no `role`.
void refine(google::protobuf::RepeatedPtrField<v1::Resource>& list) {
  for (v1::Resource& resource : list) {
    if (resource.has_reservation() || (resource.has_role() && resource.role() != "*")) {
      v1::Resource::ReservationInfo info = resource.reservation();
      info.set_type(resource.has_reservation() ? v1::Resource::ReservationInfo::DYNAMIC
                                               : v1::Resource::ReservationInfo::STATIC);
      if (!info.has_role()) info.set_role(resource.role());
      resource.clear_reservation();
      *resource.add_reservations() = std::move(info);
    }
    resource.clear_role();
  }
}

// `roles` for frameworks with MULTI_ROLE, else `role`; "*" when neither is given.
Result<std::vector<std::string>> read_roles(const v1::FrameworkInfo& info, bool multi_role,
                                            const FieldPath& at) {
  std::vector<std::string> roles(info.roles().begin(), info.roles().end());
  if (!multi_role && !roles.empty()) {
    return invalid("'" + at.at("roles").text() +
                   "' is set: that needs the capability MULTI_ROLE; use 'role'");
  }
  if (multi_role && info.has_role() && info.role() != "*") {
    return invalid("'" + at.at("role").text() +
                   "' is set: a framework with MULTI_ROLE must use 'roles'");
  }
  if (roles.size() > limits::kMaxRolesPerFramework) {
    return Error{ErrorCode::too_large, "'" + at.at("roles").text() + "' has " +
                                           std::to_string(roles.size()) + " roles: at most 64"};
  }
  if (roles.empty()) roles.push_back(multi_role ? "*" : info.role());
  for (std::size_t i = 0; i < roles.size(); ++i) {
    const FieldPath here = multi_role ? at.at("roles", static_cast<int>(i)) : at.at("role");
    if (Status ok = check_role(roles[i], here); !ok) return ok.error();
    for (std::size_t j = 0; j < i; ++j) {
      if (roles[i] == roles[j]) {
        return invalid("'" + here.text() + "' is " + shown(roles[i]) +
                       ": each role may be named once");
      }
    }
  }
  return roles;
}

Status read_offer_filters(const v1::FrameworkInfo& info, const FieldPath& at,
                          std::map<std::string, std::vector<Quantities>>& out) {
  const FieldPath here = at.at("offer_filters");
  if (info.offer_filters_size() > static_cast<int>(limits::kMaxRolesPerFramework)) {
    return Error{ErrorCode::too_large, "'" + here.text() + "' has more than 64 roles"};
  }
  for (const auto& [role, filters] : info.offer_filters()) {
    if (Status ok = check_role(role, here); !ok) return ok.error();
    std::vector<Quantities>& alternatives = out[role];
    for (const auto& message : filters.min_allocatable_resources().quantities()) {
      Quantities& made = alternatives.emplace_back();
      for (const auto& [name, scalar] : message.quantities()) {
        Result<std::int64_t> milli = milli_from_double(scalar.value(), here.at("quantities"));
        if (!milli) return milli.error();
        made[name] = *milli;
      }
    }
  }
  return {};
}

Status check_names(std::initializer_list<std::pair<const char*, const std::string*>> fields,
                   const FieldPath& at) {
  for (const auto& [name, value] : fields) {
    if (Status ok = check_text(*value, limits::kMaxNameBytes, at.at(name)); !ok) return ok;
  }
  return {};
}

Status read_limits(const v1::TaskInfo& info, const FieldPath& at,
                   std::map<std::string, std::int64_t>& out) {
  for (const auto& [name, scalar] : info.limits()) {
    if (scalar.value() == std::numeric_limits<double>::infinity()) {
      out[name] = std::numeric_limits<std::int64_t>::max();
      continue;
    }
    const FieldPath here = at.at("limits");
    Result<std::int64_t> milli = milli_from_double(scalar.value(), here.at(name));
    if (!milli) return milli.error();
    out[name] = *milli;
  }
  return {};
}

// -- what is decided on, without the description

Result<AgentFacet> agent_fields(v1::AgentInfo& info, const FieldPath& at) {
  AgentFacet out;
  if (info.has_id()) {
    if (Status ok = check_id(info.id().value(), at.at("id")); !ok) return ok.error();
    out.id = AgentId(info.id().value());
    info.clear_id();
  }
  if (info.hostname().empty()) {
    return invalid("'" + at.at("hostname").text() + "' must not be empty");
  }
  if (Status ok = check_names({{"hostname", &info.hostname()}}, at); !ok) return ok.error();
  out.hostname = info.hostname();
  if (info.port() < 0 || info.port() > 65535) {
    return invalid("'" + at.at("port").text() + "' is " + std::to_string(info.port()) +
                   ": a port is a number from 0 to 65535");
  }
  out.http.hostname = info.hostname();
  out.http.port = static_cast<std::uint16_t>(info.port());
  Result<Resources> total = read_resources(info.resources(), at);
  if (!total) return total.error();
  out.total = std::move(*total);
  Result<std::vector<Attribute>> attributes = read_attributes(info.attributes(), at);
  if (!attributes) return attributes.error();
  out.attributes = std::move(*attributes);
  if (info.domain().has_fault_domain()) {
    out.domain.region = info.domain().fault_domain().region().name();
    out.domain.zone = info.domain().fault_domain().zone().name();
    if (Status ok = check_names({{"domain", &out.domain.region}, {"domain", &out.domain.zone}}, at);
        !ok) {
      return ok.error();
    }
  }
  return out;
}

Result<FrameworkFacet> framework_fields(v1::FrameworkInfo& info, const FieldPath& at) {
  FrameworkFacet out;
  // A client that has no id yet may send an empty one.
  if (!info.id().value().empty()) {
    if (Status ok = check_id(info.id().value(), at.at("id")); !ok) return ok.error();
    out.id = FrameworkId(info.id().value());
  }
  info.clear_id();
  if (Status ok = check_names({{"user", &info.user()},
                               {"name", &info.name()},
                               {"hostname", &info.hostname()},
                               {"principal", &info.principal()},
                               {"webui_url", &info.webui_url()}},
                              at);
      !ok) {
    return ok.error();
  }
  out.user = info.user();
  out.name = info.name();
  out.hostname = info.hostname();
  out.principal = info.principal();
  out.webui_url = info.webui_url();
  Result<Duration> timeout = duration_from_seconds(
      info.failover_timeout(), limits::kMaxFailoverTimeout, at.at("failover_timeout"));
  if (!timeout) return timeout.error();
  out.failover_timeout = *timeout;
  out.checkpoint = info.checkpoint();
  for (const auto& capability : info.capabilities()) {
    out.capabilities.bits |= 1u << static_cast<unsigned>(capability.type());
  }
  out.capabilities.bits &= ~1u;  // UNKNOWN says nothing
  Result<std::vector<std::string>> roles =
      read_roles(info, out.capabilities.has(Capabilities::multi_role), at);
  if (!roles) return roles.error();
  out.roles = std::move(*roles);
  Result<std::vector<Label>> labels = read_labels(info.labels(), at.at("labels"));
  if (!labels) return labels.error();
  out.labels = std::move(*labels);
  if (Status ok = read_offer_filters(info, at, out.min_allocatable); !ok) return ok.error();
  return out;
}

Result<ExecutorFacet> executor_fields(v1::ExecutorInfo& info, const FrameworkId& framework_id,
                                      const FieldPath& at) {
  ExecutorFacet out;
  const FieldPath id = at.at("executor_id");
  if (Status ok = check_id(info.executor_id().value(), id.at("value")); !ok) return ok.error();
  out.id = ExecutorId(info.executor_id().value());
  if (!info.framework_id().value().empty() && !framework_id.empty() &&
      info.framework_id().value() != framework_id.raw()) {
    return invalid("'" + at.at("framework_id").text() + "' is " +
                   shown(info.framework_id().value()) + ": it must be the framework's own, " +
                   shown(framework_id.raw()) + ", or absent");
  }
  if (!framework_id.empty()) info.mutable_framework_id()->set_value(framework_id.raw());
  out.framework_id = FrameworkId(info.framework_id().value());
  if (!info.has_type() && info.has_command()) info.set_type(v1::ExecutorInfo::CUSTOM);
  out.type = static_cast<ExecutorFacet::Type>(info.type());
  if (Status ok = check_names({{"name", &info.name()}, {"user", &info.command().user()}}, at);
      !ok) {
    return ok.error();
  }
  out.name = info.name();
  out.user = info.command().user();
  Result<Resources> resources = read_resources(info.resources(), at);
  if (!resources) return resources.error();
  out.resources = std::move(*resources);
  if (info.has_shutdown_grace_period()) {
    Result<Duration> grace =
        duration_from_ns(info.shutdown_grace_period().nanoseconds(), limits::kMaxKillGrace,
                         at.at("shutdown_grace_period"));
    if (!grace) return grace.error();
    out.shutdown_grace = *grace;
  }
  if (Status ok = read_container(info.has_container() ? &info.container() : nullptr,
                                 info.has_command() ? &info.command() : nullptr, at, out.container);
      !ok) {
    return ok.error();
  }
  return out;
}

template <typename Facet, typename Message>
Result<Facet> described(Result<Facet> facet, Message& info) {
  if (!facet) return facet;
  if constexpr (requires { info.mutable_resources(); }) refine(*info.mutable_resources());
  facet->description = canonical_blob(info);
  return facet;
}

// Its executor, if it brings one, has its description from here: no blob of it alone came.
Result<TaskFacet> task_fields(v1::TaskInfo& info, const FrameworkId& framework_id,
                              const FieldPath& at) {
  TaskFacet out;
  const FieldPath task_id = at.at("task_id"), agent_id = at.at("agent_id");
  if (Status ok = check_id(info.task_id().value(), task_id.at("value")); !ok) return ok.error();
  if (Status ok = check_id(info.agent_id().value(), agent_id.at("value")); !ok) return ok.error();
  if (Status ok = check_names({{"name", &info.name()}, {"user", &info.command().user()}}, at);
      !ok) {
    return ok.error();
  }
  out.id = TaskId(info.task_id().value());
  out.agent_id = AgentId(info.agent_id().value());
  out.name = info.name();
  out.user = info.command().user();
  out.has_command = info.has_command();
  Result<Resources> resources = read_resources(info.resources(), at);
  if (!resources) return resources.error();
  out.resources = std::move(*resources);
  if (info.has_executor()) {
    v1::ExecutorInfo& own = *info.mutable_executor();
    Result<ExecutorFacet> executor =
        described(executor_fields(own, framework_id, at.at("executor")), own);
    if (!executor) return executor.error();
    out.executor = std::move(*executor);
  }
  if (info.kill_policy().has_grace_period()) {
    Result<Duration> grace = duration_from_ns(info.kill_policy().grace_period().nanoseconds(),
                                              limits::kMaxKillGrace, at.at("kill_policy"));
    if (!grace) return grace.error();
    out.kill_grace = *grace;
  }
  if (info.has_max_completion_time()) {
    Result<Duration> most = duration_from_ns(info.max_completion_time().nanoseconds(),
                                             Duration::max(), at.at("max_completion_time"));
    if (!most) return most.error();
    out.max_completion = *most;
  }
  if (Status ok = read_limits(info, at, out.limits_milli); !ok) return ok.error();
  if (Status ok = read_container(info.has_container() ? &info.container() : nullptr,
                                 info.has_command() ? &info.command() : nullptr, at, out.container);
      !ok) {
    return ok.error();
  }
  if (Status ok = check_labels(info, at); !ok) return ok.error();
  out.has_health_check = info.has_health_check();
  return out;
}

}  // namespace

Result<AgentFacet> read_agent(v1::AgentInfo& info, const FieldPath& at) {
  return described(agent_fields(info, at), info);
}

Result<FrameworkFacet> read_framework(v1::FrameworkInfo& info, const FieldPath& at) {
  return described(framework_fields(info, at), info);
}

Result<ExecutorFacet> read_executor(v1::ExecutorInfo& info, const FrameworkId& framework_id,
                                    const FieldPath& at) {
  return described(executor_fields(info, framework_id, at), info);
}

Result<TaskFacet> read_task(v1::TaskInfo& info, const FrameworkId& framework_id,
                            const FieldPath& at) {
  return described(task_fields(info, framework_id, at), info);
}

Result<Unavailability> read_unavailability(const v1::Unavailability& message, const FieldPath& at) {
  Unavailability out;
  out.start = WallTime{message.start().nanoseconds()};
  if (out.start.ns < 0) {
    return invalid("'" + at.at("start").text() + "' is before 1970: give nanoseconds since then");
  }
  if (message.has_duration()) {
    out.duration = Duration{message.duration().nanoseconds()};
    if (out.duration->ns < 0) {
      return invalid("'" + at.at("duration").text() + "' is negative: leave it out for good");
    }
  }
  return out;
}

namespace {

template <typename Message>
Status parse_description(const Blob& blob, Message& message, const char* what) {
  if (!parse_bounded(blob.bytes(), message)) {
    return Error{ErrorCode::corrupt, std::string("description of ") + what + ": " +
                                         std::to_string(blob.bytes().size()) +
                                         " bytes that are not a " + message.GetTypeName()};
  }
  return {};
}

// The description is kept as it came, so that its digest stays what the sender computed: none is
// made here.
template <typename Facet>
Result<Facet> with_blob(Result<Facet> facet, Blob description) {
  if (facet) facet->description = std::move(description);
  return facet;
}

}  // namespace

Result<AgentFacet> agent_from_blob(Blob description) {
  v1::AgentInfo info;
  if (Status ok = parse_description(description, info, "an agent"); !ok) return ok.error();
  return with_blob(agent_fields(info, "agent_info"), std::move(description));
}

Result<FrameworkFacet> framework_from_blob(Blob description, FrameworkId id) {
  v1::FrameworkInfo info;
  if (Status ok = parse_description(description, info, "a framework"); !ok) return ok.error();
  Result<FrameworkFacet> out =
      with_blob(framework_fields(info, "framework_info"), std::move(description));
  if (out) out->id = std::move(id);
  return out;
}

Result<ExecutorFacet> executor_from_blob(Blob description) {
  v1::ExecutorInfo info;
  if (Status ok = parse_description(description, info, "an executor"); !ok) return ok.error();
  return with_blob(executor_fields(info, FrameworkId(), "executor_info"), std::move(description));
}

Result<TaskFacet> task_from_blob(Blob description) {
  thread_local v1::TaskInfo info;
  const std::size_t bytes = description.bytes().size();
  if (Status ok = parse_description(description, info, "a task"); !ok) return ok.error();
  Result<TaskFacet> out =
      with_blob(task_fields(info, FrameworkId(), "task_info"), std::move(description));
  recycle(info, bytes);
  return out;
}

}  // namespace bourse::codec
