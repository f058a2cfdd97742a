#include "frameworks/service/shell/service_api.hpp"

#include <algorithm>
#include <utility>

#include "frameworks/service/shell/show.hpp"
#include "proto/codec/json.hpp"
#include "proto/codec/service_api.hpp"
#include "proto/codec/text_check.hpp"
#include "proto/internal/service_api.pb.h"
#include "runtime/clock.hpp"

namespace bourse::service {

namespace {

using runtime::HttpRequest;
using runtime::HttpResponder;
using runtime::HttpResponse;

constexpr std::size_t kPageDefault = 100;
constexpr std::size_t kPageMost = 1'000;

constexpr char kRoutes[] =
    "bourse-service: keeps apps running\n\n"
    "GET    /v1/apps                    ?limit=100&after=ID\n"
    "GET    /v1/apps/ID\n"
    "PUT    /v1/apps/ID                 the definition\n"
    "DELETE /v1/apps/ID\n"
    "GET    /v1/apps/ID/tasks\n"
    "GET    /v1/apps/ID/versions\n"
    "GET    /v1/apps/ID/versions/N\n"
    "POST   /v1/apps/ID/scale           {\"instances\": N}\n"
    "POST   /v1/apps/ID/restart         {} or {\"if_version\": N}\n"
    "GET    /health /metrics /metrics/snapshot\n";

HttpResponse refusal(const Error& error) {
  return HttpResponse::text(runtime::http_status_of(error), error.message + "\n");
}

HttpResponse answer(const google::protobuf::Message& message, int status = 200) {
  return HttpResponse::json(codec::to_json(message) + "\n", status);
}

HttpResponse wrong_method(const HttpRequest& request, const std::string& right) {
  HttpResponse out = HttpResponse::text(
      405, "method: " + codec::shown(request.method) + " is not for this path; " + right + "\n");
  out.headers.add("Allow", right);
  return out;
}

std::vector<std::string> segments_of(const std::string& path) {
  std::vector<std::string> out;
  std::size_t begin = 0;
  while (begin < path.size()) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    if (end > begin) out.push_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

Error no_such_app(const std::string& id) {
  return {ErrorCode::not_found, "app: there is no app " + codec::shown(id)};
}

Result<std::uint64_t> read_number(std::string_view text, const std::string& field) {
  std::uint64_t out = 0;
  bool good = !text.empty() && text.size() <= 18;
  for (const char c : text) {
    good = good && c >= '0' && c <= '9';
    if (good) out = out * 10 + static_cast<std::uint64_t>(c - '0');
  }
  if (good) return out;
  return invalid(field + ": " + codec::shown(text) + " must be a whole number");
}

}  // namespace

struct ServiceApi::Call {
  HttpRequest request;
  HttpResponder responder;
  std::vector<std::string> words;  // of the path, after v1/apps

  const std::string& id() const { return words.front(); }
  bool is(std::string_view method) const {
    return request.method == method || (method == "GET" && request.method == "HEAD");
  }
};

ServiceApi::ServiceApi(ServiceRunner& runner) : runner_(runner) {
  router_.add("", {"GET"}, [](HttpRequest, const HttpResponder& responder) {
    responder.respond(HttpResponse::text(200, kRoutes));
  });
  router_.add("v1/apps", [this](HttpRequest request, HttpResponder responder) {
    apps(std::move(request), std::move(responder));
  });
  router_.add("health", {"GET"},
              [this](HttpRequest, const HttpResponder& responder) { responder.respond(health()); });
  router_.add("metrics", {"GET"}, [this](HttpRequest, const HttpResponder& responder) {
    responder.respond(HttpResponse::text(200, runtime::metrics_prometheus(metrics())));
  });
  router_.add("metrics/snapshot", {"GET"}, [this](HttpRequest, const HttpResponder& responder) {
    responder.respond(HttpResponse::json(runtime::metrics_json(metrics())));
  });
  router_.set_fallback([](HttpRequest request, const HttpResponder& responder) {
    responder.respond(HttpResponse::text(
        404, "path: " + codec::shown(request.path) + " is not served; GET / lists what is\n"));
  });
}

bool ServiceApi::sent_on(const Call& call) const {
  if (leads() && state().started) return false;
  HttpResponse out;
  if (!leads() && !leader_.empty()) {
    out.status = 307;
    out.headers.add("Location", "//" + leader_ + call.request.target);
  } else {
    out = HttpResponse::text(503, "no service scheduler leads now; try again\n");
  }
  call.responder.respond(std::move(out));
  return true;
}

void ServiceApi::apps(HttpRequest request, HttpResponder responder) {
  std::vector<std::string> words = segments_of(request.rest);
  const Call call{std::move(request), std::move(responder), std::move(words)};
  if (sent_on(call)) return;
  if (call.words.size() > 1) return part_of_app(call);
  if (!call.words.empty()) return one_app(call);
  if (!call.is("GET")) return call.responder.respond(wrong_method(call.request, "GET"));
  list(call);
}

void ServiceApi::one_app(const Call& call) {
  if (call.is("PUT")) return put(call);
  if (call.is("DELETE")) return change(call, change::RemoveApp{AppId(call.id())});
  if (!call.is("GET")) {
    return call.responder.respond(wrong_method(call.request, "GET, PUT, DELETE"));
  }
  const AppId id(call.id());
  if (!state().book.apps.contains(id))
    return call.responder.respond(refusal(no_such_app(id.raw())));
  service_api::AppState out;
  show_app(state(), state().apps.at(id), runtime::monotonic_now(), true, out);
  call.responder.respond(answer(out));
}

void ServiceApi::part_of_app(const Call& call) {
  const std::string& part = call.words[1];
  const bool writes = part == "scale" || part == "restart";
  const bool reads = part == "tasks" || part == "versions";
  const std::size_t most = part == "versions" ? 3 : 2;
  if ((!writes && !reads) || call.words.size() > most) {
    return call.responder.respond(HttpResponse::text(
        404, "path: " + codec::shown(call.request.path) + " is not served; GET / lists what is\n"));
  }
  if (!call.is(writes ? "POST" : "GET")) {
    return call.responder.respond(wrong_method(call.request, writes ? "POST" : "GET"));
  }
  if (part == "scale") return scale(call);
  if (part == "restart") return restart(call);
  const AppId id(call.id());
  const auto record = state().book.apps.find(id);
  if (record == state().book.apps.end()) {
    return call.responder.respond(refusal(no_such_app(id.raw())));
  }
  if (part == "versions") return versions(call, record->second);
  service_api::TaskList out;
  show_tasks(state(), state().apps.at(id), runtime::monotonic_now(), out);
  call.responder.respond(answer(out));
}

void ServiceApi::versions(const Call& call, const AppRecord& record) const {
  service_api::VersionList all;
  show_versions(AppId(call.id()), record, all);
  if (call.words.size() < 3) return call.responder.respond(answer(all));
  const auto wanted = read_number(call.words[2], "version");
  if (!wanted.ok()) return call.responder.respond(refusal(wanted.error()));
  for (const service_api::Version& version : all.versions()) {
    if (version.version() == wanted.value()) return call.responder.respond(answer(version));
  }
  call.responder.respond(
      refusal({ErrorCode::not_found, "version: " + std::to_string(wanted.value()) + " of '" +
                                         call.id() + "' is not kept (GET /v1/apps/" + call.id() +
                                         "/versions lists those that are)"}));
}

void ServiceApi::list(const Call& call) const {
  std::size_t limit = kPageDefault;
  if (const std::string_view text = call.request.query_value("limit"); !text.empty()) {
    const auto read = read_number(text, "limit");
    if (!read.ok() || read.value() < 1 || read.value() > kPageMost) {
      return call.responder.respond(refusal(invalid(
          "limit: " + codec::shown(text) + " must be from 1 to " + std::to_string(kPageMost))));
    }
    limit = read.value();
  }
  service_api::AppList out;
  const AppId after{std::string(call.request.query_value("after"))};
  const Instant now = runtime::monotonic_now();
  for (auto it = state().apps.upper_bound(after); it != state().apps.end(); ++it) {
    if (!state().book.apps.contains(it->first)) continue;  // its first definition is on its way
    if (out.apps_size() == static_cast<int>(limit)) {
      out.set_next(out.apps(out.apps_size() - 1).id());
      break;
    }
    show_app(state(), it->second, now, false, *out.add_apps());
  }
  call.responder.respond(answer(out));
}

void ServiceApi::put(const Call& call) {
  auto document = codec::decode_app(call.request.body);
  if (!document.ok()) return call.responder.respond(refusal(document.error()));
  if (!document->id.empty() && document->id != call.id()) {
    return call.responder.respond(
        refusal(invalid("id: " + codec::shown(document->id) + " is not the one of the path, " +
                        codec::shown(call.id()) + "; give the same or none")));
  }
  change(call, change::PutApp{AppId(call.id()), std::move(document->definition)});
}

void ServiceApi::scale(const Call& call) {
  const auto instances = codec::decode_scale(call.request.body);
  if (!instances.ok()) return call.responder.respond(refusal(instances.error()));
  change(call, change::ScaleApp{AppId(call.id()), instances.value()});
}

void ServiceApi::restart(const Call& call) {
  const auto if_version = codec::decode_restart(call.request.body);
  if (!if_version.ok()) return call.responder.respond(refusal(if_version.error()));
  change(call, change::RestartApp{AppId(call.id()), if_version.value()});
}

void ServiceApi::change(const Call& call, AppChange change) {
  const RequestId id(++requests_made_);
  waiting_.emplace(id, call.responder);
  runner_.feed(FromClient{id, Principal{call.request.principal}, std::move(change)});
}

void ServiceApi::on_answer(const Answer& done) {
  const auto it = waiting_.find(done.request);
  if (it == waiting_.end()) return;
  const HttpResponder responder = std::move(it->second);
  waiting_.erase(it);
  if (!done.status.ok()) return responder.respond(refusal(done.status.error()));
  service_api::AppState out;
  out.set_id(done.app_id.raw());
  bool is_new = false;
  if (const auto app = state().apps.find(done.app_id); app != state().apps.end()) {
    show_app(state(), app->second, runtime::monotonic_now(), true, out);
    is_new = done.changed && out.version() == 1 && app->second.phase == AppPhase::active;
  }
  out.set_changed(done.changed);
  responder.respond(answer(out, is_new ? 201 : 200));
}

HttpResponse ServiceApi::health() const {
  service_api::Health out;
  out.set_state(leads() ? "leading" : "standby");
  if (!leads()) {
    if (!leader_.empty()) out.set_leader(leader_);
    return answer(out);
  }
  std::size_t instances = 0;
  for (const auto& [id, app] : state().apps) instances += app.instances.size();
  out.set_registered(state().registered);
  if (!state().framework_id.empty()) out.set_framework_id(state().framework_id);
  out.set_apps(state().apps.size());
  out.set_instances(instances);
  out.set_writes_pending(state().writes.size());
  return answer(out);
}

runtime::Metrics::Snapshot ServiceApi::metrics() const {
  runtime::Metrics::Snapshot out;
  if (leads()) {
    Tally all;
    std::uint32_t ready = 0;
    for (const auto& [id, app] : state().apps) {
      for (std::size_t p = 1; p < kInstancePhases; ++p) {
        all.in_phase[0][p] += app.tally.count(static_cast<InstancePhase>(p));
      }
      ready += app.tally.ready[0] + app.tally.ready[1];
    }
    out.emplace_back("service/apps", static_cast<double>(state().apps.size()));
    for (std::size_t p = 1; p < kInstancePhases; ++p) {
      out.emplace_back(std::string("service/instances_") + name_of(static_cast<InstancePhase>(p)),
                       all.in_phase[0][p]);
    }
    out.emplace_back("service/instances_ready", ready);
    out.emplace_back("service/registered", state().registered ? 1 : 0);
    out.emplace_back("service/writes_pending", static_cast<double>(state().writes.size()));
  }
  out.emplace_back("service/elected", leads() ? 1 : 0);
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace bourse::service
