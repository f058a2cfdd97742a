// Shim: the loop around the command machine: one container's parent, from the launch record to the
// last report. Touches the world, decides nothing (executors/core/command_machine.hpp does).
// Single-threaded; runs until the machine says Finish.
#pragma once

#include <deque>
#include <string>

#include "agent/isolation/exit_record.hpp"
#include "agent/isolation/launch_record.hpp"
#include "agent/isolation/process_identity.hpp"
#include "executors/core/command_machine.hpp"
#include "executors/shim/agent_link.hpp"
#include "executors/shim/check_runner.hpp"
#include "executors/shim/container_tree.hpp"
#include "executors/shim/output_log.hpp"

namespace bourse::shim {

// The process `bourse-shim --container ID`: the launch record is the memfd at descriptor 3.
int run_shim(const std::string& container_id);

// Descriptors 0 to 2 become /dev/null: a shim that lives for days must not hold somebody's terminal
// or pipe open.
void detach_stdio();

class Shim {
 public:
  Shim(isolation::LaunchRecord record, int run_dir_fd, int signal_fd);
  // Returns when the machine is done.
  void run();

 private:
  void start();
  void fail_launch(const SetupReport& report);
  void wait_and_dispatch();
  int poll_timeout_ms() const;

  void on_signals();
  void on_agent_frame();
  void on_setup_report();
  void turn_checks(const pollfd& health, const pollfd& check);
  void connect_if_due();
  void push_reaped();

  void push(decltype(executor::CommandEvent::kind) kind);
  void drain();
  void apply(const executor::CommandEffect& effect);
  bool store_exit();
  isolation::ExitRecord exit_record() const;
  void report_started();
  void report_checks();
  void note_task();

  isolation::LaunchRecord record_;
  int run_dir_fd_;
  int signal_fd_;
  isolation::ProcessIdentity self_;
  executor::CommandMachine machine_;
  ContainerTree tree_;
  CheckRunner health_;
  CheckRunner check_;
  AgentLink link_;
  OutputLog stdout_log_;
  OutputLog stderr_log_;
  std::deque<executor::CommandEvent> events_;
  std::vector<ContainerTree::Reaped> reaped_;
  std::int64_t task_start_time_ = 0;
  bool unhealthy_ = false;
  bool finished_ = false;
};

}  // namespace bourse::shim
