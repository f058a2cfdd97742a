// Session: the process `bourse-shim --session ID`: runs one program of an operator in the container
// of a task that runs already, and carries its bytes to and from the agent. Decides nothing. Lives
// as long as the agent's socket, the task's own program and its own program do: when one of them
// ends, everything of the session is killed. Single-threaded.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "agent/isolation/cgroup.hpp"
#include "agent/isolation/launch_record.hpp"
#include "agent/isolation/process_identity.hpp"
#include "agent/isolation/session_protocol.hpp"
#include "executors/shim/child.hpp"

namespace bourse::shim {

// The agent's socket is descriptor 3.
int run_session();

class Session {
 public:
  Session(int socket, int signal_fd) : socket_(socket), signal_fd_(signal_fd) {}
  int run();

 private:
  bool receive_start();
  SetupReport start();
  SetupReport join(int& target);
  SetupReport open_streams(TaskPipes& pipes);
  void take_after_task();

  void turn();
  void on_socket();
  void on_message(std::string_view message);
  void on_report();
  void on_signals();
  void pump_output(int& fd, isolation::SessionMessage type);
  void feed_input();
  void end_input();
  bool send(std::string message);
  void flush();
  bool sending() const { return !unsent_.empty(); }
  void fail(const SetupReport& report);
  void finish();
  bool kill_all();
  void destroy();

  int socket_;
  int signal_fd_;
  isolation::SessionStart begin_;
  isolation::LaunchRecord record_;
  isolation::ContainerCgroup cgroup_;
  isolation::ProcessIdentity program_;
  bool cgroup_made_ = false;
  bool own_pids_ = false;
  int task_fd_ = -1;    // readable when the task's own program has ended
  int report_fd_ = -1;  // of the new program, up to its exec
  int tty_fd_ = -1;     // our end of its terminal, which is input and output
  int input_fd_ = -1;
  int out_fd_ = -1;
  int err_fd_ = -1;
  std::string input_;  // not yet taken by the program
  bool input_ends_ = false;
  std::string unsent_;  // one message that the agent's socket had no room for
  bool reaped_ = false;
  std::int32_t wait_status_ = 0;
  bool over_ = false;
};

}  // namespace bourse::shim
