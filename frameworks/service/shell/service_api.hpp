// ServiceApi: the HTTP API of a service scheduler (docs/services.md). The leader answers for the
// apps; another one sends clients on to it (307) or says 503 while nobody is known to lead. Its own
// health and metrics each tells. Changes are answered once they are stored.
//
// Belongs to the loop's thread, where requests are handled and the core is stepped.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "frameworks/service/shell/service_runner.hpp"
#include "runtime/http_router.hpp"
#include "runtime/metrics.hpp"

namespace bourse::service {

class ServiceApi {
 public:
  // The runner must outlive this.
  explicit ServiceApi(ServiceRunner& runner);

  runtime::HttpHandler handler() { return router_.handler(); }
  const std::string* route_of(const runtime::HttpRequest& request) {
    return router_.route_of(request.path);
  }
  void on_answer(const Answer& answer);
  // host:port; empty: nobody is known to lead.
  void follow(const std::string& leader) { leader_ = leader; }

 private:
  struct Call;  // one request about apps

  bool leads() const { return runner_.core() != nullptr; }
  const ServiceState& state() const { return runner_.core()->state(); }
  // Answers in place of the leader, if this is not it.
  bool sent_on(const Call& call) const;
  void apps(runtime::HttpRequest request, runtime::HttpResponder responder);
  void one_app(const Call& call);
  void part_of_app(const Call& call);
  void versions(const Call& call, const AppRecord& record) const;
  void list(const Call& call) const;
  void put(const Call& call);
  void scale(const Call& call);
  void restart(const Call& call);
  void change(const Call& call, AppChange change);
  runtime::HttpResponse health() const;
  runtime::Metrics::Snapshot metrics() const;

  ServiceRunner& runner_;
  runtime::HttpRouter router_;
  std::string leader_;
  std::uint64_t requests_made_ = 0;
  std::map<RequestId, runtime::HttpResponder> waiting_;  // for the core's answer
};

}  // namespace bourse::service
