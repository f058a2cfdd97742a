// ExitRecord: how a container ended. The same fields travel in the `exited` frame and stand in the
// run directory's `exit` file, so an agent that was away learns exactly what it would have heard.
// Value, any thread.
#pragma once

#include <cstdint>
#include <string>

#include "agent/isolation/shim_protocol.hpp"
#include "agent/isolation/state_file.hpp"

namespace bourse::isolation {

struct ExitRecord {
  bool launched = false;         // false: the program never ran; see describe_exit
  std::int32_t wait_status = 0;  // as waitpid gives it, when launched
  LaunchStep launch_step = LaunchStep::none;
  std::int32_t launch_errno = 0;
  bool oom = false;
  bool killed = false;     // a kill was asked for before it ended
  bool leaked = false;     // processes of it are still there: its resources are not free
  bool durable = false;    // the exit file has it too; else acknowledge() once it is checkpointed
  bool unhealthy = false;  // ended because its health check failed too often
  std::int64_t cpu_ns = 0;
  std::int64_t memory_peak_bytes = 0;
  std::int64_t oom_kills = 0;
  std::int64_t output_dropped_bytes = 0;  // could not be written to the sandbox

  // exit(0), not killed by a limit.
  bool succeeded() const { return launched && wait_status == 0 && !oom; }
  bool operator==(const ExitRecord&) const = default;
};

// Names of the state files in a run directory.
inline constexpr char kExitFile[] = "exit";  // written by the shim, or never
inline constexpr char kShimFile[] = "shim";  // claims the run directory: the shim, or "abandoned"
inline constexpr char kTaskFile[] = "task";  // the task's identity
inline constexpr char kLaunchFile[] = "launch";  // written by the agent before it asks for a shim

// "exited with status 3", "killed by signal 9 (memory limit)", "cannot run /nope: No such file".
std::string describe_exit(const ExitRecord& record);
const char* name_of(LaunchStep step);

StateFields fields_of(const ExitRecord& record);
ExitRecord exit_record_of(const StateFields& fields);
void put_exit_record(const ExitRecord& record, Frame& frame);
ExitRecord exit_record_of(const Frame& frame);

}  // namespace bourse::isolation
