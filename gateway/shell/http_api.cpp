#include "gateway/shell/http_api.hpp"

#include <algorithm>
#include <utility>

#include "api/negotiation.hpp"
#include "api/realms.hpp"
#include "proto/codec/json_object.hpp"
#include "runtime/clock.hpp"
#include "runtime/huge_pages.hpp"
#include "runtime/machine_load.hpp"

namespace bourse::gateway {

namespace {

using runtime::HttpRequest;
using runtime::HttpResponder;
using runtime::HttpResponse;

constexpr char kRoutes[] =
    "bourse-gateway: carries agents to the master that leads\n\n"
    "GET /health /version /metrics /metrics/snapshot\n";

const char* name_of(GatewayCore::Phase phase) {
  switch (phase) {
    case GatewayCore::Phase::searching:
      return "searching";
    case GatewayCore::Phase::asking:
      return "asking";
    case GatewayCore::Phase::joined:
      return "joined";
  }
  return "searching";
}

}  // namespace

GatewayHttpApi::GatewayHttpApi(runtime::Loop& loop, const GatewayProcess& process,
                               const api::Authentication& authentication)
    : process_(process),
      begun_at_(runtime::monotonic_now()),
      router_({"gateway"}),
      authenticator_(
          loop, authentication,
          [this](const HttpRequest& request) {
            return api::gateway_access(router_.route_of(request.path));
          },
          router_.handler()) {
  router_.add("", {"GET"}, [](HttpRequest, const HttpResponder& responder) {
    responder.respond(HttpResponse::text(200, kRoutes));
  });
  router_.add("health", {"GET"}, [this](HttpRequest, const HttpResponder& responder) {
    responder.respond(HttpResponse::json(health()));
  });
  router_.add("version", {"GET"}, [](const HttpRequest& request, const HttpResponder& responder) {
    responder.respond(api::version_answer(request));
  });
  router_.add("metrics", {"GET"}, [this](HttpRequest, const HttpResponder& responder) {
    responder.respond(api::prometheus_answer(metrics()));
  });
  router_.add("metrics/snapshot", {"GET"},
              [this](const HttpRequest& request, const HttpResponder& responder) {
                responder.respond(api::snapshot_answer(request, metrics()));
              });
}

// Whoever restarts a gateway that is not well must not do so because nobody leads: the agents'
// connections would go with it.
std::string GatewayHttpApi::health() const {
  const GatewayHolds holds = process_.core().holds();
  std::string out;
  codec::JsonObject object(out);
  object.text("state", name_of(process_.core().phase()));
  if (process_.core().joined()) object.text("master", process_.master_address());
  object.whole("agents", static_cast<std::int64_t>(holds.agents));
  object.whole("agents_carried", static_cast<std::int64_t>(holds.agents_carried));
  object.end();
  return out + "\n";
}

api::Metrics GatewayHttpApi::metrics() const {
  api::Metrics out = gateway_metrics(process_.figures());
  out.emplace_back("bourse/gateway/uptime_secs",
                   static_cast<double>((runtime::monotonic_now() - begun_at_).ms()) / 1e3);
  out.emplace_back("bourse/gateway/resident_bytes", static_cast<double>(runtime::resident_bytes()));
  api::add_metrics(authenticator_.stats(), out);
  for (auto& metric : runtime::machine_load()) out.push_back(std::move(metric));
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace bourse::gateway
