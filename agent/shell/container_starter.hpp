// ContainerStarter: from what the core wants started to running containers. A command that wants
// files has them fetched first, in a container of its own (ID.fetch) in the same sandbox and as the
// same user, so that it is held to limits, can be killed, and reads only what its user may. To the
// core that is one container which takes longer to start. If the agent dies meanwhile the command
// was never started, and the next agent ends the fetch like any container that it does not know.
// The agent's loop thread.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "agent/core/effect.hpp"
#include "agent/core/event.hpp"
#include "agent/isolation/container.hpp"
#include "agent/shell/container_spec.hpp"
#include "agent/shell/sandbox_collector.hpp"
#include "agent/shell/volumes.hpp"

namespace bourse::agent {

// The fetcher as every task's user can start it: `program`, or a copy in `run_dir` if it lies where
// others may not go (somebody's home). Where it cannot be copied (a full disk), `program`.
std::string place_fetcher(const std::string& program, const std::string& run_dir);

class ContainerStarter {
 public:
  // `failed`: it was never started. All must outlive this.
  ContainerStarter(isolation::ContainerRuntime& containers, const Volumes& volumes,
                   SandboxCollector& sandboxes, std::function<void(ContainerFailed)> failed)
      : containers_(containers),
        volumes_(volumes),
        sandboxes_(sandboxes),
        failed_(std::move(failed)) {}

  void start(const StartContainer& start, const SpecContext& context);
  void resize(const ResizeContainer& resize, const SpecContext& context);
  void kill(const KillContainer& kill);
  // True: it was about a fetch, and is dealt with.
  bool on_event(const isolation::ContainerEvent& event);

 private:
  struct Fetching {
    isolation::ContainerSpec spec;  // of the command, which waits
    bool killed = false;
  };

  Status launch_fetch(const isolation::ContainerSpec& spec, const std::vector<FetchItem>& files,
                      const SpecContext& context);
  void launch(const isolation::ContainerSpec& spec);
  void fail(const std::string& container_id, const std::string& reason);

  isolation::ContainerRuntime& containers_;
  const Volumes& volumes_;
  SandboxCollector& sandboxes_;
  std::function<void(ContainerFailed)> failed_;
  std::map<std::string, Fetching> fetching_;  // by the fetch's container id
};

}  // namespace bourse::agent
