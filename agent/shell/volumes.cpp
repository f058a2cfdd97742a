#include "agent/shell/volumes.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>

#include "agent/shell/container_spec.hpp"
#include "model/resource_operation.hpp"
#include "runtime/daemon.hpp"
#include "runtime/log.hpp"

namespace bourse::agent {

namespace {

constexpr std::size_t kRemovedPerTurn = 256;
constexpr Duration kBetweenRemovals = Duration::milliseconds(2);

bool is_directory(const std::string& path) {
  struct stat found {};
  return ::stat(path.c_str(), &found) == 0 && S_ISDIR(found.st_mode);
}

Status sync_directory(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool good = fd >= 0 && ::fsync(fd) == 0;
  const int error = errno;
  if (fd >= 0) ::close(fd);
  if (good) return {};
  return Error{ErrorCode::io, path + ": " + std::strerror(error)};
}

}  // namespace

Volumes::Volumes(runtime::Loop& loop, std::string work_dir)
    : loop_(loop), work_dir_(std::move(work_dir)) {}

std::string Volumes::base_of(const Resource& volume) const {
  const auto& source = volume.meta->disk->source;
  if (!source || source->root.empty()) return work_dir_ + "/volumes";
  return (source->root.front() == '/' ? source->root : work_dir_ + "/" + source->root) + "/volumes";
}

std::string Volumes::path_of(const Resource& volume) const {
  return base_of(volume) + "/roles/" + path_component(std::string(volume.role())) + "/" +
         path_component(volume.meta->disk->persistence_id);
}

Status Volumes::make_one(const Resource& volume) {
  const std::string root = std::filesystem::path(base_of(volume)).parent_path().string();
  if (!is_directory(root)) {
    return Error{ErrorCode::not_found,
                 "disk.source.root: '" + root + "' is no directory: is its disk mounted?"};
  }
  const std::string path = path_of(volume);
  if (Status made = runtime::make_directories(std::filesystem::path(path).parent_path().string());
      !made.ok()) {
    return made;
  }
  if (::mkdir(path.c_str(), 0755) == 0) return {};
  if (errno != EEXIST) return Error{ErrorCode::io, path + ": " + std::strerror(errno)};
  std::error_code error;
  if (std::filesystem::is_empty(path, error) && !error) return {};
  return Error{ErrorCode::conflict, path +
                                        ": holds files of an earlier volume of that name: move "
                                        "them away or give another persistence id"};
}

Status Volumes::make(const std::vector<CheckpointRecord>& records) {
  std::set<std::string> parents;
  for (const CheckpointRecord& record : records) {
    const auto* applied = std::get_if<checkpoint::OperationApplied>(&record);
    if (applied == nullptr) continue;
    if (applied->order.operation.type != ResourceOperation::Type::create) continue;
    for (const Resource& volume : applied->order.operation.resources.list()) {
      if (Status made = make_one(volume); !made.ok()) return made;
      parents.insert(std::filesystem::path(path_of(volume)).parent_path().string());
    }
  }
  for (const std::string& parent : parents) {
    if (Status synced = sync_directory(parent); !synced.ok()) return synced;
  }
  return {};
}

void Volumes::remove(const Resource& volume) {
  const std::string base = base_of(volume);
  auto it = removers_.find(base);
  if (it == removers_.end()) {
    auto opened = isolation::TreeRemover::open(base + "/gc");
    if (!opened.ok()) {
      runtime::log_error("volume not removed", {{"reason", opened.error().message}});
      return;
    }
    it = removers_.emplace(base, std::move(opened).value()).first;
  }
  const std::string path = path_of(volume);
  const Status taken = it->second.take(path);
  if (!taken.ok()) {
    if (taken.error().code == ErrorCode::not_found) return;  // removed already
    runtime::log_error("volume not removed", {{"reason", taken.error().message}});
    return;
  }
  runtime::log_info("volume removed", {{"volume", path}});
  ::rmdir(std::filesystem::path(path).parent_path().c_str());  // of a role without volumes
  if (!work_timer_.armed()) work();
}

void Volumes::work() {
  for (auto& [base, remover] : removers_) {
    if (!remover.work(kRemovedPerTurn)) continue;
    work_timer_ = loop_.after(kBetweenRemovals, [this] { work(); });
    return;
  }
  work_timer_.cancel();
}

Result<std::vector<isolation::VolumeMount>> Volumes::mounts(const Resources& resources) const {
  std::vector<isolation::VolumeMount> out;
  std::set<std::string> targets;
  for (const Resource& resource : resources.list()) {
    if (!is_volume(resource)) continue;
    const Disk& disk = *resource.meta->disk;
    const std::string path = path_of(resource);
    if (!is_directory(path)) {
      return Error{ErrorCode::not_found, "volume '" + disk.persistence_id + "' of role '" +
                                             std::string(resource.role()) + "': its directory " +
                                             path + " is not there: is its disk mounted?"};
    }
    if (!targets.insert(disk.volume_path).second) {
      return invalid("disk.volume.container_path: '" + disk.volume_path +
                     "' is given to two volumes of one container");
    }
    out.push_back({path, disk.volume_path, disk.volume_read_only, resource.is_shared()});
  }
  return out;
}

}  // namespace bourse::agent
