#include "master/shell/leader_gate.hpp"

#include <algorithm>
#include <array>

namespace bourse::master {

namespace {

using runtime::HttpResponse;

// The path without slashes at its ends and without the process's name in front.
std::string_view route_of(std::string_view path) {
  while (path.starts_with('/')) path.remove_prefix(1);
  while (path.ends_with('/')) path.remove_suffix(1);
  constexpr std::string_view kProcess = "master/";
  if (path.starts_with(kProcess)) path.remove_prefix(kProcess.size());
  return path;
}

bool every_master_answers(std::string_view route) {
  constexpr std::array<std::string_view, 4> kOwn = {"health", "version", "metrics",
                                                    "metrics/snapshot"};
  return std::find(kOwn.begin(), kOwn.end(), route) != kOwn.end();
}

HttpResponse send_on(std::string location) {
  HttpResponse out;
  out.status = 307;
  out.headers.add("Location", std::move(location));
  return out;
}

}  // namespace

LeaderGate::LeaderGate(runtime::HttpHandler api, codec::MasterDescription self,
                       std::function<bool()> may_act)
    : api_(std::move(api)), self_(std::move(self)), may_act_(std::move(may_act)) {}

runtime::HttpHandler LeaderGate::handler() {
  return [this](runtime::HttpRequest request, runtime::HttpResponder responder) {
    handle(std::move(request), std::move(responder));
  };
}

bool LeaderGate::elected() const {
  return leader_ && leader_->master.id == self_.id;
}

std::optional<std::string> LeaderGate::authority() const {
  if (leading()) return self_.hostname + ":" + std::to_string(self_.port);
  if (!leader_) return std::nullopt;
  return leader_->master.hostname + ":" + std::to_string(leader_->master.port);
}

void LeaderGate::handle(runtime::HttpRequest request, runtime::HttpResponder responder) {
  const std::string_view route = route_of(request.path);
  if (route.starts_with("redirect/")) {
    return responder.respond(
        HttpResponse::text(404, "path: '" + request.path + "' is not served; /redirect is"));
  }
  const bool asks_who = route == "redirect";
  if (!asks_who && (leading() || every_master_answers(route))) {
    return api_(std::move(request), std::move(responder));
  }
  if (leading_.load() && !leading()) {
    return responder.respond(
        HttpResponse::text(503, "the lease of this master's leadership is over; try again"));
  }
  if (!asks_who && elected()) {
    return responder.respond(
        HttpResponse::text(503, "this master has been elected and reads the registry; try again"));
  }
  const auto to = authority();
  if (!to) {
    return responder.respond(
        HttpResponse::text(503, "no master leads this cluster now; try again"));
  }
  responder.respond(send_on("//" + *to + (asks_who ? "" : request.target)));
}

}  // namespace bourse::master
