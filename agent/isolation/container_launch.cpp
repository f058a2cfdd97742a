#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "agent/isolation/container_impl.hpp"
#include "agent/isolation/kernel_file.hpp"
#include "agent/isolation/user.hpp"

namespace bourse::isolation {

namespace {

Error place_error(const std::string& what, int error) {
  return {error == ENOSPC || error == EDQUOT ? ErrorCode::full : ErrorCode::io,
          what + ": " + errno_text(error)};
}

Result<std::string> new_token() {
  unsigned char random[kTokenBytes / 2];
  if (::getrandom(random, sizeof random, 0) != sizeof random) {
    return Error{ErrorCode::io, "the kernel gave no random bytes for a container's token"};
  }
  static constexpr char kHex[] = "0123456789abcdef";
  std::string token;
  for (const unsigned char byte : random) {
    token += kHex[byte >> 4];
    token += kHex[byte & 15];
  }
  return token;
}

Status validate_id(const std::string& id) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  if (!id.empty() && id.size() <= kMostContainerIdBytes && id[0] != '.' &&
      std::all_of(id.begin(), id.end(), allowed)) {
    return {};
  }
  return invalid("container_id '" + id.substr(0, kMostContainerIdBytes) +
                 "' must be 1 to 128 of A-Z a-z 0-9 . _ - and not start with a dot");
}

Status validate_limits(const ResourceLimits& limits) {
  const std::pair<const char*, std::int64_t> values[] = {
      {"cpu_milli", limits.cpu_milli},
      {"memory_bytes", limits.memory_bytes},
      {"pids", limits.pids},
      {"fds", limits.fds},
      {"output_cap_bytes", limits.output_cap_bytes}};
  for (const auto& [name, value] : values) {
    if (value < 0) {
      return invalid(std::string("limit ") + name + " is " + std::to_string(value) +
                     "; it must not be negative");
    }
  }
  return {};
}

Status validate_command(const ContainerSpec& spec) {
  if (spec.argv.empty() == spec.shell_command.empty()) {
    return invalid("container " + spec.container_id +
                   " needs either argv or shell_command, not both or none");
  }
  std::size_t total = 0;
  const auto check = [&](const std::string& text) {
    total += text.size() + 1;
    return text.size() < kMostCommandStringBytes && text.find('\0') == std::string::npos;
  };
  bool good = check(spec.shell_command);
  for (const std::string& argument : spec.argv) good = good && check(argument);
  for (const CheckSpec* spec_of : {&spec.health, &spec.check}) {
    for (const std::string& argument : spec_of->argv) good = good && check(argument);
    for (const std::string& entry : spec_of->env) good = good && check(entry);
  }
  for (const auto& [name, value] : spec.env) {
    if (name.empty() || name.find('=') != std::string::npos) {
      return invalid("environment variable name '" + name.substr(0, 64) +
                     "' must not be empty or contain '='");
    }
    good = good && check(name) && check(value);
  }
  if (!good || total > kMostCommandBytes) {
    return Error{ErrorCode::too_large,
                 "command and environment of container " + spec.container_id +
                     " must have no NUL, no string over 128 KiB, and not over 1 MiB together"};
  }
  return {};
}

Status validate_volumes(const std::vector<VolumeMount>& volumes) {
  for (const VolumeMount& volume : volumes) {
    const std::string path = "/" + volume.container_path + "/";
    const bool inside =
        !volume.container_path.empty() && volume.container_path[0] != '/' &&
        path.find("/../") == std::string::npos && path.find("/./") == std::string::npos &&
        path.find("//") == std::string::npos && path.find('\0') == std::string::npos;
    if (!inside) {
      return invalid("disk.volume.container_path '" + volume.container_path.substr(0, 256) +
                     "' must be a path below the sandbox, without '..'");
    }
  }
  return {};
}

// Makes "a/b" below the sandbox, each for the task's user.
Status make_below(const LaunchRecord& record, const std::string& path) {
  for (std::size_t end = path.find('/'); true; end = path.find('/', end + 1)) {
    const std::string dir = record.sandbox_dir + "/" + path.substr(0, end);
    if (::mkdir(dir.c_str(), 0755) != 0 && errno != EEXIST) {
      return place_error("cannot make the place of a volume, " + dir, errno);
    }
    if (record.switch_user && ::lchown(dir.c_str(), record.uid, record.gid) != 0) {
      return place_error("cannot give " + dir + " to its user", errno);
    }
    if (end == std::string::npos) return {};
  }
}

// Who shares a volume must not take it away from the others.
Status give_to_user(const LaunchRecord& record, const VolumeMount& volume) {
  struct stat now {};
  if (!record.switch_user || ::stat(volume.host_path.c_str(), &now) != 0) return {};
  if (volume.shared && now.st_uid != 0) return {};
  if (now.st_uid == record.uid && now.st_gid == record.gid) return {};
  if (::chown(volume.host_path.c_str(), record.uid, record.gid) == 0) return {};
  return place_error("cannot give volume " + volume.host_path + " to its user", errno);
}

}  // namespace

// Seen through a mount of the container's own or, where it has none, through a link.
Status ContainerRuntime::Impl::place_volumes(const ContainerSpec& spec,
                                             const LaunchRecord& record) const {
  const bool mounts = (record.namespaces & kNamespaceMount) != 0;
  for (const VolumeMount& volume : spec.volumes) {
    if (Status given = give_to_user(record, volume); !given.ok()) return given;
    const std::string target = record.sandbox_dir + "/" + volume.container_path;
    if (mounts) {
      if (Status made = make_below(record, volume.container_path); !made.ok()) return made;
      continue;
    }
    const std::size_t slash = volume.container_path.rfind('/');
    if (slash != std::string::npos) {
      if (Status made = make_below(record, volume.container_path.substr(0, slash)); !made.ok()) {
        return made;
      }
    }
    if (::symlink(volume.host_path.c_str(), target.c_str()) != 0 && errno != EEXIST) {
      return place_error("cannot make the place of a volume, " + target, errno);
    }
  }
  return {};
}

Status ContainerRuntime::Impl::validate(const ContainerSpec& spec) const {
  if (Status good = validate_id(spec.container_id); !good.ok()) return good;
  if (Status good = validate_limits(spec.limits); !good.ok()) return good;
  if (Status good = validate_command(spec); !good.ok()) return good;
  if (spec.sandbox_dir.empty() || spec.sandbox_dir[0] != '/' ||
      spec.sandbox_dir.find('\0') != std::string::npos || spec.sandbox_dir.size() > 4000) {
    return invalid("sandbox_dir '" + spec.sandbox_dir.substr(0, 256) +
                   "' must be an absolute path");
  }
  if (Status good = validate_volumes(spec.volumes); !good.ok()) return good;
  if (containers_.count(spec.container_id) != 0) {
    return Error{ErrorCode::already_exists,
                 "container " + spec.container_id + " exists already on this agent"};
  }
  if (containers_.size() >= kMostContainers) {
    return Error{ErrorCode::too_large,
                 "this agent has " + std::to_string(kMostContainers) + " containers, its most"};
  }
  return {};
}

Result<LaunchRecord> ContainerRuntime::Impl::resolve(const ContainerSpec& spec) const {
  LaunchRecord record;
  record.container_id = spec.container_id;
  Result<std::string> token = new_token();
  if (!token.ok()) return token.error();
  record.token = *token;
  record.run_dir = options_.runtime_dir + "/containers/" + spec.container_id;
  record.socket_dir = options_.runtime_dir;
  record.sandbox_dir = spec.sandbox_dir;
  record.argv = spec.argv;
  if (record.argv.empty()) record.argv = {"/bin/sh", "-c", spec.shell_command};
  for (const auto& [name, value] : spec.env) record.env.push_back(name + "=" + value);
  // Marks every process of the container, for the case that no cgroup holds them together.
  record.env.push_back(environment_mark(spec.container_id));

  const bool root = ::geteuid() == 0;
  if (!spec.user.empty()) {
    Result<UserIds> user = resolve_user(spec.user);
    if (!user.ok()) return user.error();
    if (!root && user->uid != ::geteuid()) {
      return Error{ErrorCode::denied, "user '" + spec.user + "' is not this agent's user '" +
                                          own_user_name() +
                                          "', and only an agent that runs as root can switch"};
    }
    record.switch_user = root;
    record.uid = user->uid;
    record.gid = user->gid;
    record.groups = std::move(user->groups);
  }
  record.namespaces = namespaces_ ? spec.namespaces & kAllNamespaces : 0;
  record.cgroup_dirs = base_.container(spec.container_id).dirs();
  record.limits = {spec.limits.cpu_milli, spec.limits.cpu_quota, spec.limits.memory_bytes,
                   spec.limits.pids, spec.limits.cpu_shares};
  record.max_fds = spec.limits.fds;
  // Without a memory cgroup each process alone is held to the limit: better than nothing, and said
  // in notes().
  if ((base_.controllers() & kMemory) == 0 && spec.limits.memory_bytes > 0) {
    record.data_bytes = std::max(spec.limits.memory_bytes, kMinMemoryBytes);
  }
  record.output_cap_bytes =
      spec.limits.output_cap_bytes > 0 ? spec.limits.output_cap_bytes : kDefaultOutputCapBytes;
  record.health = spec.health;
  record.check = spec.check;
  for (CheckSpec* check : {&record.health, &record.check}) {
    if (check->kind == CheckSpec::Kind::command) {
      check->env.push_back(environment_mark(spec.container_id));
    }
  }
  record.kill_grace_ms = spec.kill_grace.ms();
  record.term_grace_ms = options_.term_grace.ms();
  record.destroy_limit_ms = options_.destroy_limit.ms();
  const bool own_mounts = (record.namespaces & kNamespaceMount) != 0;
  for (const VolumeMount& volume : spec.volumes) {
    if (own_mounts) {
      record.mounts.push_back(
          {volume.host_path, spec.sandbox_dir + "/" + volume.container_path, volume.read_only});
    } else if (volume.read_only) {
      return Error{ErrorCode::unsupported,
                   "volume " + volume.host_path +
                       " is read-only, which this agent can only hold with mount namespaces"};
    }
  }
  return record;
}

Status ContainerRuntime::Impl::make_sandbox(const LaunchRecord& record) const {
  if (::mkdir(record.sandbox_dir.c_str(), 0755) != 0) {
    if (errno != EEXIST) return place_error("cannot make sandbox " + record.sandbox_dir, errno);
    return {};  // somebody prepared it, with the owner they wanted
  }
  if (record.switch_user && ::chown(record.sandbox_dir.c_str(), record.uid, record.gid) != 0) {
    return place_error("cannot give sandbox " + record.sandbox_dir + " to its user", errno);
  }
  return {};
}

Status ContainerRuntime::Impl::make_run_dir(const LaunchRecord& record) const {
  if (::mkdirat(containers_dir_.get(), record.container_id.c_str(), 0700) != 0) {
    if (errno == EEXIST) {
      return Error{ErrorCode::already_exists,
                   "container " + record.container_id + " has a run directory already"};
    }
    return place_error("cannot make run directory " + record.run_dir, errno);
  }
  StateFields fields{{"container_id", record.container_id},
                     {"token", record.token},
                     {"boot_id", boot_id_},
                     {"sandbox_dir", record.sandbox_dir}};
  for (const CgroupParent& dir : record.cgroup_dirs) {
    fields.emplace_back(dir.v2 ? "cgroup2" : "cgroup1",
                        std::to_string(dir.controllers) + " " + dir.dir);
  }
  const OwnedFd run_dir = open_run_dir(record.container_id);
  // No fsync: it must outlive this process, not this boot, for the container does not either.
  return write_state(run_dir.get(), kLaunchFile, fields, Durability::process_crash);
}

Status ContainerRuntime::Impl::launch(const ContainerSpec& spec) {
  if (Status good = validate(spec); !good.ok()) return good;
  Result<LaunchRecord> record = resolve(spec);
  if (!record.ok()) return record.error();
  if (Status made = make_sandbox(*record); !made.ok()) return made;
  if (Status placed = place_volumes(spec, *record); !placed.ok()) return placed;
  if (Status made = make_run_dir(*record); !made.ok()) {
    if (made.error().code != ErrorCode::already_exists) remove_run_dir(spec.container_id);
    return made;
  }
  const std::int64_t request = next_request_++;
  Status asked = launcher_->request(request, spec.container_id, encode_launch_record(*record));
  if (!asked.ok()) {
    remove_run_dir(spec.container_id);
    return asked;
  }
  const Instant now = boot_now();
  if (!launcher_->flush()) launcher_flush_ = now + Duration::milliseconds(2);
  Container container;
  container.id = spec.container_id;
  container.token = record->token;
  container.sandbox_dir = record->sandbox_dir;
  container.cgroup = ContainerCgroup(record->cgroup_dirs);
  container.asked = true;
  container.launch_until = now + options_.launch_timeout;
  container.deadline = container.launch_until;
  containers_[spec.container_id] = std::move(container);
  requests_[request] = spec.container_id;
  return {};
}

}  // namespace bourse::isolation
