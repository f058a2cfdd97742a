// The agent's HTTP API: health, version, the operator calls that read (mesos.v1.agent.Call) and the
// classic routes: /state, /monitor/statistics, /containers, /metrics, /files. Runs on the agent's
// loop; reads the core's state between two steps.
#pragma once

#include <memory>

#include "agent/shell/agent_process.hpp"
#include "agent/shell/container_statistics.hpp"
#include "agent/shell/sandboxes.hpp"
#include "agent/shell/session_api.hpp"
#include "api/authenticator.hpp"
#include "api/logging_level.hpp"
#include "api/metrics_answer.hpp"
#include "runtime/http_router.hpp"

namespace bourse::agent {

class AgentHttpApi {
 public:
  // `loop` and `process` must outlive this. Routes are ready at once; before the agent has started
  // they answer 503.
  AgentHttpApi(runtime::Loop& loop, AgentProcess& process, const AgentOptions& options);

  // Through those who may, and then the routes.
  runtime::HttpHandler handler() { return authenticator_.handler(); }
  api::Authenticator& authenticator() { return authenticator_; }
  void set_ready() { ready_ = true; }

 private:
  void add_routes();
  std::optional<mesos::v1::agent::Call> call_in(const CallForm& form,
                                                const runtime::HttpRequest& request,
                                                const runtime::HttpResponder& responder);
  void operator_call(const runtime::HttpRequest& request, const runtime::HttpResponder& responder);
  void state(const runtime::HttpRequest& request, const runtime::HttpResponder& responder);
  void monitor_statistics(const runtime::HttpRequest& request,
                          const runtime::HttpResponder& responder);
  void containers(const runtime::HttpRequest& request, const runtime::HttpResponder& responder);
  void metrics_snapshot(const runtime::HttpRequest& request,
                        const runtime::HttpResponder& responder);
  void metrics_for_prometheus(const runtime::HttpRequest& request,
                              const runtime::HttpResponder& responder);
  api::Metrics metrics() const;
  void files_browse(const runtime::HttpRequest& request, const runtime::HttpResponder& responder);
  void files_read(const runtime::HttpRequest& request, const runtime::HttpResponder& responder);
  void files_download(const runtime::HttpRequest& request, const runtime::HttpResponder& responder);
  std::string agent_id() const;

  AgentProcess& process_;
  const AgentOptions options_;
  const WallTime started_at_;
  const Instant begun_at_;
  ContainerStatistics statistics_;
  Sandboxes sandboxes_;
  runtime::HttpRouter router_;
  api::Authenticator authenticator_;
  api::LoggingLevel logging_;
  SessionApi sessions_;
  bool ready_ = false;
};

}  // namespace bourse::agent
