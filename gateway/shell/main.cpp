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
  auto level = runtime::parse_log_level(options.log_level);
  if (!level.ok()) return fail(level.error());
  runtime::LogOptions log;
  log.level = level.value();
  log.program = "bourse-gateway";
  if (const Status opened = runtime::log_open(log); !opened.ok()) return fail(opened.error());
  if (const Status ok = runtime::check_bind_address(options.ip, false, options.insecure);
      !ok.ok()) {
    return fail(ok.error());
  }
  runtime::ignore_sigpipe();
  runtime::Loop loop;
  gateway::GatewayProcess process(loop, options);
  if (const Status started = process.start(); !started.ok()) return fail(started.error());
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
