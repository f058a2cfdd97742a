// bourse-gateway: holds the connections of many agents and carries them over one to the master.
#include <csignal>
#include <cstdio>

#include "gateway/shell/gateway_process.hpp"
#include "gateway/shell/options.hpp"
#include "runtime/daemon.hpp"
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
  const auto signals = loop.on_signals({SIGINT, SIGTERM}, [&](int) { loop.stop(); });
  std::printf("ready link=%s:%u\n", options.ip.c_str(), process.port());
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
