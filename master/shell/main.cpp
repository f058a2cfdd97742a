// bourse-master: gathers what agents have, offers it to frameworks, and lets people see why.
#include <csignal>
#include <cstdio>
#include <memory>

#include "api/authentication_flags.hpp"
#include "api/authenticator.hpp"
#include "master/shell/core_runner.hpp"
#include "master/shell/leader_gate.hpp"
#include "master/shell/link_server.hpp"
#include "master/shell/local_registry.hpp"
#include "master/shell/operator_api.hpp"
#include "master/shell/options.hpp"
#include "master/shell/process_metrics.hpp"
#include "master/shell/recorder.hpp"
#include "master/shell/scheduler_api.hpp"
#include "master/shell/view_service.hpp"
#include "master/shell/zookeeper_registry.hpp"
#include "model/version.hpp"
#include "proto/codec/candidate.hpp"
#include "runtime/clock.hpp"
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
  std::fprintf(stderr, "bourse-master: %s\n", error.message.c_str());
  const bool unreadable = error.code == ErrorCode::corrupt || error.code == ErrorCode::unsupported;
  return unreadable ? kSomebodyMustLook : 1;
}

Status prepare(const master::MasterOptions& options) {
  const Status started =
      runtime::start_daemon({"bourse-master", options.log_level, options.ip, options.insecure});
  return started.ok() ? runtime::make_directories(options.work_dir) : started;
}

std::unique_ptr<master::RegistryBackend> registry_backend(const master::MasterOptions& options) {
  if (options.zk.empty()) {
    return std::make_unique<master::LocalRegistry>(options.work_dir + "/registry.db");
  }
  runtime::ZookeeperOptions zookeeper;
  zookeeper.servers = options.ensemble.servers;
  zookeeper.digest_auth = options.ensemble.digest_auth;
  zookeeper.session_timeout = options.zk_session_timeout;
  coordination::CoordinationConfig config;
  config.path = options.ensemble.path;
  config.seed = runtime::random_u64();
  return std::make_unique<master::ZookeeperRegistry>(std::move(zookeeper), std::move(config));
}

// The master's parts and the threads between them: the link and HTTP on this loop, the core and the
// view on threads of their own. Every hand-over between them is here.
class MasterProcess {
 public:
  MasterProcess(const master::MasterOptions& options, std::unique_ptr<master::Recorder> recorder)
      : options_(options),
        recorder_(std::move(recorder)),
        master_{runtime::random_uuid_text(),
                options.hostname,
                options.address.advertise_ip,
                options.port,
                kApiVersion,
                {options.core.region, options.zone}},
        view_([this] { loop_.post([this] { links_.resume(); }); }),
        core_(core_config(), registry_backend(options), sinks(), recorder_.get()),
        links_(
            loop_,
            [this](master::CoreRunner::EventBody body, std::size_t bytes) {
              return push(std::move(body), bytes);
            },
            master_),
        schedulers_(
            loop_,
            [this](master::CoreRunner::EventBody body, std::size_t bytes) {
              return push(std::move(body), bytes);
            },
            master_, scheduler_limits(options)),
        process_metrics_(runtime::monotonic_now(), core_, links_, schedulers_, recorder_.get()),
        api_(
            loop_, core_, view_, master_, [this] { return metrics(); }, options.flags),
        gate_(api_.handler(), master_, [this] { return core_.may_act(); }),
        authenticator_(
            loop_, options.authentication,
            [this](const runtime::HttpRequest& request) {
              return api::master_access(api_.router().route_of(request.path));
            },
            gate_.handler()) {
    api_.set_agent_credential(options.agent_credential);
    api_.router().add("api/v1/scheduler", {"POST"},
                      [this](runtime::HttpRequest request, runtime::HttpResponder responder) {
                        schedulers_.call(std::move(request), std::move(responder));
                      });
  }

  Status start() {
    runtime::HttpServerOptions http;
    http.address = options_.ip;
    http.port = options_.port;
    http.allowed_hosts = options_.address.names.hosts;
    http.allowed_origins = options_.address.names.origins;
    auto server = runtime::HttpServer::listen(loop_, http, authenticator_.handler());
    if (!server.ok()) return server.error();
    server_ = std::move(server).value();
    if (const Status bound = links_.listen(options_.ip, options_.link_port); !bound.ok()) {
      return bound;
    }
    master_.port = server_->port();
    links_.set_master(master_);
    api_.set_master(master_);
    schedulers_.set_master(master_);
    gate_.set_self(master_);
    link_address_ = options_.address.advertise_ip + ":" + std::to_string(links_.port());
    view_.start();
    return core_.start(codec::encode_candidate({master_, link_address_}));
  }

  // Until a signal or a failure, which is returned.
  Status run() {
    const auto sampling = loop_.every(Duration::seconds(1), [this] { process_metrics_.sample(); });
    const auto signals = loop_.on_signals({SIGINT, SIGTERM}, [this](int) { loop_.stop(); });
    const auto hangups = api::reread_on_hangup(loop_, options_.authentication, authenticator_);
    if (!options_.zk.empty()) say_ready();  // as a standby
    loop_.run();
    core_.stop();
    if (recorder_) recorder_->stop(failure_.empty() ? "the master was stopped" : failure_);
    view_.stop();
    if (failure_.empty()) return {};
    return Error{ErrorCode::conflict, failure_};
  }

 private:
  void say_ready() {
    std::printf("ready http=%s:%u link=%s\n", options_.ip.c_str(), server_->port(),
                link_address_.c_str());
    std::fflush(stdout);
  }

  void lead() {
    links_.lead(link_address_);
    api_.lead(begun_at_, runtime::wall_now());
    gate_.lead();
    if (options_.zk.empty()) say_ready();
  }

  void follow(const std::string& announced) {
    std::optional<codec::Candidate> leader;
    if (!announced.empty()) {
      auto read = codec::decode_candidate(announced);
      if (read.ok()) {
        leader = std::move(read).value();
      } else {
        runtime::log_warning("the leader's announcement does not parse",
                             {{"reason", read.error().message}});
      }
    }
    gate_.follow(leader);
    links_.follow(leader && !gate_.elected() ? leader->link : std::string());
  }

  master::Metrics metrics() const {
    master::Metrics out = process_metrics_.read();
    out.emplace_back("master/elected", gate_.leading() ? 1 : 0);
    api::add_metrics(authenticator_.stats(), out);
    return out;
  }

  static master::SchedulerApiLimits scheduler_limits(const master::MasterOptions& options) {
    master::SchedulerApiLimits limits;
    limits.principal = options.principal_limits;
    return limits;
  }

  master::MasterConfig core_config() const {
    master::MasterConfig config = options_.core;
    config.master_id = master_.id;
    config.seed = runtime::random_u64();
    return config;
  }

  master::CoreSinks sinks() {
    master::CoreSinks sinks;
    sinks.outgoing = [this](std::vector<master::Outgoing>&& batch) {
      loop_.post([this, batch = std::move(batch)]() mutable {
        schedulers_.send(batch);
        links_.send(std::move(batch));
      });
    };
    sinks.changes = [this](std::vector<Change>&& changes) {
      // No Change is ever dropped: a view that cannot follow ends this leadership.
      if (view_.push(std::move(changes)) == runtime::PushOutcome::full) {
        fail_soon("the view could not follow the cluster");
      }
    };
    sinks.answers = [this](std::vector<master::Answer>&& answers) {
      loop_.post([this, answers = std::move(answers)]() mutable {
        schedulers_.on_answers(answers);
        api_.on_answers(std::move(answers));
      });
    };
    sinks.leading = [this] { loop_.post([this] { lead(); }); };
    sinks.leader = [this](const std::string& announced) {
      loop_.post([this, announced] { follow(announced); });
    };
    sinks.relieved = [this] { loop_.post([this] { links_.resume(); }); };
    sinks.abdicate = [this](const std::string& reason) { fail_soon(reason); };
    return sinks;
  }

  runtime::PushOutcome push(master::CoreRunner::EventBody body, std::size_t bytes) {
    const auto outcome = core_.push(std::move(body), bytes);
    const bool behind = outcome == runtime::PushOutcome::accepted && view_.nearly_full();
    return behind ? runtime::PushOutcome::accepted_nearly_full : outcome;
  }

  void fail_soon(const std::string& reason) {
    loop_.post([this, reason] {
      failure_ = reason;
      loop_.stop();
    });
  }

  const master::MasterOptions& options_;
  std::string failure_;
  std::unique_ptr<master::Recorder> recorder_;  // null: nothing is recorded
  codec::MasterDescription master_;
  runtime::Loop loop_;
  master::ViewService view_;
  master::CoreRunner core_;
  master::LinkServer links_;
  master::SchedulerApi schedulers_;
  master::ProcessMetrics process_metrics_;
  master::OperatorApi api_;
  master::LeaderGate gate_;
  api::Authenticator authenticator_;
  std::string link_address_;
  std::unique_ptr<runtime::HttpServer> server_;
  const WallTime begun_at_ = runtime::wall_now();
};

int run(const master::MasterOptions& options) {
  if (const Status ready = prepare(options); !ready.ok()) return fail(ready.error());
  auto pid_file = runtime::PidFile::take(options.work_dir + "/master.pid");
  if (!pid_file.ok()) return fail(pid_file.error());
  std::unique_ptr<master::Recorder> recorder;
  if (!options.recorder.empty()) {
    auto opened =
        master::Recorder::open({options.recorder, options.recorder_bytes.bytes, kVersion});
    if (!opened.ok()) return fail(opened.error());
    recorder = std::move(*opened);
  }
  MasterProcess process(options, std::move(recorder));
  if (const Status started = process.start(); !started.ok()) return fail(started.error());
  const Status ended = process.run();
  return ended.ok() ? 0 : fail(ended.error());
}

}  // namespace

int main(int argc, char** argv) {
  bourse::master::MasterOptions options;
  auto parsed = bourse::master::parse_options(argc, argv, options);
  if (!parsed.ok()) return fail(parsed.error());
  if (!parsed.value()) return 0;
  return run(options);
}
