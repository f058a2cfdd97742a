// bourse-agent: offers a machine's resources to a master and runs tasks on it.
#include <csignal>
#include <cstdio>

#include "agent/shell/agent_process.hpp"
#include "agent/shell/http_api.hpp"
#include "agent/shell/options.hpp"
#include "api/authentication_flags.hpp"
#include "runtime/daemon.hpp"
#include "runtime/http_server.hpp"
#include "runtime/log.hpp"
#include "runtime/loop.hpp"

namespace {

using namespace bourse;

int fail(const Error& error) {
  std::fprintf(stderr, "bourse-agent: %s\n", error.message.c_str());
  const bool again = error.code != ErrorCode::corrupt && error.code != ErrorCode::unsupported;
  return again ? 1 : agent::kSomebodyMustLook;
}

int run(agent::AgentOptions& options) {
  const Status ready =
      runtime::start_daemon({"bourse-agent", options.log_level, options.ip, options.insecure});
  if (!ready.ok()) return fail(ready.error());
  if (const Status made = runtime::make_directories(options.work_dir); !made.ok()) {
    return fail(made.error());
  }
  auto pid_file = runtime::PidFile::take(options.work_dir + "/agent.pid");
  if (!pid_file.ok()) return fail(pid_file.error());

  runtime::Loop loop;
  agent::AgentProcess process(loop, options);
  agent::AgentHttpApi api(loop, process, options);
  runtime::HttpServerOptions http_options;
  http_options.address = options.ip;
  http_options.port = options.port;
  http_options.allowed_hosts = options.address.names.hosts;
  http_options.allowed_origins = options.address.names.origins;
  http_options.streamed_content_types = {"application/recordio"};
  auto server = runtime::HttpServer::listen(loop, http_options, api.handler());
  if (!server.ok()) return fail(server.error());
  if (const Status started = process.start(server.value()->port()); !started.ok()) {
    return fail(started.error());
  }
  if (process.stopped()) return process.exit_status();
  api.set_ready();

  bool interrupted = false;
  const auto signals = loop.on_signals({SIGINT, SIGTERM}, [&](int) {
    interrupted = true;
    process.leave();
    loop.post([&] { loop.stop(); });
  });
  const auto hangups = api::reread_on_hangup(loop, options.authentication, api.authenticator());
  std::printf("ready http=%s:%u\n", options.ip.c_str(), server.value()->port());
  std::fflush(stdout);
  loop.run();
  return interrupted ? 0 : process.exit_status();
}

}  // namespace

int main(int argc, char** argv) {
  bourse::agent::AgentOptions options;
  auto parsed = bourse::agent::parse_options(argc, argv, options);
  if (!parsed.ok()) return fail(parsed.error());
  if (!parsed.value()) return 0;
  return run(options);
}
