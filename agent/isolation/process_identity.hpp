// A process that cannot be mistaken for a later one with the same number: pid, start time in clock
// ticks since boot, and the boot it belongs to. Also the tree below a process, for containers
// without cgroups. Any thread.
#pragma once

#include <sys/types.h>

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bourse::isolation {

struct ProcessIdentity {
  pid_t pid = 0;
  std::int64_t start_time = 0;

  bool empty() const { return pid == 0; }
  auto operator<=>(const ProcessIdentity&) const = default;
};

struct ProcessStat {
  char state = 0;  // 'Z' and 'X' are dead
  pid_t parent = 0;
  pid_t session = 0;
  std::int64_t start_time = 0;
};

// The text of /proc/PID/stat; the name in it may contain spaces and parentheses.
std::optional<ProcessStat> parse_process_stat(std::string_view text);
std::optional<ProcessStat> stat_of_process(pid_t pid);

// start_time 0 when there is no such process.
ProcessIdentity identify(pid_t pid);
// False for a zombie: it runs nothing any more.
bool is_alive(const ProcessIdentity& process);
// Sends the signal to that very process, or to nobody. errno or 0.
int signal_process(const ProcessIdentity& process, int signal);

// /proc/sys/kernel/random/boot_id.
std::string boot_id();

// All living descendants of the process, parents before children.
std::vector<pid_t> descendants_of(pid_t root);
// Living processes, none older than the leader, that are in the session it leads or led, or have
// that entry ("NAME=value") in the environment they were started with.
std::vector<pid_t> session_or_marked(const ProcessIdentity& leader, const std::string& mark);

}  // namespace bourse::isolation
