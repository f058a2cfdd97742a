// FrameworkNode: a small framework on the SDK's scheduler machine. It launches what its plan says,
// kills some of it, declines, suppresses and revives, and fails over by its id. What it launches it
// writes down first, so that another instance can go on. Owned by the World; one thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "framework-sdk/core/scheduler_machine.hpp"
#include "sim/channel.hpp"
#include "sim/env.hpp"
#include "sim/leader_watch_node.hpp"
#include "sim/node_clock.hpp"
#include "sim/operation_work.hpp"

namespace bourse::sim {

class FrameworkNode {
 public:
  FrameworkNode(Env& env, const Network& network, ZooKeeperModel* zookeeper, int index);

  void start();
  void crash_and_return(Duration away);
  void take_over();  // a second instance subscribes, the first one lives on until it is told
  bool over() const { return over_; }
  bool down() const { return down_ || instances_.empty(); }
  bool subscribed() const { return !down() && instances_.back()->machine.subscribed(); }
  bool watches() const { return !down() && instances_.back()->watch != nullptr; }
  Instant begun_at() const { return begun_at_; }
  const std::string& name() const { return name_; }
  // What it asked for and has not heard the consequence of.
  struct Request {
    std::string what;
    AgentId agent;
    bool kill = false;
    bool unreachable = false;  // as its task was last heard
  };
  std::vector<Request> requests() const;
  Wire* wire();
  NodeClock& clock() { return clock_; }

  // What is still missing to the end of its work; empty: nothing. `given_up`: the master has an
  // agent of that kind, which may be one that never learned its name.
  std::string missing(const std::set<AgentId>& agents, bool given_up) const;
  std::size_t live_instances() const { return instances_.size(); }
  const FrameworkPlan& plan() const { return plan_; }
  const FrameworkId& id() const { return id_; }
  std::uint64_t fingerprint() const;

 private:
  // What it has written down about one task.
  struct Row {
    std::size_t index = 0;
    int attempt = 0;
    bool launched = false;
    bool ended = false;
    bool kill_wanted = false;
    AgentId agent;
    std::optional<TaskState> last;
    bool forgotten = false;  // it was told so: UNKNOWN, of one whose agent the registry forgot
  };
  // One process of it.
  struct Instance {
    std::uint64_t number = 0;
    std::unique_ptr<Channel> channel;
    std::unique_ptr<LeaderWatchNode> watch;
    sdk::SchedulerMachine machine;
    std::string batch;  // leaves together at the end of this instant
    bool dead = false;
    bool greeted = false;
    bool suppressed = false;
    std::vector<call::Request::Wanted> wanted;  // as it said last
    std::map<OfferId, OfferFacet> offers;
    std::set<TaskId> kills_without_agent;
    std::set<TaskId> kills_said;                  // planted
    std::map<TaskId, std::uint64_t> asked_about;  // and not answered, by the question's number
    Instant armed = Instant::max();

    explicit Instance(const sdk::SchedulerConfig& config) : machine(config) {}
  };

  void begin_instance();
  Instance* current();
  Instance* find(std::uint64_t number);
  template <typename Body>
  void step(Instance& instance, Body body);
  void call(Instance& instance, decltype(SchedulerCall::body) body);
  void perform(Instance& instance, sdk::SchedulerOutput& output);
  void on_event(Instance& instance, const SchedulerEvent& event);
  void on_update(Instance& instance, const TaskStatus& status);
  void on_subscribed(Instance& instance);
  void consider(std::uint64_t instance, const OfferId& offer);
  bool place(Row& row, const TaskId& id, const OfferFacet& offer, Resources& left,
             std::map<ExecutorId, bool>& executors, std::vector<OfferOperation>& operations,
             Resources& volume);
  void on_inverse_offers(Instance& instance, const event::InverseOffers& asked);
  void on_operation(Instance& instance, const OperationStatus& status);
  TaskFacet facet_of(const TaskId& id, const TaskPlan& plan, const OfferFacet& offer,
                     const Resources& left) const;
  ExecutorFacet executor_on(const OfferFacet& offer) const;
  void kill_later(const TaskId& id, Duration span);
  void kill(const TaskId& id);
  void try_again(const Row& ended);
  void look_around();                  // now and then: asks, suppresses, revives
  void say_wants(Instance& instance);  // what its waiting tasks need, if that is news
  void ask(Instance& instance);
  void check_answers(std::uint64_t instance, std::uint64_t question);
  void end_for_good();
  void bury();
  void look_for_master(Instance& instance);
  static void leave(Instance& instance);
  void arm(Instance& instance);
  bool waits(const Row& row) const;

  Env& env_;
  const Network& network_;
  ZooKeeperModel* zookeeper_;
  NodeClock clock_;
  int index_;
  const FrameworkPlan& plan_;
  std::string name_;
  FrameworkId id_;
  std::vector<std::unique_ptr<Instance>> instances_;  // the last one is the current one
  std::vector<std::unique_ptr<Instance>> buried_;     // their wires may still be named
  std::uint64_t begun_ = 0;
  Instant begun_at_;  // the last of its instances
  std::uint64_t questions_ = 0;
  std::uint64_t generation_ = 0;
  bool down_ = true;
  bool over_ = false;
  bool removed_ = false;  // the master said so
  std::map<TaskId, Row> rows_;
  OperationWork operations_;
};

}  // namespace bourse::sim
