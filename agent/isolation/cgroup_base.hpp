// CgroupBase: this agent's own corner of each hierarchy, <parent>/bourse-<instance>/, with `shims`
// for the launcher and the shims (outside the agent's own cgroup and outside every container's) and
// one directory per container beside it. Owner: the container runtime; one thread.
#pragma once

#include <string>
#include <vector>

#include "agent/isolation/cgroup.hpp"
#include "agent/isolation/cgroup_discovery.hpp"

namespace bourse::isolation {

class CgroupBase {
 public:
  CgroupBase() = default;

  // Makes the directories where it can. What it cannot use is dropped and said in notes().
  static CgroupBase prepare(const CgroupPlan& plan, const std::string& instance);
  // Of an earlier run of this agent, perhaps below other parents.
  static CgroupBase existing(std::vector<CgroupParent> dirs);

  const std::vector<CgroupParent>& dirs() const { return dirs_; }
  const std::vector<std::string>& notes() const { return notes_; }
  Controllers controllers() const;
  std::vector<std::string> shim_dirs() const;

  ContainerCgroup container(const std::string& container_id) const;
  // Names of containers that have a directory in any hierarchy, sorted.
  std::vector<std::string> containers() const;
  // Removes the corner if it is empty; false when something still lives there.
  bool remove() const;

 private:
  std::vector<CgroupParent> dirs_;
  std::vector<std::string> notes_;
};

}  // namespace bourse::isolation
