// WorkDirHome: where a work directory lies and where the containers are that its checkpoint answers
// for, as the directory itself says in meta/home. So a copy of it is known as one: two agents from
// one checkpoint would be one agent twice, and the second would tell the first one's tasks as
// failed while they run. The agent's thread, before its checkpoint is opened.
#pragma once

#include <string>

#include "base/result.hpp"

namespace bourse::agent {

class WorkDirHome {
 public:
  // Both exist.
  WorkDirHome(std::string work_dir, std::string run_dir)
      : work_dir_(std::move(work_dir)), run_dir_(std::move(run_dir)) {}

  // A sentence: nobody may start from here as it is, and what to do.
  Status check() const;
  // From now on this is its place. REQUIRES that nobody else can start from either directory. An
  // error is no reason not to start: it lacks the mark then, or has the one of before.
  Status settle() const;

 private:
  Status check_work_dir(const std::string& noted, const std::string& token) const;
  Status check_run_dir(const std::string& noted, std::int64_t inode) const;

  std::string work_dir_;
  std::string run_dir_;
};

}  // namespace bourse::agent
