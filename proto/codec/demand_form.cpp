#include "proto/codec/demand_form.hpp"

#include <algorithm>

#include "model/limits.hpp"
#include "proto/codec/facet_read.hpp"
#include "proto/codec/facet_write.hpp"
#include "proto/codec/text_check.hpp"
#include "proto/v1/resource.pb.h"

namespace bourse::codec {

namespace v1 = mesos::v1;

namespace {

// The role that all of it is wanted for; empty: none is named.
Result<std::string> read_role(const v1::Request& message, const FieldPath& at) {
  std::string role;
  for (int i = 0; i < message.resources_size(); ++i) {
    const FieldPath here = at.at("resources", i);
    const FieldPath named = here.at("allocation_info");
    const std::string& its = message.resources(i).allocation_info().role();
    if (!its.empty()) {
      if (Status ok = check_role(its, named.at("role")); !ok) return ok.error();
    }
    if (i > 0 && its != role) {
      return invalid("'" + named.at("role").text() + "' is " + shown(its) + ", that of an entry " +
                     "before it " + shown(role) + ": one request is for one role");
    }
    role = its;
  }
  return role;
}

Result<Quantities> read_amounts(const v1::Request& message, const FieldPath& at) {
  Result<Resources> resources = read_resources(message.resources(), at);
  if (!resources) return resources.error();
  Quantities out;
  for (const Resource& resource : resources->list()) {
    if (resource.meta) {
      return invalid("'" + at.at("resources").text() + "' has " + shown(resource.name) +
                     " that is reserved, a volume or disk of its own, revocable, shared or of a "
                     "provider: a request says how much of a name is wanted");
    }
    std::int64_t& amount = out[resource.name];
    amount += quantity_of(resource);
    if (amount > limits::kMaxScalarMilli) {
      return invalid("'" + at.at("resources").text() + "' has " + milli_text(amount) + " " +
                     resource.name + ": at most " + milli_text(limits::kMaxScalarMilli));
    }
  }
  std::erase_if(out, [](const auto& entry) { return entry.second == 0; });
  if (out.empty()) {
    return invalid("'" + at.at("resources").text() +
                   "' asks for nothing: some amount must be over 0");
  }
  return out;
}

Result<call::Request::Wanted> read_request(const v1::Request& message, const FieldPath& at) {
  call::Request::Wanted out;
  if (!message.agent_id().value().empty()) {
    if (Status ok = check_id(message.agent_id().value(), at.at("agent_id")); !ok) {
      return ok.error();
    }
    out.shape.agent_id = AgentId(message.agent_id().value());
  }
  Result<std::string> role = read_role(message, at);
  if (!role) return role.error();
  out.role = std::move(*role);
  Result<Quantities> amounts = read_amounts(message, at);
  if (!amounts) return amounts.error();
  out.shape.amounts = std::move(*amounts);
  return out;
}

}  // namespace

Result<call::Request> read_requests(const google::protobuf::RepeatedPtrField<v1::Request>& list) {
  const FieldPath at = "request";
  if (static_cast<std::size_t>(list.size()) > limits::kMaxDemandRequests) {
    return Error{ErrorCode::too_large, "'request.requests' has " + std::to_string(list.size()) +
                                           " entries: at most " +
                                           std::to_string(limits::kMaxDemandRequests)};
  }
  call::Request out;
  for (int i = 0; i < list.size(); ++i) {
    Result<call::Request::Wanted> one = read_request(list.Get(i), at.at("requests", i));
    if (!one) return one.error();
    const auto same = std::find_if(out.wanted.begin(), out.wanted.end(), [&](const auto& wanted) {
      return wanted.role == one->role && wanted.shape.agent_id == one->shape.agent_id &&
             wanted.shape.amounts == one->shape.amounts;
    });
    if (same != out.wanted.end()) {
      ++same->shape.count;
      continue;
    }
    if (out.wanted.size() == limits::kMaxDemandShapes) {
      return Error{ErrorCode::too_large, "'request.requests' asks for more than " +
                                             std::to_string(limits::kMaxDemandShapes) +
                                             " different shapes"};
    }
    out.wanted.push_back(std::move(*one));
  }
  return out;
}

void write_requests(const call::Request& call,
                    google::protobuf::RepeatedPtrField<v1::Request>& out) {
  for (const call::Request::Wanted& wanted : call.wanted) {
    v1::Request made;
    if (!wanted.shape.agent_id.empty()) {
      made.mutable_agent_id()->set_value(wanted.shape.agent_id.raw());
    }
    write_amounts(wanted.shape.amounts, wanted.role, *made.mutable_resources());
    for (std::uint32_t i = 0; i < wanted.shape.count; ++i) *out.Add() = made;
  }
}

void write_amounts(const Quantities& amounts, const std::string& role,
                   google::protobuf::RepeatedPtrField<v1::Resource>& out) {
  std::vector<Resource> list;
  for (const auto& [name, milli] : amounts) list.push_back(Resource::scalar(name, milli));
  write_resources(Resources(list), {true, role}, out);
}

}  // namespace bourse::codec
