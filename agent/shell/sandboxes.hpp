// Sandboxes: from the paths that people and the master use to files of a task's sandbox, read
// without ever leaving it. Two forms mean the same file:
//   /agents/<agent>/sandbox/<framework>/<executor>/<container or "latest">/stdout
//   <work_dir>/slaves/<agent>/frameworks/<framework>/executors/<executor>/runs/<container>/stdout
// Any thread; holds no state but names.
#pragma once

#include <string>
#include <vector>

#include "agent/isolation/sandbox_files.hpp"
#include "base/result.hpp"

namespace bourse::agent {

class Sandboxes {
 public:
  explicit Sandboxes(std::string work_dir) : work_dir_(std::move(work_dir)) {}

  // not_found (names no sandbox here), denied (leads out of it), invalid.
  Result<std::vector<isolation::SandboxEntry>> list(const std::string& agent_id,
                                                    const std::string& path) const;
  Result<isolation::SandboxChunk> read(const std::string& agent_id, const std::string& path,
                                       std::int64_t offset, std::int64_t length) const;

  struct Place {
    std::string sandbox_dir;
    std::string rest;  // within the sandbox
  };
  Result<Place> resolve(const std::string& agent_id, const std::string& path) const;

 private:
  std::string work_dir_;
};

}  // namespace bourse::agent
