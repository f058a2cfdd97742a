#include "master/shell/operator_api.hpp"

#include "api/metrics_answer.hpp"
#include "api/negotiation.hpp"
#include "master/shell/http_answers.hpp"
#include "master/shell/operator_request.hpp"
#include "master/shell/operator_writes.hpp"
#include "proto/codec/call_form.hpp"
#include "proto/codec/classic_form.hpp"
#include "proto/codec/facet_write.hpp"
#include "proto/codec/json.hpp"
#include "proto/codec/quantity.hpp"
#include "proto/internal/operator_extension.pb.h"
#include "proto/v1/master_call.pb.h"
#include "proto/v1/master_response.pb.h"
#include "runtime/clock.hpp"
#include "runtime/http_assets.hpp"
#include "runtime/log.hpp"
#include "webui/assets.hpp"

namespace bourse::master {

namespace {

using runtime::HttpRequest;
using runtime::HttpResponder;
using runtime::HttpResponse;
using Call = mesos::v1::master::Call;
using Response = mesos::v1::master::Response;

}  // namespace

OperatorApi::OperatorApi(runtime::Loop& loop, CoreRunner& core, ViewService& view,
                         codec::MasterDescription master, std::function<Metrics()> process_metrics,
                         std::vector<std::pair<std::string, std::string>> flags)
    : loop_(loop),
      core_(core),
      view_(view),
      master_(std::move(master)),
      process_metrics_(std::move(process_metrics)),
      router_({"master"}),
      flags_(std::move(flags)),
      whole_reads_(view),
      classic_reads_(
          whole_reads_, [this] { return core_.published(); },
          [this] {
            return ClassicMaster{master_, begun_at_, elected_at_, flags_};
          }),
      logging_(loop) {
  add_routes();
}

OperatorApi::~OperatorApi() = default;

void OperatorApi::add_routes() {
  router_.add("health",
              [](HttpRequest, HttpResponder r) { r.respond(HttpResponse::text(200, "")); });
  router_.add("version", [](HttpRequest request, HttpResponder r) {
    r.respond(api::version_answer(request));
  });
  router_.add("flags", [this](HttpRequest request, HttpResponder r) {
    r.respond(api::json_answer(request, codec::classic_flags(flags_)));
  });
  router_.add("api/v1", {"POST"}, [this](HttpRequest request, HttpResponder responder) {
    call(std::move(request), std::move(responder));
  });
  router_.add("metrics/snapshot", [this](HttpRequest request, HttpResponder responder) {
    metrics_snapshot(std::move(request), std::move(responder), false);
  });
  router_.add("metrics", {"GET"}, [this](HttpRequest request, HttpResponder responder) {
    metrics_snapshot(std::move(request), std::move(responder), true);
  });
  add_classic_routes();
  classic_reads_.add_routes(router_);
  add_machine_routes();
  router_.set_fallback(
      [this](HttpRequest request, HttpResponder responder) { serve_ui(request, responder); });
}

// The older routes say the same with less around it.
void OperatorApi::add_machine_routes() {
  for (const std::string route : {"maintenance/schedule", "machine/down", "machine/up"}) {
    const bool reads = route == "maintenance/schedule";
    router_.add(route,
                reads ? std::vector<std::string>{"GET", "POST"} : std::vector<std::string>{"POST"},
                [this, route](HttpRequest request, HttpResponder responder) {
                  if (request.method == "GET") {
                    return read_classic(std::move(request), std::move(responder), plain_schedule);
                  }
                  auto body = call_of_route(route, request.body);
                  if (!body.ok()) return responder.respond(api::refusal(body.error()));
                  request.body = std::move(body).value();
                  request.headers = {};
                  request.headers.add("Content-Type", "application/json");
                  call(std::move(request), std::move(responder));
                });
  }
  router_.add("maintenance/status", {"GET"}, [this](HttpRequest request, HttpResponder responder) {
    read_classic(std::move(request), std::move(responder), plain_maintenance_status);
  });
}

void OperatorApi::call(HttpRequest http, HttpResponder responder) {
  auto request = std::make_shared<Request>();
  request->http = std::move(http);
  request->responder = std::move(responder);
  const auto negotiated = api::negotiate(request->http);
  if (!negotiated.ok()) return request->responder.respond(negotiated.error());
  request->in = negotiated.in;
  request->out = negotiated.out;

  Call call;
  if (request->in == codec::Encoding::protobuf) {
    if (!call.ParseFromString(request->http.body)) {
      return request->refuse(invalid("body: does not parse as mesos.v1.master.Call"));
    }
    return dispatch(request, call);
  }
  // The additions first: they live in the same body, under names that Mesos does not know.
  operator_extension::Call extension;
  const Status extended = codec::from_json(request->http.body, extension);
  if (extended.ok() && extension.type() == "KILL_TASK") return kill_task(request);
  if (extension.type() == "EXPLAIN_FRAMEWORK") return explain_framework(request);
  if (const Status parsed = codec::from_json(request->http.body, call); !parsed.ok()) {
    return request->refuse(parsed.error());
  }
  auto queries = parse_queries(request->http.body);
  if (!queries.ok()) return request->refuse(queries.error());
  request->queries = std::move(queries).value();
  request->force = extension.drain_agent().force();
  if (extension.drain_agent().has_max_wait_seconds()) {
    auto wait = codec::duration_from_seconds(extension.drain_agent().max_wait_seconds(),
                                             limits::kMaxDrainWait, "drain_agent.max_wait_seconds");
    if (!wait.ok()) return request->refuse(wait.error());
    request->max_wait = wait.value();
  }
  dispatch(request, call);
}

void OperatorApi::kill_task(const std::shared_ptr<Request>& request) {
  operator_extension::Call extension;
  if (const Status parsed = codec::from_json(request->http.body, extension); !parsed.ok()) {
    return request->refuse(parsed.error());
  }
  if (!extension.has_kill_task()) {
    return request->refuse(invalid("kill_task: is missing; give {\"task_id\":{\"value\":...}}"));
  }
  operation::KillTask kill;
  kill.framework_id = FrameworkId(extension.kill_task().framework_id().value());
  kill.task_id = TaskId(extension.kill_task().task_id().value());
  if (extension.kill_task().has_grace_seconds()) {
    auto grace = codec::duration_from_seconds(extension.kill_task().grace_seconds(),
                                              limits::kMaxKillGrace, "kill_task.grace_seconds");
    if (!grace.ok()) return request->refuse(grace.error());
    kill.grace = grace.value();
  }
  FromOperator operation;
  operation.body = std::move(kill);
  write(request, std::move(operation));
}

// A question goes through the core like a write; what it says is read from the view.
void OperatorApi::explain_framework(const std::shared_ptr<Request>& request) {
  operator_extension::Call extension;
  if (const Status parsed = codec::from_json(request->http.body, extension); !parsed.ok()) {
    return request->refuse(parsed.error());
  }
  const std::string& id = extension.explain_framework().framework_id().value();
  if (id.empty()) {
    return request->refuse(
        invalid("explain_framework: is missing; give {\"framework_id\":{\"value\":...}}"));
  }
  request->explained = FrameworkId(id);
  FromOperator operation;
  operation.body = operation::ExplainFramework{request->explained};
  write(request, std::move(operation));
}

void OperatorApi::answer_explained(const std::shared_ptr<Request>& request,
                                   std::uint64_t sequence) {
  request->out = codec::Encoding::json;
  view_.read(
      sequence,
      [request](View& view) {
        std::string body = answer_explanation(view.state(), request->explained);
        if (body.empty()) {
          return request->refuse(
              {ErrorCode::unavailable, "too many explanations are asked for; try again"});
        }
        request->answer(std::move(body));
      },
      [request] {
        request->refuse({ErrorCode::unavailable, "the view is behind the cluster; try again"});
      });
}

void OperatorApi::dispatch(const std::shared_ptr<Request>& request, const Call& call) {
  const codec::Encoding out = request->out;
  if (const Status formed =
          codec::check_call_form(call, request->in, request->http.body, {"GET_METRICS"});
      !formed.ok()) {
    return request->refuse(formed.error());
  }
  runtime::log_debug("operator's call", {{"type", Call::Type_Name(call.type())}});
  switch (call.type()) {
    case Call::GET_HEALTH:
      return request->answer(health_body(out));
    case Call::GET_VERSION:
      return request->answer(version_body(out));
    case Call::GET_FLAGS:
      return request->answer(flags_body(flags_, out));
    case Call::GET_MASTER:
      return request->answer(master_body(master_, begun_at_, elected_at_, out));
    case Call::GET_LOGGING_LEVEL:
      return request->answer(logging_level_body(logging_.level(), out));
    case Call::SET_LOGGING_LEVEL:
      return set_logging_level(request, call);
    case Call::GET_AGENTS:
    case Call::GET_FRAMEWORKS:
    case Call::GET_TASKS:
    case Call::GET_EXECUTORS:
    case Call::GET_OPERATIONS:
    case Call::GET_STATE:
      return read_rows(request, call);
    case Call::GET_ROLES:
      return read_view(request, [out](const ViewState& state) { return answer_roles(state, out); });
    case Call::GET_WEIGHTS:
      return read_view(request,
                       [out](const ViewState& state) { return answer_weights(state, out); });
    case Call::GET_QUOTA:
      return read_view(request,
                       [out](const ViewState& state) { return answer_quotas(state, out); });
    case Call::GET_MAINTENANCE_SCHEDULE:
      return read_view(request,
                       [out](const ViewState& state) { return answer_schedule(state, out); });
    case Call::GET_MAINTENANCE_STATUS:
      return read_view(
          request, [out](const ViewState& state) { return answer_maintenance_status(state, out); });
    case Call::GET_METRICS:
      return read_view(request, [this, out](const ViewState& state) {
        return answer_metrics(metrics(state), out);
      });
    case Call::SUBSCRIBE:
      return subscribe(request);
    case Call::LIST_FILES:
      return list_files(request, call.list_files().path());
    case Call::READ_FILE: {
      const auto& read = call.read_file();
      return read_file(
          request, read.path(), read.offset(),
          read.has_length() ? std::optional<std::uint64_t>(read.length()) : std::nullopt);
    }
    default: {
      auto operation = operation_of(call);
      if (!operation.ok()) return request->refuse(operation.error());
      request->done_status = status_of_write(call);
      request->unknown_status = status_of_unknown(call);
      if (auto* drain = std::get_if<operation::DrainAgent>(&operation->body)) {
        drain->force = request->force;
        drain->max_wait = request->max_wait;
      }
      return write(request, std::move(operation).value());
    }
  }
}

void OperatorApi::set_logging_level(const std::shared_ptr<Request>& request, const Call& call) {
  const auto& wanted = call.set_logging_level();
  const Status set = logging_.set(wanted.level(), Duration{wanted.duration().nanoseconds()});
  if (!set.ok()) return request->refuse(set.error());
  request->responder.respond(HttpResponse());
}

void OperatorApi::subscribe(const std::shared_ptr<Request>& request) {
  view_.read(
      core_.published(),
      [this, request](View& view) {
        subscriptions_.open(view, request->out, request->queries.subscribe, request->responder,
                            [this](View::SubscriberId id) {
                              view_.post([id](View& later) { later.unsubscribe(id); });
                            });
      },
      [request] {
        request->refuse({ErrorCode::unavailable, "the view is behind the cluster; try again"});
      });
}

// -- writes

void OperatorApi::write(const std::shared_ptr<Request>& request, FromOperator operation) {
  operation.request = RequestId(++requests_made_);
  operation.principal = Principal{request->http.principal};
  waiting_[operation.request] = request;
  const RequestId id = operation.request;
  const auto outcome = core_.push(std::move(operation), request->http.body.size());
  if (outcome == runtime::PushOutcome::accepted ||
      outcome == runtime::PushOutcome::accepted_nearly_full) {
    return;
  }
  waiting_.erase(id);
  request->refuse({ErrorCode::unavailable, "the master is overloaded; try again"});
}

void OperatorApi::on_answers(std::vector<Answer>&& answers) {
  for (const Answer& answer : answers) {
    const auto it = waiting_.find(answer.request);
    if (it == waiting_.end()) continue;
    const std::shared_ptr<Request> request = it->second;
    waiting_.erase(it);
    if (!answer.status.ok()) {
      request->refuse_write(answer.status.error());
      continue;
    }
    if (!request->explained.empty()) {
      answer_explained(request, answer.sequence);
      continue;
    }
    HttpResponse done;
    done.status = request->done_status;
    done.headers.add("Bourse-Sequence", std::to_string(answer.sequence));
    request->responder.respond(std::move(done));
  }
}

// -- metrics and pages

Metrics OperatorApi::metrics(const ViewState& state) const {
  Metrics out = cluster_metrics(state);
  const Metrics more = process_metrics_();
  out.insert(out.end(), more.begin(), more.end());
  out.emplace_back("master/http_cache_hits", static_cast<double>(whole_reads_.shared_answers()));
  return out;
}

void OperatorApi::metrics_snapshot(HttpRequest request, HttpResponder responder, bool prometheus) {
  view_.post([this, request = std::move(request), responder = std::move(responder),
              prometheus](View& view) {
    const Metrics all = metrics(view.state());
    responder.respond(prometheus ? api::prometheus_answer(all)
                                 : api::snapshot_answer(request, all));
  });
}

void OperatorApi::serve_ui(const HttpRequest& request, const HttpResponder& responder) {
  const webui::Asset* asset = webui::find_asset(request.path);
  if (asset == nullptr) {
    return responder.respond(
        HttpResponse::text(404, "path: '" + request.path + "' is not served here"));
  }
  HttpResponse out;
  out.headers.add("Content-Type", std::string(asset->content_type));
  out.headers.add("ETag", std::string(asset->etag));
  out.headers.add("Cache-Control",
                  asset->immutable ? "public, max-age=31536000, immutable" : "no-cache");
  runtime::add_security_headers(out);
  if (request.headers.get("If-None-Match") == asset->etag) {
    out.status = 304;
    return responder.respond(std::move(out));
  }
  const bool packed = !asset->gzip_bytes.empty() && runtime::accepts_gzip(request.headers);
  if (packed) out.headers.add("Content-Encoding", "gzip");
  out.body = std::string(packed ? asset->gzip_bytes : asset->bytes);
  responder.respond(std::move(out));
}

}  // namespace bourse::master
