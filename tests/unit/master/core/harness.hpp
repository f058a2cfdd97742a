// A tiny world around one MasterCore: agents and frameworks that say what a test tells them to,
// writes that are stored at once unless the test holds them, and a list of what everybody heard.
// After every step the touched rows are checked by the core and the full sweep runs here.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "master/core/master_core.hpp"

namespace bourse::master::test {

struct FakeAgent {
  std::string host;
  PeerId peer;
  AgentId id;
  std::string cluster_id;
  Epoch epoch = 0;
  std::uint64_t incarnation = 1;
  std::uint64_t session = 0;
  LinkSender sender;
  Resources total;
  Domain domain;
  std::vector<Attribute> attributes;
  Blob description;
  // What it tells at its next registration.
  std::vector<to_master::KnownFramework> frameworks;
  std::vector<to_master::KnownExecutor> executors;
  std::vector<to_master::KnownTask> tasks;
  std::optional<Resources> converted_total;
  std::vector<to_master::KnownOperation> operations;
  Resources oversubscribed;
  std::vector<to_master::ContainerLeaked> leaks;
  // What it heard.
  std::vector<MasterToAgent> heard;

  template <typename Body>
  std::vector<Body> heard_of() const {
    std::vector<Body> out;
    for (const MasterToAgent& message : heard) {
      if (const auto* body = std::get_if<Body>(&message.body)) out.push_back(*body);
    }
    return out;
  }
};

struct FakeFramework {
  PeerId stream;
  FrameworkFacet facet;
  OfferConstraintsPtr constraints;
  bool http = false;
  std::uint64_t session = 0;
  LinkSender sender;
  bool closed = false;
  std::vector<MasterToFramework> heard;
  std::vector<OfferFacet> offers;  // on the table now

  template <typename Body>
  std::vector<Body> heard_of() const {
    std::vector<Body> out;
    for (const MasterToFramework& message : heard) {
      if (const auto* body = std::get_if<Body>(&message.body)) out.push_back(*body);
    }
    return out;
  }
  std::vector<TaskStatus> updates() const;
  // "t1 RUNNING, t2 LOST": short names of all updates since the last clear.
  std::string told() const;
};

class Harness {
 public:
  explicit Harness(MasterConfig config = default_config());
  ~Harness();
  static MasterConfig default_config();

  // -- the master
  void lead(const Registry& registry = {});
  void step(decltype(Event::body) body);
  void advance(Duration by);  // ticks at every deadline on the way
  void store_all();           // what was held
  void store_one();
  void reject_one(const std::string& reason);
  // A new master over the registry as it is stored; everybody's connections are new.
  void restart_master();

  // -- agents
  FakeAgent& add_agent(const std::string& host,
                       const std::string& resources = "cpus:4;mem:1024;ports:[31000-31009]");
  void enroll(FakeAgent& agent);  // Register in a new session
  void say(FakeAgent& agent, decltype(AgentToMaster::body) body);
  void say_unsequenced(FakeAgent& agent, decltype(AgentToMaster::body) body);
  // A status update with a uuid made from its number; returns it.
  Uuid status(FakeAgent& agent, const FakeFramework& framework, const std::string& task,
              TaskState state);
  void break_connection(FakeAgent& agent);

  // -- frameworks
  FakeFramework& add_framework(const std::string& name, std::vector<std::string> roles = {"*"});
  void subscribe(FakeFramework& framework, std::vector<std::string> suppressed = {});
  void call(FakeFramework& framework, decltype(SchedulerCall::body) body);
  Status http_call(FakeFramework& framework, decltype(SchedulerCall::body) body);
  void break_connection(FakeFramework& framework);
  // The offers on the table, after the next round.
  std::vector<OfferFacet> offers(FakeFramework& framework);
  void accept(FakeFramework& framework, const std::vector<OfferFacet>& offers,
              std::vector<TaskFacet> tasks, Duration refuse = Duration::seconds(5));
  void decline(FakeFramework& framework, const std::vector<OfferFacet>& offers,
               Duration refuse = Duration::seconds(5));
  void acknowledge(FakeFramework& framework, const FakeAgent& agent, const std::string& task,
                   Uuid uuid);
  TaskFacet task(const std::string& id, const FakeAgent& agent,
                 const std::string& resources = "cpus:1;mem:64") const;
  static ExecutorFacet executor(const std::string& id,
                                const std::string& resources = "cpus:0.1;mem:32");
  // Launch on the first offer of that agent and say RUNNING, acknowledged.
  void run_task(FakeFramework& framework, FakeAgent& agent, const std::string& id,
                const std::string& resources = "cpus:1;mem:64");
  // What the agent would list at a registration, for one task that was launched on it.
  to_master::KnownTask known(const FakeAgent& agent, const std::string& task,
                             TaskState state) const;

  const Ledger& ledger(const FakeAgent& agent) const;
  const Agent& row(const FakeAgent& agent) const;

  MasterConfig config;
  MasterCore core;
  Registry registry;  // as stored
  Stamp now;
  bool hold_writes = false;
  std::deque<Persist> writes;  // held
  std::size_t persists = 0;
  std::map<RequestId, Answer> answers;
  std::vector<PeerId> closed;
  std::vector<Change> changes;
  std::vector<Note> notes;
  std::vector<std::string> abdicated;
  std::deque<FakeAgent> agents;  // stable addresses
  std::deque<FakeFramework> frameworks;
  // Called for each effect before it is performed: scenarios print it.
  std::function<void(const Effect&)> on_effect;
  std::function<void(const Event&, const Effects&)> on_step;
  std::function<void(const Change&)> on_change;
  std::function<void(const Note&)> on_note;

 private:
  void perform(const Effect& effect);
  void deliver(const SendToAgent& effect);
  void deliver(const SendToFramework& effect);
  void settle();

  Effects effects_;
  std::uint64_t next_peer_ = 1;
  std::uint64_t next_request_ = 1;
  std::uint64_t next_uuid_ = 1;
};

Resources res(const std::string& text);
std::string short_name(TaskState state);  // "RUNNING"

}  // namespace bourse::master::test
