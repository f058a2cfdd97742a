// Prober: makes one look of a check: runs a command beside the task, asks a port for a page, or
// connects to it. Decides nothing about what comes of it (executors/core/check_machine.hpp does);
// never blocks; at most one look at a time. Owner: the shim; one thread.
#pragma once

#include <poll.h>
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "agent/isolation/launch_record.hpp"
#include "executors/shim/container_tree.hpp"

namespace bourse::shim {

struct Look {
  bool good = false;
  std::optional<std::int32_t> value;  // exit status, status code, 0 or 1; absent: not made
};

class Prober {
 public:
  Prober(const isolation::LaunchRecord& record, const isolation::CheckSpec& spec)
      : record_(record), spec_(spec) {}
  ~Prober() { abandon(); }
  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;

  // What comes of it at once, else later from on_ready or on_reaped.
  std::optional<Look> begin(const ContainerTree& tree);
  pollfd wanted() const { return {fd_, writing_ ? short{POLLOUT} : short{POLLIN}, 0}; }
  std::optional<Look> on_ready();
  std::optional<Look> on_reaped(pid_t pid, std::int32_t wait_status);
  // Ends what is under way; nothing comes of it any more.
  void abandon();

 private:
  std::optional<Look> connect();
  std::optional<Look> on_connected();
  std::optional<Look> on_answer();
  Look failed();

  const isolation::LaunchRecord& record_;
  const isolation::CheckSpec& spec_;
  int fd_ = -1;
  bool writing_ = false;
  pid_t pid_ = 0;
  std::string answer_;
};

}  // namespace bourse::shim
