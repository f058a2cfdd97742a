#include "agent/isolation/exit_record.hpp"

#include <sys/wait.h>

#include "agent/isolation/kernel_file.hpp"

namespace bourse::isolation {

const char* name_of(LaunchStep step) {
  switch (step) {
    case LaunchStep::none:
      return "start the container";
    case LaunchStep::read_record:
      return "read the launch record";
    case LaunchStep::claim:
      return "claim the run directory";
    case LaunchStep::cgroup:
      return "make the container's cgroup";
    case LaunchStep::output:
      return "open stdout and stderr in the sandbox";
    case LaunchStep::init:
      return "start the container's first process";
    case LaunchStep::namespaces:
      return "enter the namespaces";
    case LaunchStep::mounts:
      return "mount /proc";
    case LaunchStep::attach:
      return "enter the container's cgroup";
    case LaunchStep::limits:
      return "set the resource limits";
    case LaunchStep::user:
      return "become the task's user";
    case LaunchStep::sandbox:
      return "enter the sandbox directory";
    case LaunchStep::exec:
      return "run the program";
    case LaunchStep::fork:
      return "start a process";
  }
  return "start the container";
}

std::string describe_exit(const ExitRecord& record) {
  if (!record.launched) {
    return std::string("could not ") + name_of(record.launch_step) + ": " +
           errno_text(record.launch_errno);
  }
  std::string text;
  if (WIFEXITED(record.wait_status)) {
    text = "exited with status " + std::to_string(WEXITSTATUS(record.wait_status));
  } else {
    text = "killed by signal " + std::to_string(WTERMSIG(record.wait_status));
  }
  if (record.oom) text += ", memory limit exceeded";
  if (record.leaked) text += ", processes of it could not be killed";
  return text;
}

StateFields fields_of(const ExitRecord& record) {
  const auto number = [](std::int64_t value) { return std::to_string(value); };
  return {{"launched", number(record.launched)},
          {"wait_status", number(record.wait_status)},
          {"launch_step", number(static_cast<std::int64_t>(record.launch_step))},
          {"launch_errno", number(record.launch_errno)},
          {"oom", number(record.oom)},
          {"killed", number(record.killed)},
          {"leaked", number(record.leaked)},
          {"unhealthy", number(record.unhealthy)},
          {"cpu_ns", number(record.cpu_ns)},
          {"memory_peak_bytes", number(record.memory_peak_bytes)},
          {"oom_kills", number(record.oom_kills)},
          {"output_dropped_bytes", number(record.output_dropped_bytes)}};
}

ExitRecord exit_record_of(const StateFields& fields) {
  ExitRecord record;
  record.launched = number_of(fields, "launched") != 0;
  record.wait_status = static_cast<std::int32_t>(number_of(fields, "wait_status"));
  record.launch_step = static_cast<LaunchStep>(number_of(fields, "launch_step"));
  record.launch_errno = static_cast<std::int32_t>(number_of(fields, "launch_errno"));
  record.oom = number_of(fields, "oom") != 0;
  record.killed = number_of(fields, "killed") != 0;
  record.leaked = number_of(fields, "leaked") != 0;
  record.unhealthy = number_of(fields, "unhealthy") != 0;
  record.durable = true;  // it was read from the file
  record.cpu_ns = number_of(fields, "cpu_ns");
  record.memory_peak_bytes = number_of(fields, "memory_peak_bytes");
  record.oom_kills = number_of(fields, "oom_kills");
  record.output_dropped_bytes = number_of(fields, "output_dropped_bytes");
  return record;
}

void put_exit_record(const ExitRecord& record, Frame& frame) {
  frame.flags = (record.launched ? kFlagLaunched : 0) | (record.oom ? kFlagOom : 0) |
                (record.killed ? kFlagKilled : 0) | (record.leaked ? kFlagLeaked : 0) |
                (record.durable ? kFlagDurable : 0) | (record.unhealthy ? kFlagUnhealthy : 0);
  frame.wait_status = record.wait_status;
  frame.launch_step = static_cast<std::int32_t>(record.launch_step);
  frame.launch_errno = record.launch_errno;
  frame.cpu_ns = record.cpu_ns;
  frame.memory_peak_bytes = record.memory_peak_bytes;
  frame.oom_kills = record.oom_kills;
  frame.output_dropped_bytes = record.output_dropped_bytes;
}

ExitRecord exit_record_of(const Frame& frame) {
  ExitRecord record;
  record.launched = (frame.flags & kFlagLaunched) != 0;
  record.oom = (frame.flags & kFlagOom) != 0;
  record.killed = (frame.flags & kFlagKilled) != 0;
  record.leaked = (frame.flags & kFlagLeaked) != 0;
  record.durable = (frame.flags & kFlagDurable) != 0;
  record.unhealthy = (frame.flags & kFlagUnhealthy) != 0;
  record.wait_status = frame.wait_status;
  record.launch_step = static_cast<LaunchStep>(frame.launch_step);
  record.launch_errno = frame.launch_errno;
  record.cpu_ns = frame.cpu_ns;
  record.memory_peak_bytes = frame.memory_peak_bytes;
  record.oom_kills = frame.oom_kills;
  record.output_dropped_bytes = frame.output_dropped_bytes;
  return record;
}

}  // namespace bourse::isolation
