// AgentProcess: the shell around an AgentCore. One thread, one loop: the link to the master, the
// executors' socket, the container runtime and the checkpoint bring events; effects are carried out
// in order. It decides nothing: what happens is the core's word.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/core/agent_core.hpp"
#include "agent/core/compaction.hpp"
#include "agent/isolation/container.hpp"
#include "agent/shell/agent_metrics.hpp"
#include "agent/shell/container_spec.hpp"
#include "agent/shell/container_starter.hpp"
#include "agent/shell/executor_api.hpp"
#include "agent/shell/options.hpp"
#include "agent/shell/sandbox_collector.hpp"
#include "agent/shell/session_api.hpp"
#include "agent/shell/volumes.hpp"
#include "base/result.hpp"
#include "coordination/link/leader_watch.hpp"
#include "link/master_channel.hpp"
#include "runtime/loop.hpp"
#include "runtime/record_store.hpp"
#include "runtime/unix_socket.hpp"

namespace bourse::agent {

// Exit status of a daemon that would fail in the same way if it were started again as it is: its
// checkpoint is damaged or too new, or its name or configuration is refused. (EX_CONFIG)
inline constexpr int kSomebodyMustLook = 78;

class AgentProcess : public SessionHost {
 public:
  AgentProcess(runtime::Loop& loop, AgentOptions options);
  ~AgentProcess() override;
  AgentProcess(const AgentProcess&) = delete;
  AgentProcess& operator=(const AgentProcess&) = delete;

  // Opens store, sockets and containers and recovers. `http_port` is where the HTTP API listens.
  Status start(std::uint16_t http_port);
  // An orderly end: tells the master, leaves containers running.
  void leave();
  // The loop was stopped, or is not to be run, by the core's or the disk's word.
  bool stopped() const { return stopped_; }
  // For the process: 0, 1 (start it again), or kSomebodyMustLook.
  int exit_status() const { return exit_status_; }

  // The v1 executor API. REQUIRES that start() has returned.
  void executor_call(const runtime::HttpRequest& request, const runtime::HttpResponder& responder) {
    executors_over_http_->call(request, responder);
  }

  // SessionHost. REQUIRE that start() has returned.
  const AgentState& state() const override { return core_->state(); }
  Result<int> open(const isolation::SessionSpec& spec) override;
  bool clear(const SessionKey& key) override {
    return containers_->clear_session(key.parent.raw(), key.id);
  }

  const AgentCore& core() const { return *core_; }
  const AgentOptions& options() const { return options_; }
  const isolation::ContainerRuntime& containers() const { return *containers_; }
  const runtime::RecordStore& store() const { return *store_; }
  const EndedTasks& ended_tasks() const { return ended_tasks_; }
  // "host:port" of whom it talks to, or tries to.
  const std::string& master_address() const { return master_->address(); }

 private:
  using EventBody = decltype(Event::body);
  void feed(EventBody body);
  void drain();
  void perform(Effect& effect);
  void perform_checkpoint(Checkpoint& checkpoint);
  void maybe_compact();
  void arm_core_timer();

  Status open_store(std::vector<CheckpointRecord>& records);
  Status open_executor_socket();
  void open_executor_api();
  Status open_containers();
  Started::FoundContainer found(const isolation::RecoveredContainer& container) const;

  Status open_channel();
  void give_up_master();
  void on_master_bytes(std::string_view bytes);
  void flush_master();
  void on_executor_call(FromExecutor event);
  void on_executor_bytes(runtime::ConnectionId connection, std::string_view bytes);
  void on_container(const isolation::ContainerEvent& event);
  void watch_containers();
  void turn_containers();
  void arm_container_timer();
  void stop(const Stop& stop);
  void fail(const Error& error, int exit_status = 1);

  runtime::Loop& loop_;
  AgentOptions options_;
  bool stopped_ = false;
  int exit_status_ = 0;
  SpecContext spec_context_;

  std::unique_ptr<AgentCore> core_;
  std::deque<Event> events_;  // waiting for their step: effects may bring events
  bool stepping_ = false;
  Effects effects_;

  std::unique_ptr<runtime::RecordStore> store_;
  Compaction compaction_;
  EndedTasks ended_tasks_;

  std::unique_ptr<link::MasterChannel> master_;
  std::unique_ptr<coordination::LeaderWatch> leader_watch_;  // when --master names an ensemble
  std::string master_batch_;
  bool flush_scheduled_ = false;

  std::unique_ptr<runtime::UnixServer> executors_;
  std::unique_ptr<ExecutorApi> executors_over_http_;
  std::unique_ptr<isolation::ContainerRuntime> containers_;
  SandboxCollector sandboxes_;
  Volumes volumes_;
  std::unique_ptr<ContainerStarter> starter_;
  runtime::FdWatch container_watch_;
  runtime::Timer container_timer_;
  runtime::Timer core_timer_;
};

}  // namespace bourse::agent
