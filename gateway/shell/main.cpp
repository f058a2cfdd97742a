// bourse-gateway: holds the connections of many agents and carries them over one to the master.
#include <csignal>
#include <cstdio>

#include "api/authentication_flags.hpp"
#include "gateway/shell/gateway_process.hpp"
#include "gateway/shell/http_api.hpp"
#include "gateway/shell/options.hpp"
#include "runtime/daemon.hpp"
#include "runtime/http_server.hpp"
#include "runtime/log.hpp"
#include "runtime/loop.hpp"

namespace {

using namespace bourse;

int fail(const Error& error) {
  std::fprintf(stderr, "bourse-gateway: %s\n", error.message.c_str());
  return 1;
}

int run(const gateway::GatewayOptions& options) {
  const Status started =
      runtime::start_daemon({"bourse-gateway", options.log_level, options.ip, options.insecure});
  if (!started.ok()) return fail(started.error());
  runtime::Loop loop;
  gateway::GatewayProcess process(loop, options);
  if (const Status begun = process.start(); !begun.ok()) return fail(begun.error());
  gateway::GatewayHttpApi api(loop, process, options.authentication);
  runtime::HttpServerOptions http;
  http.address = options.ip;
  http.port = options.http_port;
  http.allowed_hosts = options.names.hosts;
  http.allowed_origins = options.names.origins;
  const auto server = runtime::HttpServer::listen(loop, http, api.handler());
  if (!server.ok()) return fail(server.error());
  const auto hangups = api::reread_on_hangup(loop, options.authentication, api.authenticator());
  const auto signals = loop.on_signals({SIGINT, SIGTERM}, [&](int) { loop.stop(); });
  std::printf("ready http=%s:%u link=%s:%u\n", options.ip.c_str(), server.value()->port(),
              options.ip.c_str(), process.port());
  std::fflush(stdout);
  loop.run();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  bourse::gateway::GatewayOptions options;
  auto parsed = bourse::gateway::parse_options(argc, argv, options);
  if (!parsed.ok()) return fail(parsed.error());
  if (!parsed.value()) return 0;
  return run(options);
}
