// GatewayHttpApi: what a gateway tells over HTTP of itself: its health, its version and its
// metrics. Nothing there changes anything. Belongs to the loop's thread, where the core is stepped.
#pragma once

#include <string>

#include "api/access_guard.hpp"
#include "api/authenticator.hpp"
#include "api/metrics_answer.hpp"
#include "base/time.hpp"
#include "gateway/shell/gateway_process.hpp"
#include "runtime/http_router.hpp"
#include "runtime/loop.hpp"

namespace bourse::gateway {

class GatewayHttpApi {
 public:
  // Both must outlive this.
  GatewayHttpApi(runtime::Loop& loop, const GatewayProcess& process,
                 const api::Authentication& authentication);

  runtime::HttpHandler handler() { return authenticator_.handler(); }
  api::Authenticator& authenticator() { return authenticator_; }

 private:
  std::string health() const;
  api::Metrics metrics() const;

  const GatewayProcess& process_;
  const Instant begun_at_;
  runtime::HttpRouter router_;
  api::Authenticator authenticator_;
};

}  // namespace bourse::gateway
