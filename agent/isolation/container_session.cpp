#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "agent/isolation/container_impl.hpp"
#include "agent/isolation/kernel_file.hpp"
#include "agent/isolation/session_protocol.hpp"
#include "agent/isolation/user.hpp"

namespace bourse::isolation {

namespace {

// Below the container's own: what a session uses counts there, and goes with it.
std::vector<CgroupParent> dirs_of_session(const ContainerCgroup& container,
                                          const std::string& session_id) {
  std::vector<CgroupParent> dirs = container.dirs();
  for (CgroupParent& dir : dirs) dir.dir += "/session-" + session_id;
  return dirs;
}

Status check_words(const SessionSpec& spec) {
  const auto bad = [](const std::string& text) { return text.find('\0') != std::string::npos; };
  if (spec.argv.empty() || spec.argv.front().empty()) {
    return invalid("command.value: is empty; give the program to run");
  }
  if (std::any_of(spec.argv.begin(), spec.argv.end(), bad)) {
    return invalid("command: has a zero byte in a word");
  }
  for (const auto& [name, value] : spec.env) {
    if (name.empty() || name.find('=') != std::string::npos || bad(name) || bad(value)) {
      return invalid("command.environment: name '" + name.substr(0, 64) +
                     "' must not be empty or hold '=', and neither it nor its value a zero byte");
    }
  }
  return {};
}

Status give_user(const std::string& name, LaunchRecord& record) {
  if (name.empty()) return {};
  Result<UserIds> user = resolve_user(name);
  if (!user.ok()) return user.error();
  const bool root = ::geteuid() == 0;
  if (!root && user->uid != ::geteuid()) {
    return Error{ErrorCode::denied, "user '" + name + "' is not this agent's user '" +
                                        own_user_name() +
                                        "', and only an agent that runs as root can switch"};
  }
  record.switch_user = root;
  record.uid = user->uid;
  record.gid = user->gid;
  record.groups = std::move(user->groups);
  return {};
}

}  // namespace

Result<int> ContainerRuntime::Impl::open_session(const SessionSpec& spec) {
  Container* container = find(spec.container_id);
  if (container == nullptr) {
    return Error{ErrorCode::not_found, "no container '" + spec.container_id + "' on this agent"};
  }
  if (container->phase != Phase::running || container->task.empty() || container->shim.empty()) {
    return Error{ErrorCode::conflict, "container '" + spec.container_id + "' does not run"};
  }
  if (Status good = check_words(spec); !good.ok()) return good.error();
  LaunchRecord record;
  if (Status given = give_user(spec.user, record); !given.ok()) return given.error();
  record.container_id = spec.session_id;
  record.token = "session";  // its socket is what it shows
  record.sandbox_dir = container->sandbox_dir;
  record.argv = spec.argv;
  for (const auto& [name, value] : spec.env) record.env.push_back(name + "=" + value);
  // The last one: by it those are found that no cgroup holds together.
  record.env.push_back("BOURSE_SESSION_ID=" + spec.session_id);
  record.cgroup_dirs = dirs_of_session(container->cgroup, spec.session_id);

  SessionStart start;
  start.shim_pid = container->shim.pid;
  start.shim_start_time = container->shim.start_time;
  start.task_pid = container->task.pid;
  start.task_start_time = container->task.start_time;
  start.tty = spec.tty ? 1 : 0;
  start.rows = static_cast<std::int32_t>(spec.rows);
  start.columns = static_cast<std::int32_t>(spec.columns);
  std::string message =
      session_message(SessionMessage::start, {reinterpret_cast<const char*>(&start), sizeof start});
  message += encode_launch_record(record);
  if (message.size() > kMostSessionMessage) {
    return Error{ErrorCode::too_large, "command: its words and environment come to " +
                                           std::to_string(message.size()) +
                                           " bytes; give fewer, or a file to read them from"};
  }
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
    return Error{ErrorCode::io, "cannot make the session's socket: " + errno_text(errno)};
  }
  OwnedFd ours(pair[0]);
  // It lies there when the process comes to read it.
  if (::send(ours.get(), message.data(), message.size(), MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
    const int error = errno;
    ::close(pair[1]);
    return Error{ErrorCode::io, "cannot ask for the session: " + errno_text(error)};
  }
  Status asked = launcher_->request_session(next_request_++, spec.session_id, pair[1]);
  if (!asked.ok()) return asked.error();
  if (!launcher_->flush()) launcher_flush_ = boot_now() + Duration::milliseconds(2);
  return ours.release();
}

bool ContainerRuntime::Impl::clear_session(const std::string& container_id,
                                           const std::string& session_id) {
  const Container* container = find(container_id);
  if (container == nullptr) return true;
  const ContainerCgroup cgroup(dirs_of_session(container->cgroup, session_id));
  return cgroup.destroy_pass() && cgroup.remove();
}

Result<int> ContainerRuntime::open_session(const SessionSpec& spec) {
  return impl_->open_session(spec);
}
bool ContainerRuntime::clear_session(const std::string& container_id,
                                     const std::string& session_id) {
  return impl_->clear_session(container_id, session_id);
}

}  // namespace bourse::isolation
