// ContainerTree: the processes of the shim's one container: the first process of its pid namespace
// (if it has one), the task, and whatever they start. Starts them, reaps them, kills them all.
// Decides nothing. Owner: the shim; one thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "agent/isolation/cgroup.hpp"
#include "agent/isolation/launch_record.hpp"
#include "executors/shim/child.hpp"

namespace bourse::shim {

class ContainerTree {
 public:
  struct Reaped {
    bool task = false;
    std::int32_t wait_status = 0;
    pid_t pid = 0;
  };

  explicit ContainerTree(const isolation::LaunchRecord& record)
      : cgroup_(record.cgroup_dirs), namespaces_(record.namespaces) {}

  // Makes the cgroup and the first process. {none, 0} when all is well.
  SetupReport prepare(const isolation::LaunchRecord& record);
  // Starts the task; its setup report arrives on report_fd(): end of file means that it runs.
  SetupReport start_task(const isolation::LaunchRecord& record, int stdout_fd, int stderr_fd);
  int report_fd() const { return report_fd_; }
  // A command of a check, in all that the task is in. Its process, with a session of its own; -1.
  pid_t start_beside(const isolation::LaunchRecord& record, const isolation::CheckSpec& spec) const;
  // Nothing yet: false. Closes report_fd() when it answers.
  bool read_report(SetupReport& report);

  pid_t task_pid() const { return task_pid_; }
  void signal_task(int signal) const;
  int oom_watch() const { return oom_watch_; }
  bool oom_happened() { return cgroup_.drain_oom_watch(oom_watch_); }

  // Appends what has died since the last call.
  void reap(std::vector<Reaped>& reaped);
  // One round of killing everything. True when nothing is left: no process, no cgroup.
  bool destroy_pass(std::vector<Reaped>& reaped);
  // Of the whole life when destroyed, of now before.
  isolation::CgroupUsage usage() const { return removed_ ? last_usage_ : read_usage(); }

 private:
  isolation::CgroupUsage read_usage() const;
  void close_oom_watch();

  isolation::ContainerCgroup cgroup_;
  isolation::Namespaces namespaces_;
  pid_t init_pid_ = 0;
  int init_pidfd_ = -1;
  pid_t task_pid_ = 0;
  bool task_reaped_ = false;
  int report_fd_ = -1;
  int oom_watch_ = -1;
  bool cgroup_made_ = false;
  bool removed_ = false;
  std::int64_t reaped_cpu_ns_ = 0;
  std::int64_t reaped_memory_peak_bytes_ = 0;
  isolation::CgroupUsage last_usage_;
};

}  // namespace bourse::shim
