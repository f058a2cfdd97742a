// SandboxCollector: the shell around SandboxRetention. Finds sandboxes and looks at the disk, notes
// in a file beside each sandbox when it was left (FILE.ended: its time is the end's, and no task
// can touch it), and removes what the machine names, a bounded piece per turn of the loop. The
// agent's loop thread.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/core/sandbox_retention.hpp"
#include "agent/isolation/tree_remover.hpp"
#include "base/result.hpp"
#include "model/ids.hpp"
#include "runtime/loop.hpp"

namespace bourse::agent {

class SandboxCollector {
 public:
  SandboxCollector(runtime::Loop& loop, std::string work_dir, RetentionConfig config,
                   Duration look_every);

  // Once, after recovery: sandboxes of containers that are not in `in_use` were left. Errors are
  // logged: an agent without this is still an agent.
  void start(const std::set<ContainerId>& in_use);
  void started(const ContainerId& container, const std::string& sandbox);
  // Nothing refers to the container any more.
  void ended(const ContainerId& container);

 private:
  void find(const std::set<std::string>& in_use);
  void leave(const std::string& sandbox);
  void look();
  void step(decltype(RetentionEvent::body) body);
  void remove(const std::string& sandbox);
  void work();

  runtime::Loop& loop_;
  const std::string work_dir_;
  const Duration look_every_;
  SandboxRetention machine_;
  std::optional<isolation::TreeRemover> remover_;
  std::map<std::string, std::string> in_use_;  // a container's name as a path component -> sandbox
  runtime::Timer look_timer_;
  runtime::Timer work_timer_;
};

}  // namespace bourse::agent
