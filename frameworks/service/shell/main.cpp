// bourse-service: keeps apps running on a cluster.
#include <csignal>
#include <cstdio>
#include <memory>
#include <optional>

#include "api/authentication_flags.hpp"
#include "api/authenticator.hpp"
#include "frameworks/service/shell/file_book.hpp"
#include "frameworks/service/shell/options.hpp"
#include "frameworks/service/shell/scheduler_link.hpp"
#include "frameworks/service/shell/service_api.hpp"
#include "frameworks/service/shell/service_runner.hpp"
#include "frameworks/service/shell/zookeeper_book.hpp"
#include "runtime/daemon.hpp"
#include "runtime/entropy.hpp"
#include "runtime/http_server.hpp"
#include "runtime/log.hpp"
#include "runtime/loop.hpp"

namespace {

using namespace bourse;

// Exit status for what a restart does not mend (EX_CONFIG): a supervisor should not try again.
constexpr int kSomebodyMustLook = 78;

int fail(const Error& error) {
  std::fprintf(stderr, "bourse-service: %s\n", error.message.c_str());
  const bool for_good = error.code == ErrorCode::corrupt || error.code == ErrorCode::unsupported;
  return for_good ? kSomebodyMustLook : 1;
}

std::unique_ptr<service::BookStore> book_store(const service::ServiceOptions& options) {
  if (!options.ensemble) return std::make_unique<service::FileBook>(options.store);
  runtime::ZookeeperOptions zookeeper;
  zookeeper.servers = options.ensemble->servers;
  zookeeper.digest_auth = options.ensemble->digest_auth;
  zookeeper.session_timeout = options.zk_session_timeout;
  coordination::CoordinationConfig config;
  config.path = options.ensemble->path;
  config.seed = runtime::random_u64();
  return std::make_unique<service::ZookeeperBook>(std::move(zookeeper), std::move(config));
}

sdk::SchedulerOptions framework(const service::ServiceOptions& options) {
  sdk::SchedulerOptions out;
  out.master = options.master;
  out.name = options.name;
  out.user = options.user;
  out.principal = options.principal;
  out.role = options.role;
  out.disruption_budget = options.disruption_budget;
  out.failover_timeout_ms = options.failover_timeout.ms();
  out.gpus = true;
  out.acknowledge_implicitly = false;
  return out;
}

// What the master says when it has ended the framework, and what the operator may do then.
Error explained(const std::string& reason) {
  if (reason == "Framework failed over") {
    return {ErrorCode::conflict,
            "another scheduler has subscribed with this framework's id: it leads now"};
  }
  if (reason == "Framework has been removed") {
    return {ErrorCode::unsupported,
            "the master has ended this framework, and its tasks with it (torn down, or away for "
            "longer than --failover-timeout): start once with --new-framework to launch the apps "
            "anew"};
  }
  return {ErrorCode::denied, "the master refuses this framework: " + reason};
}

class ServiceProcess {
 public:
  explicit ServiceProcess(const service::ServiceOptions& options)
      : options_(options),
        store_(book_store(options)),
        link_(
            loop_, framework(options),
            [this](decltype(service::Event::body) body) { runner_.feed(std::move(body)); },
            [this](const std::string& reason) { fail_soon(explained(reason)); }),
        runner_(loop_, *store_, link_, sinks()),
        api_(runner_),
        authenticator_(
            loop_, options.authentication,
            [this](const runtime::HttpRequest& request) {
              return api::service_access(api_.route_of(request), request.method);
            },
            api_.handler()) {}

  Status start() {
    runtime::HttpServerOptions http;
    http.address = options_.ip;
    http.port = options_.port;
    http.allowed_hosts = options_.names.hosts;
    http.allowed_origins = options_.names.origins;
    auto server = runtime::HttpServer::listen(loop_, http, authenticator_.handler());
    if (!server.ok()) return server.error();
    server_ = std::move(server).value();
    service::StoreHandlers handlers;
    handlers.on_lead = [this](service::Book book) {
      runtime::log_info("leading", {{"store", options_.ensemble ? "zookeeper" : options_.store}});
      runner_.lead(std::move(book), options_.new_framework);
    };
    handlers.on_leader = [this](const std::string& leader) { api_.follow(leader); };
    handlers.on_end = [this](const Error& reason) { fail_soon(reason); };
    return store_->start(loop_, address(), std::move(handlers));
  }

  // Until a signal or a failure, which is returned.
  Status run() {
    const auto signals = loop_.on_signals({SIGINT, SIGTERM}, [this](int) { loop_.stop(); });
    const auto hangups = api::reread_on_hangup(loop_, options_.authentication, authenticator_);
    std::printf("ready http=%s:%u\n", options_.ip.c_str(), server_->port());
    std::fflush(stdout);
    loop_.run();
    if (!failure_) return {};
    return *failure_;
  }

 private:
  std::string address() const {
    const bool v6 = options_.hostname.find(':') != std::string::npos;
    return (v6 ? "[" + options_.hostname + "]" : options_.hostname) + ":" +
           std::to_string(server_->port());
  }

  service::RunnerSinks sinks() {
    service::RunnerSinks sinks;
    sinks.answer = [this](const service::Answer& answer) { api_.on_answer(answer); };
    sinks.end = [this](const std::string& reason) { fail_soon({ErrorCode::conflict, reason}); };
    return sinks;
  }

  void fail_soon(const Error& reason) {
    if (!failure_) failure_ = reason;
    loop_.stop();
  }

  const service::ServiceOptions& options_;
  std::optional<Error> failure_;
  runtime::Loop loop_;
  std::unique_ptr<service::BookStore> store_;
  service::SchedulerLink link_;
  service::ServiceRunner runner_;
  service::ServiceApi api_;
  api::Authenticator authenticator_;
  std::unique_ptr<runtime::HttpServer> server_;
};

int run(const service::ServiceOptions& options) {
  if (const Status ready = runtime::start_daemon(
          {"bourse-service", options.log_level, options.ip, options.insecure});
      !ready.ok())
    return fail(ready.error());
  ServiceProcess process(options);
  if (const Status started = process.start(); !started.ok()) return fail(started.error());
  const Status ended = process.run();
  return ended.ok() ? 0 : fail(ended.error());
}

}  // namespace

int main(int argc, char** argv) {
  bourse::service::ServiceOptions options;
  auto parsed = bourse::service::parse_options(argc, argv, options);
  if (!parsed.ok()) return fail(parsed.error());
  if (!parsed.value()) return 0;
  return run(options);
}
