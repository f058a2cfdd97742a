// The endpoints that Mesos had before its v1 operator API, for what is quoted, weighed and
// reserved: /roles, /quota, /weights, /reserve, /unreserve, /create-volumes, /destroy-volumes and
// /teardown. Each write is read into the call that says the same.
#include "master/shell/operator_api.hpp"
#include "master/shell/operator_request.hpp"
#include "master/shell/operator_writes.hpp"
#include "master/view/roles.hpp"
#include "proto/codec/json.hpp"
#include "proto/v1/master_call.pb.h"
#include "runtime/http_form.hpp"

namespace bourse::master {

namespace {

using runtime::HttpRequest;
using runtime::HttpResponder;
using Call = mesos::v1::master::Call;

Result<std::string> required(const std::map<std::string, std::string>& form, const char* name) {
  const auto it = form.find(name);
  if (it != form.end() && !it->second.empty()) return it->second;
  return invalid(std::string("Missing '") + name + "' query parameter in the request body");
}

// The agent and the list of a form, as JSON of a call's inner message.
template <typename Message>
Status read_agent_form(const HttpRequest& request, const char* list, Message& out) {
  const auto form = runtime::parse_form(request.body);
  if (!form.ok()) return form.error();
  const auto agent = required(form.value(), "slaveId");
  if (!agent.ok()) return agent.error();
  const auto resources = required(form.value(), list);
  if (!resources.ok()) return resources.error();
  std::string json = "{\"agent_id\":{\"value\":";
  codec::write_json_string(agent.value(), json);
  json += "},\"" + std::string(list) + "\":" + resources.value() + "}";
  Status parsed = codec::from_json(json, out);
  if (parsed.ok()) return {};
  return Error{parsed.error().code, std::string(list) + ": " + parsed.error().message};
}

Result<Call> read_reserve(const HttpRequest& request) {
  Call call;
  call.set_type(Call::RESERVE_RESOURCES);
  const Status read = read_agent_form(request, "resources", *call.mutable_reserve_resources());
  return read.ok() ? Result<Call>(std::move(call)) : read.error();
}
Result<Call> read_unreserve(const HttpRequest& request) {
  Call call;
  call.set_type(Call::UNRESERVE_RESOURCES);
  const Status read = read_agent_form(request, "resources", *call.mutable_unreserve_resources());
  return read.ok() ? Result<Call>(std::move(call)) : read.error();
}
Result<Call> read_create(const HttpRequest& request) {
  Call call;
  call.set_type(Call::CREATE_VOLUMES);
  const Status read = read_agent_form(request, "volumes", *call.mutable_create_volumes());
  return read.ok() ? Result<Call>(std::move(call)) : read.error();
}
Result<Call> read_destroy(const HttpRequest& request) {
  Call call;
  call.set_type(Call::DESTROY_VOLUMES);
  const Status read = read_agent_form(request, "volumes", *call.mutable_destroy_volumes());
  return read.ok() ? Result<Call>(std::move(call)) : read.error();
}

Result<Call> read_teardown(const HttpRequest& request) {
  const auto form = runtime::parse_form(request.body);
  if (!form.ok()) return form.error();
  const auto framework = required(form.value(), "frameworkId");
  if (!framework.ok()) return framework.error();
  Call call;
  call.set_type(Call::TEARDOWN);
  call.mutable_teardown()->mutable_framework_id()->set_value(framework.value());
  return call;
}

Result<Call> read_set_quota(const HttpRequest& request) {
  Call call;
  call.set_type(Call::SET_QUOTA);
  const Status read =
      codec::from_json(request.body, *call.mutable_set_quota()->mutable_quota_request());
  return read.ok() ? Result<Call>(std::move(call)) : read.error();
}
Result<Call> read_remove_quota(const HttpRequest& request) {
  if (request.rest.empty()) return invalid("path: name the role: DELETE /quota/ROLE");
  Call call;
  call.set_type(Call::REMOVE_QUOTA);
  call.mutable_remove_quota()->set_role(request.rest);
  return call;
}

Result<Call> read_weights(const HttpRequest& request) {
  Call call;
  call.set_type(Call::UPDATE_WEIGHTS);
  const Status read =
      codec::from_json("{\"weight_infos\":" + request.body + "}", *call.mutable_update_weights());
  return read.ok() ? Result<Call>(std::move(call)) : read.error();
}

}  // namespace

void OperatorApi::add_classic_routes() {
  router_.add("roles", [this](HttpRequest request, HttpResponder responder) {
    read_classic(std::move(request), std::move(responder), roles_json);
  });
  router_.add("quota", {"GET", "POST", "DELETE"},
              [this](HttpRequest request, HttpResponder responder) {
                classic_quota(std::move(request), std::move(responder));
              });
  router_.add("weights", {"GET", "PUT"}, [this](HttpRequest request, HttpResponder responder) {
    classic_weights(std::move(request), std::move(responder));
  });
  struct Write {
    const char* path;
    Result<Call> (*read)(const HttpRequest&);
  };
  for (const Write& route :
       {Write{"reserve", read_reserve}, Write{"unreserve", read_unreserve},
        Write{"create-volumes", read_create}, Write{"destroy-volumes", read_destroy},
        Write{"teardown", read_teardown}}) {
    router_.add(route.path, {"POST"}, [this, route](HttpRequest request, HttpResponder responder) {
      write_classic(std::move(request), std::move(responder), route.read);
    });
  }
}

void OperatorApi::classic_quota(HttpRequest request, HttpResponder responder) {
  if (request.method == "POST") {
    return write_classic(std::move(request), std::move(responder), read_set_quota);
  }
  if (request.method == "DELETE") {
    return write_classic(std::move(request), std::move(responder), read_remove_quota);
  }
  read_classic(std::move(request), std::move(responder), quotas_json);
}

void OperatorApi::classic_weights(HttpRequest request, HttpResponder responder) {
  if (request.method == "PUT") {
    return write_classic(std::move(request), std::move(responder), read_weights);
  }
  read_classic(std::move(request), std::move(responder), weights_json);
}

void OperatorApi::read_classic(HttpRequest request, HttpResponder responder,
                               std::string (*body)(const ViewState&)) {
  view_.read(
      core_.published(),
      [request = std::move(request), responder, body](View& view) {
        responder.respond(api::json_answer(request, body(view.state())));
      },
      [responder] {
        responder.respond(
            api::refusal({ErrorCode::unavailable, "the view is behind the cluster; try again"}));
      });
}

void OperatorApi::write_classic(HttpRequest request, HttpResponder responder,
                                Result<Call> (*read)(const HttpRequest&)) {
  const auto call = read(request);
  if (!call.ok()) return responder.respond(api::refusal(call.error()));
  auto made = std::make_shared<Request>();
  made->http = std::move(request);
  made->responder = std::move(responder);
  auto operation = operation_of(call.value());
  if (!operation.ok()) return made->refuse(operation.error());
  made->done_status = status_of_write(call.value());
  made->unknown_status = status_of_unknown(call.value());
  write(made, std::move(operation).value());
}

}  // namespace bourse::master
