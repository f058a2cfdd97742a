#include "agent/shell/agent_process.hpp"

#include <unistd.h>

#include <set>

#include "agent/isolation/process_identity.hpp"
#include "agent/shell/usage_sampler.hpp"
#include "agent/shell/work_dir_home.hpp"
#include "base/overloaded.hpp"
#include "link/notes.hpp"
#include "proto/codec/frames.hpp"
#include "proto/codec/links.hpp"
#include "proto/codec/records.hpp"
#include "proto/codec/status_address.hpp"
#include "runtime/clock.hpp"
#include "runtime/daemon.hpp"
#include "runtime/entropy.hpp"
#include "runtime/log.hpp"

namespace bourse::agent {

AgentProcess::AgentProcess(runtime::Loop& loop, AgentOptions options)
    : loop_(loop),
      options_(std::move(options)),
      sandboxes_(loop, options_.work_dir, options_.retention, options_.disk_watch_interval),
      volumes_(loop, options_.work_dir) {}

AgentProcess::~AgentProcess() = default;

// -- events in

void AgentProcess::feed(EventBody body) {
  events_.push_back(Event{runtime::stamp_now(), std::move(body)});
  drain();
}

void AgentProcess::drain() {
  if (stepping_ || !core_) return;
  stepping_ = true;
  while (!events_.empty()) {
    const Event event = std::move(events_.front());
    events_.pop_front();
    effects_.clear();
    core_->step(event, effects_);
    link::write_notes(effects_.notes);
    std::vector<Effect> list = std::move(effects_.list);
    for (Effect& effect : list) perform(effect);
  }
  stepping_ = false;
  arm_core_timer();
  arm_container_timer();
}

void AgentProcess::arm_core_timer() {
  const Instant at = core_->next_deadline();
  if (at == Instant::max()) {
    core_timer_.cancel();
    return;
  }
  const Duration wait = std::max(at - runtime::monotonic_now(), Duration{});
  core_timer_ = loop_.after(wait, [this] { feed(Tick{}); });
}

// -- effects out

void AgentProcess::perform(Effect& effect) {
  std::visit(
      Overloaded{
          [&](SendToMaster& e) {
            codec::append_agent_to_master(e.message, master_batch_);
            if (flush_scheduled_) return;
            flush_scheduled_ = true;
            loop_.post([this] { flush_master(); });
          },
          [&](SendToExecutor& e) {
            if (executors_over_http_->send(e)) return;
            std::string batch;
            codec::append_executor_event(e.event, batch);
            if (!batch.empty()) {
              (void)executors_->send(runtime::ConnectionId(e.peer.raw()), std::move(batch));
            }
          },
          [&](CloseExecutor& e) {
            if (executors_over_http_->close(e)) return;
            std::string batch;
            codec::append_executor_event(executor_event::Error{e.reason}, batch);
            const runtime::ConnectionId connection(e.peer.raw());
            (void)executors_->send(connection, std::move(batch));
            executors_->close(connection);
          },
          [&](Checkpoint& e) { perform_checkpoint(e); },
          [&](StartContainer& e) {
            spec_context_.agent_id = core_->state().identity->id.raw();
            starter_->start(e, spec_context_);
          },
          [&](ResizeContainer& e) { starter_->resize(e, spec_context_); },
          [&](KillContainer& e) { starter_->kill(e); },
          [&](ReleaseContainer& e) {
            (void)containers_->release(e.container_id.raw());
            sandboxes_.ended(e.container_id);
          },
          [&](ReconnectMaster&) { loop_.post([this] { give_up_master(); }); },
          [&](Stop& e) { stop(e); },
          [&](AnswerExecutor& e) { executors_over_http_->answer(e); },
          [&](RemoveVolume& e) { volumes_.remove(e.volume); },
          [&](SampleUsage&) { feed(sample_usage(*containers_, core_->state().by_container)); },
      },
      effect.body);
}

void AgentProcess::perform_checkpoint(Checkpoint& checkpoint) {
  if (const Status made = volumes_.make(checkpoint.records); !made.ok()) {
    return feed(Rejected{checkpoint.id, made.error().message});
  }
  std::vector<std::string> batch;
  batch.reserve(checkpoint.records.size());
  for (const CheckpointRecord& record : checkpoint.records) {
    batch.push_back(codec::encode_checkpoint_record(record));
  }
  compaction_.wrote(batch.size());
  store_->append(std::move(batch), [this, id = checkpoint.id, after = std::move(checkpoint.after),
                                    ended = ended_in(checkpoint.records)](
                                       const runtime::WriteResult& result) mutable {
    switch (result.outcome) {
      case runtime::WriteOutcome::stored: {
        for (const auto& [state, count] : ended) ended_tasks_[state] += count;
        for (Effect& effect : after) perform(effect);
        feed(Stored{id});
        maybe_compact();
        return;
      }
      case runtime::WriteOutcome::rejected:
        feed(Rejected{id, result.status.error().message});
        return;
      case runtime::WriteOutcome::unknown:
        // Whether it is stored is open: only a restart, which reads the disk, can tell.
        fail(result.status.error());
        return;
    }
  });
}

void AgentProcess::maybe_compact() {
  if (!compaction_.due()) return;
  const std::vector<CheckpointRecord> snapshot = core_->snapshot();
  if (!compaction_.pays(snapshot.size())) return;
  std::vector<std::string> records;
  records.reserve(snapshot.size());
  for (const CheckpointRecord& record : snapshot) {
    records.push_back(codec::encode_checkpoint_record(record));
  }
  store_->compact(std::move(records), [this](const runtime::WriteResult& result) {
    if (result.outcome == runtime::WriteOutcome::unknown) {
      fail(result.status.error());
    }
  });
}

void AgentProcess::stop(const Stop& stop) {
  const bool done = stop.cause == Stop::Cause::done;
  if (!done) return fail({ErrorCode::conflict, stop.reason}, kSomebodyMustLook);
  runtime::log_info("agent stops", {{"reason", stop.reason}});
  leave();
  stopped_ = true;
  // Behind what is being sent.
  loop_.post([this] { loop_.stop(); });
}

void AgentProcess::fail(const Error& error, int exit_status) {
  if (!stopped_) exit_status_ = exit_status;
  stopped_ = true;
  runtime::log_error("agent stops", {{"reason", error.message}});
  loop_.stop();
}

// -- start

Status AgentProcess::open_store(std::vector<CheckpointRecord>& records) {
  auto opened = runtime::RecordStore::open(loop_, options_.work_dir + "/meta/checkpoint.db");
  if (!opened.ok()) return opened.error();
  for (const std::string& bytes : opened->records) {
    auto record = codec::decode_checkpoint_record(bytes);
    if (!record.ok()) {
      const bool newer = record.error().code == ErrorCode::unsupported;
      return Error{record.error().code,
                   options_.work_dir + "/meta/checkpoint.db: " + record.error().message +
                       (newer ? "; start the newer bourse-agent that wrote it"
                              : "; restore it from a copy, or move the work directory away to "
                                "start as a new agent without these tasks")};
    }
    records.push_back(std::move(record).value());
  }
  store_ = std::move(opened->store);
  compaction_.wrote(records.size());
  return {};
}

Status AgentProcess::open_executor_socket() {
  runtime::UnixServerHandlers handlers;
  handlers.on_message = [this](runtime::ConnectionId connection, std::string_view bytes) {
    on_executor_bytes(connection, bytes);
  };
  handlers.on_close = [this](runtime::ConnectionId connection, const Error&) {
    feed(ExecutorGone{PeerId(connection.raw())});
  };
  runtime::UnixLimits bounds;
  bounds.max_message_bytes = limits::kMaxFrameBytes;
  bounds.max_connections = limits::kMaxExecutorsPerAgent;
  spec_context_.executor_socket = options_.run_dir + "/executors.sock";
  // Executors run as other users; what lets them in is their token.
  auto opened = runtime::UnixServer::listen(loop_, spec_context_.executor_socket, bounds,
                                            std::move(handlers), 0666);
  if (!opened.ok()) return opened.error();
  executors_ = std::move(opened).value();
  return {};
}

void AgentProcess::open_executor_api() {
  ExecutorApi::Core core;
  core.call = [this](FromExecutor event) { on_executor_call(std::move(event)); };
  core.gone = [this](ExecutorGone event) { feed(event); };
  ExecutorApiOptions api;
  api.own_address = options_.address.advertise_ip;
  api.authenticate = options_.authenticate_executors;
  executors_over_http_ = std::make_unique<ExecutorApi>(std::move(core), std::move(api));
}

Status AgentProcess::start(std::uint16_t http_port) {
  for (const std::string& dir :
       {options_.work_dir, options_.work_dir + "/meta", options_.run_dir}) {
    if (Status made = runtime::make_directories(dir); !made.ok()) return made;
  }
  const WorkDirHome home(options_.work_dir, options_.run_dir);
  if (Status own = home.check(); !own.ok()) {
    fail(own.error(), kSomebodyMustLook);
    return {};
  }
  auto facet = describe_agent(options_, http_port);
  if (!facet.ok()) return facet.error();
  std::vector<CheckpointRecord> records;
  if (Status opened = open_store(records); !opened.ok()) return opened;
  // Before the socket: its lock keeps a second agent from taking the first one's socket away.
  if (Status opened = open_containers(); !opened.ok()) return opened;
  if (Status settled = home.settle(); !settled.ok()) {
    runtime::log_warning("a copy of the work directory would not be known as one",
                         {{"reason", settled.error().message}});
  }
  if (Status measurable = check_measurable(options_.oversubscription, *containers_);
      !measurable.ok())
    return measurable;
  if (Status opened = open_executor_socket(); !opened.ok()) return opened;
  open_executor_api();
  if (Status opened = open_channel(); !opened.ok()) return opened;

  const std::string endpoint = options_.address.advertise_ip + ":" + std::to_string(http_port);
  spec_context_.work_dir = options_.work_dir;
  spec_context_.ip = options_.address.advertise_ip;
  spec_context_.fetcher = place_fetcher(options_.fetcher, options_.run_dir);
  spec_context_.agent_endpoint = endpoint;
  spec_context_.agent_pid = "slave(1)@" + endpoint;
  spec_context_.recovery_timeout = options_.recovery_timeout;
  spec_context_.switch_user = ::geteuid() == 0;
  spec_context_.lent_cpus_yield = options_.lent_cpus_yield;

  Started started;
  started.detected = std::make_shared<const AgentFacet>(std::move(facet).value());
  started.incarnation = static_cast<std::uint64_t>(runtime::wall_now().ns / 1'000'000);
  started.seed = runtime::random_u64();
  started.token_key = {runtime::random_u64(), runtime::random_u64()};
  started.boot_id = isolation::boot_id();
  started.status_extra = codec::address_extra(options_.address.advertise_ip);
  started.records = std::move(records);
  for (const auto& container : containers_->recover()) {
    started.containers.push_back(found(container));
  }
  for (const std::string& note : containers_->notes()) {
    runtime::log_info("isolation", {{"note", note}});
  }
  AgentConfig config;
  config.executor_reregister_timeout = options_.executor_reregistration_timeout;
  config.authenticate_executors = options_.authenticate_executors;
  config.recover = options_.recover;
  config.reconfiguration = options_.reconfiguration;
  config.oversubscription = options_.oversubscription;
  core_ = std::make_unique<AgentCore>(config);
  watch_containers();
  feed(std::move(started));
  if (stopped_) return {};
  master_->start();
  // Not before: looking through many sandboxes takes a moment.
  loop_.post([this] {
    std::set<ContainerId> in_use;
    for (const auto& [id, executor] : core_->state().by_container) in_use.insert(id);
    sandboxes_.start(in_use);
  });
  return {};
}

void AgentProcess::leave() {
  if (core_ && core_->state().link.registered && master_) {
    flush_master();
    std::string batch;
    AgentToMaster bye;
    bye.header.session = core_->state().link.session;
    bye.header.epoch = core_->state().epoch;
    bye.body = to_master::Leaving{};
    codec::append_agent_to_master(bye, batch);
    (void)master_->send(std::move(batch));
  }
}

// -- the link to the master

Status AgentProcess::open_channel() {
  auto masters = coordination::parse_masters_or_ensemble(options_.master, "--master");
  if (!masters.ok()) return masters.error();
  link::MasterChannelOptions channel;
  channel.masters = masters->addresses;
  channel.preamble = kAgentPreamble;
  channel.seed = runtime::random_u64();
  link::MasterChannelHandlers handlers;
  handlers.on_connected = [this] { feed(MasterConnected{}); };
  handlers.on_message = [this](std::string_view bytes) {
    on_master_bytes(bytes);
    if (core_->state().link.registered) master_->registered();
  };
  handlers.on_lost = [this](const std::string& reason) {
    runtime::log_warning("the master is lost", {{"reason", reason}});
    master_batch_.clear();
    feed(MasterLost{});
  };
  master_ = std::make_unique<link::MasterChannel>(loop_, std::move(channel), std::move(handlers));
  if (!masters->ensemble) return {};
  leader_watch_ = std::make_unique<coordination::LeaderWatch>(
      loop_, *masters->ensemble, runtime::random_u64(), coordination::LeaderAddress::link,
      [this](const std::string& leader) { master_->learned(leader); });
  return leader_watch_->start();
}

void AgentProcess::give_up_master() {
  master_->give_up();
  feed(MasterLost{});
}

void AgentProcess::flush_master() {
  flush_scheduled_ = false;
  if (master_batch_.empty()) return;
  // Unsent frames leave a gap in the session, which both ends notice and mend.
  if (master_) (void)master_->send(std::move(master_batch_));
  master_batch_.clear();
}

void AgentProcess::on_master_bytes(std::string_view bytes) {
  auto frames = codec::decode_frames(bytes);
  Status good = frames.ok() ? Status() : Status(frames.error());
  if (good.ok()) {
    for (const std::string_view frame : frames.value()) {
      auto message = codec::decode_master_to_agent(frame);
      if (!message.ok()) {
        good = message.error();
        break;
      }
      feed(FromMaster{std::move(message).value()});
    }
  }
  if (good.ok()) return;
  runtime::log_error("the master's link does not parse", {{"reason", good.error().message}});
  loop_.post([this] { give_up_master(); });
}

// -- executors

void AgentProcess::on_executor_call(FromExecutor event) {
  // Tasks use the machine's network: unless their executor knows better, they are reached here.
  if (auto* update = std::get_if<executor_call::Update>(&event.call.body)) {
    codec::add_address(options_.address.advertise_ip, update->status);
  } else if (auto* subscribe = std::get_if<executor_call::Subscribe>(&event.call.body)) {
    for (TaskStatus& status : subscribe->unacknowledged_updates) {
      codec::add_address(options_.address.advertise_ip, status);
    }
  }
  feed(std::move(event));
}

void AgentProcess::on_executor_bytes(runtime::ConnectionId connection, std::string_view bytes) {
  const auto refuse = [&](const Error& error) {
    runtime::log_warning("an executor sent what does not parse", {{"reason", error.message}});
    std::string batch;
    codec::append_executor_event(executor_event::Error{error.message}, batch);
    (void)executors_->send(connection, std::move(batch));
  };
  auto frames = codec::decode_frames(bytes);
  if (!frames.ok()) return refuse(frames.error());
  for (const std::string_view frame : frames.value()) {
    auto call = codec::decode_executor_call_frame(frame);
    if (!call.ok()) return refuse(call.error());
    on_executor_call({PeerId(connection.raw()), std::move(call).value()});
  }
}

}  // namespace bourse::agent
