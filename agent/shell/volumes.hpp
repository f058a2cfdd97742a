// Volumes: where persistent volumes are on disk, by role and id below the work directory or the
// root of their disk. A directory is made before its volume is stored, and what was in it is
// removed after its end is, a bounded piece per turn of the loop. The agent's loop thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "agent/isolation/container.hpp"
#include "agent/isolation/tree_remover.hpp"
#include "base/result.hpp"
#include "model/checkpoint_record.hpp"
#include "model/resources.hpp"
#include "runtime/loop.hpp"

namespace bourse::agent {

class Volumes {
 public:
  Volumes(runtime::Loop& loop, std::string work_dir);

  std::string path_of(const Resource& volume) const;
  // Of all that these records create. An error: none may be stored.
  Status make(const std::vector<CheckpointRecord>& records);
  void remove(const Resource& volume);
  // For a container that holds these resources: what it sees where. not_found: a directory is not
  // there, and an empty one in its place would pass for lost data.
  Result<std::vector<isolation::VolumeMount>> mounts(const Resources& resources) const;

 private:
  std::string base_of(const Resource& volume) const;
  Status make_one(const Resource& volume);
  void work();

  runtime::Loop& loop_;
  const std::string work_dir_;
  std::map<std::string, isolation::TreeRemover> removers_;  // by base: one for each file system
  runtime::Timer work_timer_;
};

}  // namespace bourse::agent
