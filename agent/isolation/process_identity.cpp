#include "agent/isolation/process_identity.hpp"

#include <dirent.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <map>

#include "agent/isolation/kernel_file.hpp"

namespace bourse::isolation {

std::optional<ProcessStat> parse_process_stat(std::string_view text) {
  const std::size_t name_end = text.rfind(") ");
  if (name_end == std::string_view::npos) return std::nullopt;
  text.remove_prefix(name_end + 2);
  ProcessStat stat;
  // Fields from the third on: state ppid ... starttime is the 22nd of the whole line.
  for (int field = 3; field <= 22; ++field) {
    const std::size_t end = text.find(' ');
    const std::string_view value = text.substr(0, end);
    if (value.empty()) return std::nullopt;
    if (field == 3) stat.state = value[0];
    if (field == 4) stat.parent = static_cast<pid_t>(parse_number(value).value_or(0));
    if (field == 6) stat.session = static_cast<pid_t>(parse_number(value).value_or(0));
    if (field == 22) {
      const auto start = parse_number(value);
      if (!start) return std::nullopt;
      stat.start_time = *start;
      return stat;
    }
    if (end == std::string_view::npos) return std::nullopt;
    text.remove_prefix(end + 1);
  }
  return std::nullopt;
}

std::optional<ProcessStat> stat_of_process(pid_t pid) {
  const auto text = read_file("/proc/" + std::to_string(pid) + "/stat");
  return text ? parse_process_stat(*text) : std::nullopt;
}

ProcessIdentity identify(pid_t pid) {
  const auto stat = stat_of_process(pid);
  return {pid, stat ? stat->start_time : 0};
}

bool is_alive(const ProcessIdentity& process) {
  if (process.pid <= 0) return false;
  const auto stat = stat_of_process(process.pid);
  return stat && stat->start_time == process.start_time && stat->state != 'Z' && stat->state != 'X';
}

int signal_process(const ProcessIdentity& process, int signal) {
  // The pidfd pins the number, so checking after opening it leaves no gap for reuse.
  const int fd = static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0));
  if (fd < 0) return errno;
  int error = ESRCH;
  if (is_alive(process)) {
    error = ::syscall(SYS_pidfd_send_signal, fd, signal, nullptr, 0) == 0 ? 0 : errno;
  }
  ::close(fd);
  return error;
}

std::string boot_id() {
  std::string id = read_file("/proc/sys/kernel/random/boot_id").value_or("");
  while (!id.empty() && id.back() == '\n') id.pop_back();
  return id;
}

namespace {

template <typename F>
void for_each_living(F&& f) {
  DIR* proc = ::opendir("/proc");
  if (proc == nullptr) return;
  while (const dirent* entry = ::readdir(proc)) {
    const auto pid = parse_number(entry->d_name);
    if (!pid) continue;
    const auto stat = stat_of_process(static_cast<pid_t>(*pid));
    if (stat && stat->state != 'Z' && stat->state != 'X') f(static_cast<pid_t>(*pid), *stat);
  }
  ::closedir(proc);
}

bool has_mark(pid_t pid, const std::string& mark) {
  const auto text = read_file("/proc/" + std::to_string(pid) + "/environ");
  if (!text) return false;
  const std::string wanted = '\0' + mark + '\0';
  return ('\0' + *text).find(wanted) != std::string::npos;
}

}  // namespace

std::vector<pid_t> session_or_marked(const ProcessIdentity& leader, const std::string& mark) {
  std::vector<pid_t> members;
  for_each_living([&](pid_t pid, const ProcessStat& stat) {
    if (stat.start_time < leader.start_time) return;
    if (stat.session == leader.pid || has_mark(pid, mark)) members.push_back(pid);
  });
  return members;
}

std::vector<pid_t> descendants_of(pid_t root) {
  std::multimap<pid_t, pid_t> children;
  for_each_living([&](pid_t pid, const ProcessStat& stat) { children.emplace(stat.parent, pid); });
  std::vector<pid_t> found;
  std::vector<pid_t> level{root};
  while (!level.empty()) {
    std::vector<pid_t> next;
    for (const pid_t parent : level) {
      const auto [begin, end] = children.equal_range(parent);
      for (auto child = begin; child != end; ++child) next.push_back(child->second);
    }
    found.insert(found.end(), next.begin(), next.end());
    level = std::move(next);
  }
  return found;
}

}  // namespace bourse::isolation
