// ContainerStatistics: what the containers of this agent use, as /monitor/statistics and
// /containers say it. Looking at many containers takes a while and the agent has one thread, so all
// who ask within a second are told of one look, and longer after a look that took long: at most a
// twentieth of the agent's time goes into it. The agent's thread.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "agent/core/state.hpp"
#include "agent/isolation/cgroup.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "runtime/clock.hpp"

namespace bourse::agent {

class ContainerStatistics {
 public:
  // /containers says more than /monitor/statistics: which container it is. A call's answer says the
  // same as /containers, as mesos.v1.agent.Response.GetContainers.Container has it.
  enum class Form { statistics, containers, call };

  using Count = std::function<Result<isolation::CgroupStatistics>(const ContainerId&)>;

  // `count`: what the kernel counts of a container.
  explicit ContainerStatistics(Count count, std::function<Instant()> clock = runtime::monotonic_now)
      : count_(std::move(count)), clock_(std::move(clock)) {}

  std::shared_ptr<const std::string> read(const AgentState& state, Form form);

 private:
  struct Look {
    std::shared_ptr<const std::string> text;
    Instant good_until;
  };
  Count count_;
  std::function<Instant()> clock_;
  std::array<Look, 3> looks_;
};

}  // namespace bourse::agent
