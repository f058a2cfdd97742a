// Host: the machine under one agent: its containers and the executors in them, which live on while
// the agent process is down. One owner, one thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/agent_core.hpp"
#include "framework-sdk/core/executor_machine.hpp"
#include "sim/env.hpp"
#include "sim/node_clock.hpp"

namespace bourse::sim {

class Host;

// A framework's own executor: the SDK's machine and a little program around it.
class ExecutorProcess : public std::enable_shared_from_this<ExecutorProcess> {
 public:
  ExecutorProcess(Env& env, Host& host, ContainerId container, FrameworkId framework,
                  ExecutorId executor, std::string token);

  void begin();
  void end();  // the process is gone; its tasks with it
  void on_bytes(PeerId peer, std::string_view bytes);
  void lose(PeerId peer);  // its connection broke
  PeerId peer() const { return peer_; }
  const ContainerId& container() const { return container_; }

 private:
  template <typename Body>
  void step(Body body);
  void perform(sdk::ExecutorOutput& output);
  void on_event(const ExecutorEvent& event);
  void on_launch(const TaskFacet& task);
  void say(const TaskId& task, TaskState state);
  void finish(const TaskId& task, TaskState state);
  void connect_later(Duration span);
  void leave_when_idle();
  void later(Duration span, std::function<void()> action);
  void arm();

  Env& env_;
  Host& host_;
  ContainerId container_;
  FrameworkId framework_;
  ExecutorId executor_;
  std::string token_;
  sdk::ExecutorMachine machine_;
  PeerId peer_;
  bool over_ = false;
  std::uint64_t busy_ = 0;  // grows with each task: an idle timer of before is void
  std::map<TaskId, bool> tasks_;
  Instant armed_ = Instant::max();
};

class Host {
 public:
  struct Container {
    enum class State : std::uint8_t { starting, running, leaking, exited };
    ContainerId id;
    FrameworkId framework;
    ExecutorId executor;
    std::optional<TaskId> task;  // a command task
    std::string token;
    Resources resources;
    State state = State::starting;
    bool kill_pending = false;
    int wait_status = 0;
    bool status_known = true;
    bool out_of_memory = false;
    std::uint32_t pid = 0;
    std::int64_t cpu_ns = 0;  // used until usage_at
    Instant usage_at;
    std::shared_ptr<ExecutorProcess> process;
  };
  // The agent process, as its machine sees it; a report while it is down is lost (found later).
  struct Agent {
    std::function<bool()> up;
    std::function<void(decltype(agent::Event::body))> report;
    std::function<PeerId(std::shared_ptr<ExecutorProcess>)> accept;
    std::function<void(PeerId, std::string)> executor_bytes;
    std::function<void(PeerId)> executor_gone;
  };

  Host(Env& env, const NodeClock& clock, std::string name, Resources total, Agent agent)
      : env_(env),
        clock_(clock),
        name_(std::move(name)),
        total_(std::move(total)),
        agent_(std::move(agent)) {}

  // An order to start it, which is carried out at once.
  void order(const agent::StartContainer& start);
  void start(const agent::StartContainer& start);
  void resize(const ContainerId& id, const Resources& resources);
  void kill(const ContainerId& id, Duration grace);
  void release(const ContainerId& id);
  void reboot(bool unnoticed);  // planted: what ran seems to run
  // Counters of what runs. How much each uses changes now and then, by its pid and the clock.
  std::vector<agent::ContainerUsage> usage(Instant now);
  void hide_all() { containers_.clear(); }  // planted amnesia
  std::vector<agent::Started::FoundContainer> found();
  void exited(const ContainerId& id, int wait_status, bool out_of_memory);

  Container* find(const ContainerId& id);
  // Any executor with a process, by chance; null: none.
  std::shared_ptr<ExecutorProcess> pick_executor();
  // What leaks, and what runs and its agent does not know.
  std::vector<ContainerId> left_over(const agent::AgentState& state) const;
  // The containers that have not ended, in words; empty: none.
  std::string running() const;
  const Agent& agent() const { return agent_; }
  const std::string& name() const { return name_; }
  const NodeClock& clock() const { return clock_; }

 private:
  void begin(const ContainerId& id);
  void run_command(Container& container);
  void terminate(Container& container, Duration grace);
  void clean_later(const ContainerId& id);
  void check_sum(const ContainerId& id);
  bool kill_late(const ContainerId& id);
  void report_later(decltype(agent::Event::body) body);

  Env& env_;
  const NodeClock& clock_;
  std::string name_;
  Resources total_;
  Agent agent_;
  std::map<ContainerId, Container> containers_;
  std::map<ContainerId, agent::StartContainer> late_;  // ordered, under started_when_killed
  std::uint32_t pids_ = 100;
};

// Of an app of the service scheduler ("app0.1.1.7").
bool is_instance(const TaskId& id);
// The plan of the task with this id; ids carry its place ("f0-t12-a1").
const TaskPlan& plan_of(const Plan& plan, const TaskId& id);

}  // namespace bourse::sim
