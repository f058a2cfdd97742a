#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "agent/isolation/container_impl.hpp"
#include "agent/isolation/kernel_file.hpp"

namespace bourse::isolation {

namespace {

constexpr char kBaseFile[] = "cgroups";

// "4 /sys/fs/cgroup/memory/..." as container_launch.cpp writes it.
std::vector<CgroupParent> dirs_in(const StateFields& fields) {
  std::vector<CgroupParent> dirs;
  for (const auto& [key, value] : fields) {
    if (key != "cgroup1" && key != "cgroup2") continue;
    const std::size_t space = value.find(' ');
    if (space == std::string::npos) continue;
    const auto controllers = parse_number(value.substr(0, space));
    if (!controllers) continue;
    dirs.push_back(
        {key == "cgroup2", static_cast<Controllers>(*controllers), value.substr(space + 1)});
  }
  return dirs;
}

ProcessIdentity identity_of(const StateFields& fields) {
  return {static_cast<pid_t>(number_of(fields, "pid")), number_of(fields, "start_time")};
}

std::vector<std::string> names_in(int dir_fd) {
  std::vector<std::string> names;
  DIR* dir = ::fdopendir(::openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (dir == nullptr) return names;
  while (const dirent* entry = ::readdir(dir)) {
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  }
  ::closedir(dir);
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

void ContainerRuntime::Impl::remove_run_dir(const std::string& id) const {
  const OwnedFd run_dir = open_run_dir(id);
  if (!run_dir.open()) return;
  for (const std::string& name : names_in(run_dir.get())) {
    ::unlinkat(run_dir.get(), name.c_str(), 0);
  }
  ::unlinkat(containers_dir_.get(), id.c_str(), AT_REMOVEDIR);
}

std::vector<RecoveredContainer> ContainerRuntime::Impl::recover() {
  std::vector<RecoveredContainer> found;
  for (const std::string& id : names_in(containers_dir_.get())) {
    if (containers_.count(id) != 0) continue;
    if (auto one = recover_one(id)) found.push_back(std::move(*one));
  }
  recover_strays();
  return found;
}

std::optional<RecoveredContainer> ContainerRuntime::Impl::recover_one(const std::string& id) {
  const OwnedFd run_dir = open_run_dir(id);
  if (!run_dir.open()) return std::nullopt;
  Result<StateFields> launch = read_state(run_dir.get(), kLaunchFile);
  if (!launch.ok() && launch.error().code == ErrorCode::corrupt) {
    return recover_damaged(id, run_dir.get(), launch.error());
  }
  if (!launch.ok()) {
    // The agent died before it asked for a shim: nobody was told, nothing began.
    remove_run_dir(id);
    return std::nullopt;
  }
  Container& container = containers_[id];
  container.id = id;
  container.token = field_of(*launch, "token");
  container.sandbox_dir = field_of(*launch, "sandbox_dir");
  container.cgroup = ContainerCgroup(dirs_in(*launch));
  RecoveredContainer one;
  one.container_id = id;
  if (Result<StateFields> task = read_state(run_dir.get(), kTaskFile); task.ok()) {
    container.task = identity_of(*task);
    container.phase = Phase::running;
    one.task = container.task;
  } else {
    note_damage(id, task.error());  // its shim will tell again
  }
  if (Result<StateFields> exit = read_state(run_dir.get(), kExitFile); exit.ok()) {
    one.state = RecoveredContainer::State::exited;
    one.exit = exit_record_of(*exit);
    end(container, one.exit->leaked);
    if (one.exit->leaked) container.deadline = boot_now();  // it may be gone by now
    return one;
  }
  if (field_of(*launch, "boot_id") != boot_id_) {
    // Another boot: every process and cgroup of it is gone, and its numbers mean other things now.
    container.cgroup = {};
    container.task = {};
    container.shim = {};
    one.state = RecoveredContainer::State::ending;
    begin_destroying(container, "the machine was restarted");
    return one;
  }
  recover_shim(container, run_dir.get(), one);
  return one;
}

// Of a container of this boot that has not ended as far as its files tell: who looks after it?
void ContainerRuntime::Impl::recover_shim(Container& container, int run_dir,
                                          RecoveredContainer& one) {
  Result<StateFields> shim = read_state(run_dir, kShimFile);
  if (!shim.ok() && shim.error().code == ErrorCode::corrupt) {
    // Which process it is cannot be told from this, but a living one comes and says so.
    note_damage(container.id, shim.error());
    container.claimed = true;
    container.deadline = boot_now() + options_.launch_timeout;
    return;
  }
  if (!shim.ok()) {
    // Asked for, not yet begun: its shim may be on its way, so give it a moment.
    container.deadline = boot_now() + Duration::seconds(2);
    return;
  }
  container.claimed = true;
  container.shim = identity_of(*shim);
  if (field_of(*shim, "state") == "abandoned") {
    one.state = RecoveredContainer::State::ending;
    fail(container, "an earlier agent had given it up");
    return;
  }
  // A poke makes it connect at once instead of at its next attempt.
  if (signal_process(container.shim, SIGUSR1) == 0) {
    container.deadline = boot_now() + Duration::milliseconds(200);
    return;
  }
  one.state = RecoveredContainer::State::ending;
  check_shim(container);
  if (container.phase == Phase::ended || container.phase == Phase::leaked) {
    // Its exit file appeared just now: say so here instead of by an event.
    if (const auto* exited =
            events_.empty() ? nullptr : std::get_if<ContainerExited>(&events_.back());
        exited != nullptr && exited->container_id == container.id) {
      one.state = RecoveredContainer::State::exited;
      one.exit = exited->record;
      events_.pop_back();
    }
  }
}

// Something of it may run, but what its agent wrote about it is not to be believed: neither the
// token that its shim shows nor the cgroups that are its own.
RecoveredContainer ContainerRuntime::Impl::recover_damaged(const std::string& id, int run_dir,
                                                           const Error& damage) {
  note_damage(id, damage);
  Container& container = containers_[id];
  container.id = id;
  container.cgroup = base_.container(id);
  if (Result<StateFields> shim = read_state(run_dir, kShimFile); shim.ok()) {
    if (field_of(*shim, "boot_id") == boot_id_) container.shim = identity_of(*shim);
  }
  begin_destroying(container, "its file is damaged: " + damage.message);
  RecoveredContainer one;
  one.container_id = id;
  one.state = RecoveredContainer::State::ending;
  return one;
}

void ContainerRuntime::Impl::note_damage(const std::string& id, const Error& error) {
  if (error.code == ErrorCode::not_found) return;
  notes_.push_back("container " + id + " has a file that is damaged: " + error.message);
}

void ContainerRuntime::Impl::recover_strays() {
  Result<StateFields> before = read_state(runtime_dir_.get(), kBaseFile);
  std::vector<CgroupBase> bases{base_};
  if (before.ok() && dirs_in(*before) != base_.dirs()) {
    old_bases_.push_back(CgroupBase::existing(dirs_in(*before)));
    bases.push_back(old_bases_.back());
  }
  const Instant now = boot_now();
  for (const CgroupBase& base : bases) {
    for (const std::string& id : base.containers()) {
      if (containers_.count(id) != 0) continue;
      strays_.push_back({base.container(id), now + options_.destroy_limit});
    }
  }
  if (!strays_.empty()) strays_deadline_ = now;
  for (const CgroupBase& old : old_bases_) old.remove();
  StateFields fields;
  for (const CgroupParent& dir : base_.dirs()) {
    fields.emplace_back(dir.v2 ? "cgroup2" : "cgroup1",
                        std::to_string(dir.controllers) + " " + dir.dir);
  }
  if (Status noted = write_state(runtime_dir_.get(), kBaseFile, fields, Durability::process_crash);
      !noted.ok()) {
    notes_.push_back(noted.error().message);
  }
}

}  // namespace bourse::isolation
