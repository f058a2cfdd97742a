// ContainerStatistics: what the containers of this agent use, as /monitor/statistics, /containers
// and GET_CONTAINERS say it. Looking at many containers takes a while and the agent has one thread,
// so all who ask within a second are told of one look, and longer after a look that took long: at
// most a twentieth of the agent's time goes into it. The agent's thread.
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

namespace mesos::v1::agent {
class Response_GetContainers;
}  // namespace mesos::v1::agent

namespace bourse::agent {

class ContainerStatistics {
 public:
  // /containers says more than /monitor/statistics: which container it is.
  enum class Form { statistics, containers };

  using Count = std::function<Result<isolation::CgroupStatistics>(const ContainerId&)>;
  using Answer = mesos::v1::agent::Response_GetContainers;

  // `count`: what the kernel counts of a container.
  explicit ContainerStatistics(Count count, std::function<Instant()> clock = runtime::monotonic_now)
      : count_(std::move(count)), clock_(std::move(clock)) {}

  std::shared_ptr<const std::string> read(const AgentState& state, Form form);
  // The same as an operator's call has it.
  std::shared_ptr<const Answer> answer(const AgentState& state);

 private:
  template <typename Told>
  struct Look {
    std::shared_ptr<const Told> told;
    Instant good_until;
  };
  using Visit =
      std::function<void(const ExecutorKey&, const Executor&, const isolation::CgroupStatistics&)>;

  template <typename Told, typename Make>
  std::shared_ptr<const Told> look(Look<Told>& last, Make make);
  void each_running(const AgentState& state, const Visit& visit) const;

  Count count_;
  std::function<Instant()> clock_;
  std::array<Look<std::string>, 2> texts_;
  Look<Answer> answer_;
};

}  // namespace bourse::agent
