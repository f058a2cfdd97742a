// Other limits for a running container: an executor's follow the tasks in it.
#include "agent/isolation/container_impl.hpp"

namespace bourse::isolation {

Status ContainerCgroup::resize(const CgroupLimits& limits) const {
  const auto write_all = [&] {
    Status failed;
    for (const CgroupParent& dir : dirs_) {
      const Status written = write_limits(dir, limits);
      if (!written.ok() && failed.ok()) failed = written;
    }
    return failed;
  };
  // v1 keeps memory <= memory+swap at every moment, so raising both takes the second one first:
  // what the first round could not set, it can now.
  Status first = write_all();
  return first.ok() ? first : write_all();
}

Status ContainerRuntime::resize(const std::string& container_id, const ResourceLimits& limits) {
  const Impl::Container* container = impl_->find(container_id);
  if (container == nullptr) {
    return Error{ErrorCode::not_found, "container '" + container_id + "': there is none"};
  }
  if (container->phase != Impl::Phase::launching && container->phase != Impl::Phase::running) {
    return Error{ErrorCode::conflict, "container '" + container_id + "': it has ended"};
  }
  CgroupLimits wanted;
  wanted.cpu_milli = limits.cpu_milli;
  wanted.cpu_quota = limits.cpu_quota;
  wanted.memory_bytes = limits.memory_bytes;
  wanted.pids = limits.pids;
  wanted.cpu_shares = limits.cpu_shares;
  return container->cgroup.resize(wanted);
}

}  // namespace bourse::isolation
