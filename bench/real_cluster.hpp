// RealCluster: a master and an agent as real processes on loopback, for benches. Everything is
// ended and removed with the object. One thread.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.hpp"

namespace bourse::bench {

class RealCluster {
 public:
  // Programs are taken from the directory of this one; `dir` is made and removed.
  static Result<RealCluster> start(const std::string& dir,
                                   const std::vector<std::string>& agent_flags);
  // The same without an agent; and with another program, beside this one, in the master's place.
  static Result<RealCluster> start_master(const std::string& dir);
  static Result<RealCluster> start_instead(const std::string& program,
                                           const std::vector<std::string>& flags,
                                           const std::string& dir);
  // One more program beside this one, which prints a line that begins with "ready"; ended with the
  // cluster. Returns its process.
  Result<pid_t> add(const std::string& program, const std::vector<std::string>& flags);
  RealCluster(RealCluster&&) noexcept;
  ~RealCluster();

  pid_t master_pid() const { return master_; }
  pid_t agent_pid() const { return agent_; }
  const std::string& link() const { return link_; }  // "127.0.0.1:port"
  const std::string& http() const { return http_; }  // of the master, as above
  const std::string& dir() const { return dir_; }

  void kill_agent();  // -9
  // On the same directories; returns when it is ready.
  Status start_agent();

 private:
  RealCluster() = default;
  std::string dir_;
  std::string link_;
  std::string http_;
  std::vector<std::string> agent_words_;
  pid_t master_ = 0;
  pid_t agent_ = 0;
  std::vector<pid_t> others_;
};

// Private memory and resident set of a process in bytes, from /proc/PID/smaps_rollup; 0 if gone.
struct Memory {
  double private_bytes = 0;
  double rss_bytes = 0;
};
Memory memory_of(pid_t pid);
// Processor time that a process and its threads have used, in nanoseconds; 0 if gone.
double cpu_ns_of(pid_t pid);
// Descendants of a process whose command line contains this.
std::vector<pid_t> processes_with(const std::string& mark);

}  // namespace bourse::bench
