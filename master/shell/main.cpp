// bourse-master: gathers what agents have, offers it to frameworks, and lets people see why.
#include <csignal>
#include <cstdio>

#include "master/shell/core_runner.hpp"
#include "master/shell/link_server.hpp"
#include "master/shell/operator_api.hpp"
#include "master/shell/options.hpp"
#include "master/shell/process_metrics.hpp"
#include "master/shell/view_service.hpp"
#include "runtime/clock.hpp"
#include "runtime/daemon.hpp"
#include "runtime/entropy.hpp"
#include "runtime/http_server.hpp"
#include "runtime/log.hpp"
#include "runtime/loop.hpp"

namespace {

using namespace bourse;

int fail(const Error& error) {
  std::fprintf(stderr, "bourse-master: %s\n", error.message.c_str());
  return 1;
}

Status prepare(const master::MasterOptions& options) {
  auto level = runtime::parse_log_level(options.log_level);
  if (!level.ok()) return level.error();
  runtime::LogOptions log;
  log.level = level.value();
  log.program = "bourse-master";
  if (const Status opened = runtime::log_open(log); !opened.ok()) return opened;
  if (const Status ok = runtime::check_bind_address(options.ip, false, options.insecure);
      !ok.ok()) {
    return ok;
  }
  runtime::raise_descriptor_limit();
  runtime::ignore_sigpipe();
  return runtime::make_directories(options.work_dir);
}

int run(const master::MasterOptions& options) {
  if (const Status ready = prepare(options); !ready.ok()) return fail(ready.error());
  auto pid_file = runtime::PidFile::take(options.work_dir + "/master.pid");
  if (!pid_file.ok()) return fail(pid_file.error());

  runtime::Loop loop;
  std::string failure;
  master::MasterConfig config = options.core;
  config.master_id = runtime::random_uuid_text();
  config.seed = runtime::random_u64();
  codec::MasterDescription master{config.master_id, options.hostname, options.ip,
                                  options.port,     "1.11.0",         {}};

  master::LinkServer* links = nullptr;
  master::OperatorApi* api = nullptr;
  master::ViewService view([&] { loop.post([&] { links->resume(); }); });
  master::CoreSinks sinks;
  sinks.outgoing = [&](std::vector<master::Outgoing>&& batch) {
    loop.post([&, batch = std::move(batch)]() mutable { links->send(std::move(batch)); });
  };
  sinks.changes = [&](std::vector<Change>&& changes) {
    if (view.push(std::move(changes)) == runtime::PushOutcome::full) {
      // No Change is ever dropped: a view that cannot follow ends this leadership.
      loop.post([&] {
        failure = "the view could not follow the cluster";
        loop.stop();
      });
    }
  };
  sinks.answers = [&](std::vector<master::Answer>&& answers) {
    loop.post([&, answers = std::move(answers)]() mutable { api->on_answers(std::move(answers)); });
  };
  sinks.relieved = [&] { loop.post([&] { links->resume(); }); };
  sinks.abdicate = [&](const std::string& reason) {
    loop.post([&, reason] {
      failure = reason;
      loop.stop();
    });
  };
  master::CoreRunner core(config, options.work_dir, std::move(sinks));
  master::LinkServer link_server(
      loop,
      [&](master::CoreRunner::EventBody body, std::size_t bytes) {
        const auto outcome = core.push(std::move(body), bytes);
        if (outcome == runtime::PushOutcome::accepted && view.nearly_full()) {
          return runtime::PushOutcome::accepted_nearly_full;
        }
        return outcome;
      },
      master);
  const Instant started = runtime::monotonic_now();
  master::ProcessMetrics process_metrics(started, core, link_server);
  master::OperatorApi operator_api(loop, core, view, master,
                                   [&] { return process_metrics.read(); });
  links = &link_server;
  api = &operator_api;

  runtime::HttpServerOptions http;
  http.address = options.ip;
  http.port = options.port;
  http.allowed_hosts = {options.hostname};
  auto server = runtime::HttpServer::listen(loop, http, operator_api.handler());
  if (!server.ok()) return fail(server.error());
  if (const Status bound = link_server.listen(options.ip, options.link_port); !bound.ok()) {
    return fail(bound.error());
  }
  master.port = server.value()->port();
  link_server.set_master(master);
  operator_api.set_master(master);
  view.start();
  if (const Status leading = core.start(); !leading.ok()) return fail(leading.error());

  const auto sampling = loop.every(Duration::seconds(1), [&] { process_metrics.sample(); });
  const auto signals = loop.on_signals({SIGINT, SIGTERM}, [&](int) { loop.stop(); });
  std::printf("ready http=%s:%u link=%s:%u\n", options.ip.c_str(), server.value()->port(),
              options.ip.c_str(), link_server.port());
  std::fflush(stdout);
  loop.run();
  core.stop();
  view.stop();
  if (failure.empty()) return 0;
  return fail({ErrorCode::conflict, failure});
}

}  // namespace

int main(int argc, char** argv) {
  bourse::master::MasterOptions options;
  auto parsed = bourse::master::parse_options(argc, argv, options);
  if (!parsed.ok()) return fail(parsed.error());
  if (!parsed.value()) return 0;
  return run(options);
}
