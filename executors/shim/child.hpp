// What happens between clone and exec, in the new processes: the first process of the container's
// pid namespace, and the task. Both report {step, errno} on a pipe; the task's pipe closes by exec.
// Run in a single-threaded child; never return.
#pragma once

#include <cstdint>

#include "agent/isolation/launch_record.hpp"

namespace bourse::shim {

struct SetupReport {
  std::int32_t step = 0;  // LaunchStep; none: all is well
  std::int32_t error = 0;
};

// CLONE_NEW* of the wanted namespaces.
int clone_flags_of(isolation::Namespaces namespaces);

// Process 1 of the container: owns the namespaces, adopts and forgets orphans, never runs anything.
// Its death takes every process of the container with it: the kernel sees to that.
[[noreturn]] void run_init(const isolation::LaunchRecord& record, int report_fd);

struct TaskPipes {
  int stdin_fd = -1;                  // -1: nothing to read
  bool controlling_terminal = false;  // stdin is the terminal of a session
  int stdout_fd = -1;
  int stderr_fd = -1;
  int report_fd = -1;
  int init_pidfd = -1;  // -1: no pid namespace
  int shim_pid = 0;
};
[[noreturn]] void run_task(const isolation::LaunchRecord& record, const TaskPipes& pipes);

// Closes everything from fd 3 on when the calling process execs.
void mark_all_close_on_exec();
void reset_signals();

}  // namespace bourse::shim
