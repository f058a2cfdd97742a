// reserve, unreserve, operations: what an operator makes of an agent's resources, and what is under
// way.
#include <cstdio>

#include "cli/agent_stock.hpp"
#include "cli/commands.hpp"
#include "cli/table.hpp"
#include "model/resources.hpp"
#include "proto/codec/facet_write.hpp"
#include "proto/v1/master_response.pb.h"

namespace bourse::cli {

namespace {

using Response = v1::master::Response;

Error unknown(const std::string& sentence) {
  return {ErrorCode::not_found, sentence};
}

Result<ResourceList> read_amounts(const std::string& text) {
  const auto parsed = Resources::parse(text);
  if (!parsed.ok()) return parsed.error();
  ResourceList out;
  codec::write_resources(parsed.value(), {}, out);
  if (out.empty()) return invalid("give an amount at least, as \"cpus:1;mem:512\"");
  for (const v1::Resource& resource : out) {
    if (resource.reservations_size() > 0) {
      return invalid("give plain amounts, as \"cpus:1;mem:512\", and the role with --role");
    }
  }
  return out;
}

Status add_labels(const std::vector<std::string>& texts, v1::Resource::ReservationInfo& to) {
  for (const std::string& text : texts) {
    const std::size_t equals = text.find('=');
    if (equals == 0 || equals == std::string::npos) {
      return invalid("--label: '" + text + "' is not KEY=VALUE");
    }
    auto& label = *to.mutable_labels()->add_labels();
    label.set_key(text.substr(0, equals));
    label.set_value(text.substr(equals + 1));
  }
  return {};
}

// What of the agent is reserved for the role under the name that is given, in this amount.
Status find_reserved(const AgentStock& place, const std::string& role, v1::Resource& wanted) {
  const v1::Resource* found = nullptr;
  for (const v1::Resource& have : place.total) {
    const auto* reservation = innermost(have);
    if (have.name() != wanted.name() || reservation == nullptr || is_volume(have)) continue;
    if (reservation->role() != role ||
        reservation->type() != v1::Resource::ReservationInfo::DYNAMIC) {
      continue;
    }
    if (found != nullptr) {
      return invalid("'" + wanted.name() + "' of role '" + role +
                     "' is reserved in several ways there: use the call UNRESERVE_RESOURCES");
    }
    found = &have;
  }
  if (found == nullptr) {
    return unknown("no '" + wanted.name() + "' is reserved for role '" + role +
                   "' there by an operation");
  }
  v1::Resource out = bare(*found);
  if (wanted.has_scalar()) *out.mutable_scalar() = wanted.scalar();
  if (wanted.has_ranges()) *out.mutable_ranges() = wanted.ranges();
  if (wanted.has_set()) *out.mutable_set() = wanted.set();
  wanted = std::move(out);
  return {};
}

int change_reservations(const Arguments& arguments, bool reserves) {
  const std::string name = reserves ? "reserve" : "unreserve";
  Invocation invocation(name, reserves ? "Reserves resources of an agent for a role."
                                       : "Gives back what was reserved of an agent for a role.");
  std::string role;
  std::string principal;
  std::vector<std::string> labels;
  std::vector<std::string> words;
  invocation.flags().add("role", role, "the role that it is for");
  if (reserves) {
    invocation.flags().add("principal", principal, "who reserves it, if not who asks");
    invocation.flags().add("label", labels, "KEY=VALUE, noted with it; may be repeated");
  }
  invocation.flags().positional("AGENT RESOURCES", words, "the agent, and as cpus:1;mem:512");
  if (const auto code = invocation.parse(arguments)) return *code;
  if (words.size() != 2 || role.empty()) {
    return wrong_usage(name + ": give an agent, resources and --role (" + name +
                       " HOST \"cpus:1;mem:512\" --role=web)");
  }
  auto list = read_amounts(words[1]);
  if (!list.ok()) return wrong_usage(name + ": " + list.error().message);
  Api api(invocation);
  const auto place = find_agent(api, words[0]);
  if (!place.ok()) return failed(place.error());
  for (v1::Resource& resource : list.value()) {
    if (!reserves) {
      if (const Status there = find_reserved(place.value(), role, resource); !there.ok()) {
        return failed(there.error());
      }
      continue;
    }
    if (principal.empty()) principal = invocation.principal();
    auto& reservation = *resource.add_reservations();
    reservation.set_type(v1::Resource::ReservationInfo::DYNAMIC);
    reservation.set_role(role);
    if (!principal.empty()) reservation.set_principal(principal);
    if (const Status read = add_labels(labels, reservation); !read.ok()) {
      return wrong_usage(name + ": " + read.error().message);
    }
  }
  const AgentCall call = reserves ? AgentCall{"RESERVE_RESOURCES", "reserve_resources"}
                                  : AgentCall{"UNRESERVE_RESOURCES", "unreserve_resources"};
  return change_agent(invocation, api, call, place->id, "\"resources\":" + json_of(list.value()),
                      printable(words[1]) +
                          (reserves ? " is reserved for " : " is given back by ") +
                          printable(role));
}

}  // namespace

int reserve_command(const Arguments& arguments) {
  return change_reservations(arguments, true);
}

int unreserve_command(const Arguments& arguments) {
  return change_reservations(arguments, false);
}

int operations_command(const Arguments& arguments) {
  Invocation invocation("operations", "Shows operations that are under way or not acknowledged.");
  if (const auto code = invocation.parse(arguments)) return *code;
  Api api(invocation);
  const std::string call = "{\"type\":\"GET_OPERATIONS\"}";
  if (const auto code = answered_as_json(invocation, api, call)) return *code;
  Response response;
  if (const Status asked = api.call(call, response); !asked.ok()) return failed(asked.error());
  Table table({"ID", "TYPE", "STATE", "AGENT", "FRAMEWORK", "MESSAGE"});
  for (const auto& operation : response.get_operations().operations()) {
    const auto& status = operation.latest_status();
    const auto or_dash = [](const std::string& text) { return text.empty() ? "-" : text; };
    table.add({or_dash(operation.info().id().value()),
               v1::Offer::Operation::Type_Name(operation.info().type()),
               v1::OperationState_Name(status.state()), operation.agent_id().value(),
               or_dash(operation.framework_id().value()), or_dash(status.message())});
  }
  std::printf("%s", table.empty() ? "no operations are under way\n" : table.text().c_str());
  return 0;
}

}  // namespace bourse::cli
