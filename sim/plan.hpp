// Plan: everything that one seed decides before its run begins: how large the world is, how fast
// its parts are, what its frameworks want and which faults befall it. Some kinds of fault are off
// in each run, so that the others are seen alone. Values; the same seed gives the same plan.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/state.hpp"
#include "base/time.hpp"
#include "framework-sdk/core/executor_machine.hpp"
#include "framework-sdk/core/scheduler_machine.hpp"
#include "master/core/config.hpp"
#include "model/ids.hpp"
#include "sim/zookeeper_model.hpp"

namespace bourse::sim {

// A fault that happens at one moment.
enum class FaultKind : std::uint8_t {
  link_break,           // a connection to the master breaks; each end notices in its own time
  partition,            // a link carries nothing, either way, and nobody is told
  partition_one_way,    // or one way only
  master_crash,         // and comes back over its registry
  agent_crash,          // its containers live on
  agent_reboot,         // they do not
  framework_crash,      // and comes back under its id, with what it wrote down
  framework_takeover,   // a second instance subscribes while the first lives
  executor_connection,  // an executor's connection to its agent breaks
  executor_crash,       // its container ends
  wall_clock_jump,      // of one machine
  slow_disk,
  master_cut_off,  // a master's links carry nothing, one way or both
  master_stops,    // its process stands still for a while and goes on as if nothing were
  leader_stops,    // the one that leads does, at the worst moment
  // With an ensemble only:
  ensemble_cut,       // from one of its clients, one way or both
  ensemble_away,      // it answers nobody
  ensemble_link,      // a client's connection to it breaks
  ensemble_doubt,     // a master's next transaction happens or not, and nobody hears
  session_expires,    // at the ensemble, with its client alive
  candidate_removed,  // by an operator's hand, with its master alive
  // No faults: what an operator asks of the master, drawn apart.
  operator_drains,
  operator_deactivates,
  operator_reactivates,
  operator_marks_gone,
  operator_tears_down,
  operator_kills,
  operator_sets_quotas,
  operator_plans_machines,  // also takes them down and up
  // Of the service scheduler, drawn apart.
  service_dies,
  service_stops,
  app_changes,  // no fault: people define something else
  // Of disks, drawn apart.
  disk_fills,   // and has room again after a while
  disk_fails,   // for a while: what it was given is refused or left open
  power_fails,  // at an agent's machine, whose disk may have lied
};
inline constexpr int kFaultKinds = 21;  // of those that are drawn together
constexpr bool is_of_operator(FaultKind kind) {
  return kind >= FaultKind::operator_drains && kind <= FaultKind::operator_plans_machines;
}
std::string_view name_of(FaultKind kind);

// Bugs that exist only in the simulator, to prove that the checkers can fail.
enum class Plant : std::uint8_t {
  none,
  amnesia,                // an agent's restart forgets the tasks it launched, and their containers
  early_promise,          // what waits for a write leaves before it is stored
  leak_ledger,            // the master's ledger does not get back what a task held
  swallow_terminal,       // a terminal update is acknowledged and never shown to the framework
  ignore_kill,            // the agent's orders to kill a container are lost
  no_fencing,             // a registry write does not check the epoch
  zombie_leader,          // a master leads on after its session or its lease is over
  epoch_not_checked,      // and agents obey it
  lost_filter,            // what a framework declined is offered again at once
  double_launch,          // an agent starts a launch twice
  early_acknowledgement,  // an update is acknowledged before the framework saw it
  kill_said_once,         // a scheduler does not repeat a kill
  forgotten_drain,        // a new leader does not know what operators want with agents
  gone_forgotten,         // nor which agents are gone
  hasty_scheduler,        // a service scheduler that starts ends what it finds running
  careless_scheduler,     // what ends is not replaced: its end is never heard of
  full_disk_unheard,      // what a disk refused is taken for stored
  torn_tail_believed,     // what a crash left of the batch that was being written is read
  hasty_drain,            // a new leader takes an agent that is drained for one that is empty
  removal_forgotten,      // nor does it know which frameworks were removed
  budget_unheard,         // a master does not hear what frameworks demand of drains
  lost_too_soon,          // one that recovers says LOST of what it does not know yet
  return_unheard,         // an agent that was given up is not heard when it is back (L2)
  question_unheard,       // nor is one question of four (L4)
  wants_halved,           // what frameworks want is heard as half of it (O9)
  old_instance_obeyed,    // a call of an instance that was taken over is acted on
  boot_unnoticed,         // an agent takes its machine for one that was not booted
  leak_unheard,           // and a container whose rest is still there for one that is gone
  lost_kept,              // what was told LOST is not ended when its agent is back (S16)
  time_out_forgotten,     // a new leader gives frameworks that are away no time
  owner_forgotten,        // an agent's restart gives what is reserved there to another
  time_of_day_drawn,      // an agent draws its pauses from the time of day
  acknowledgement_lost,   // an agent's restart forgets what was acknowledged (S10)
  stranger_obeyed,        // a call under another's principal is acted on
  double_share,           // an agent gives containers twice what they were launched with (S1)
  started_twice,          // and starts what runs again, in its container (S13)
  restart_kills,          // a restart of it ends what it finds running
  change_swallowed,       // one Change of many is not published
  run_before_remembered,  // an agent draws its pauses from what the process ran before (S30)
  nobody_follows,         // a master that was started again never leads (L1)
  write_dropped,          // a master is told that a write is stored that was never made (S5)
  freed_at_launch,        // what a task is launched with stays free for offers (S2)
  started_when_killed,    // a start that its kill overtook happens all the same (S9)
  offers_stay,            // no offer ends by itself (L5)
  limits_unheard,         // who shares out knows no limit of any role (O8)
  update_invented,        // who lost what it had stored tells of it what it never made (D2)
  lives_counted_down,     // each life of an agent is older than the last, and refused (D3)
  wrong_one_forgotten,    // and forgets an agent that is there instead of one that is away (O11)
  forgotten_too_soon,     // or one that is away as soon as it looks (O11)
  forgotten_kept,         // an agent that was forgotten ends nothing of what it runs (L2)
};
inline constexpr int kPlants = 51;  // with none
std::string_view name_of(Plant plant);
// What it breaks is seen only where a seed runs twice.
constexpr bool shows_when_run_twice(Plant plant) {
  return plant == Plant::time_of_day_drawn || plant == Plant::run_before_remembered;
}
// A leader that lost its leadership goes on.
constexpr bool plants_zombie(Plant plant) {
  return plant == Plant::zombie_leader || plant == Plant::epoch_not_checked;
}

// How a task behaves once it runs.
struct TaskPlan {
  bool custom = false;    // on its framework's own executor
  bool group = false;     // launched all or none with others
  bool stubborn = false;  // does not end before SIGKILL
  bool forever = false;   // runs until it is killed
  bool out_of_memory = false;
  bool wants_port = false;
  int wait_status = 0;
  Duration run_time;
  Duration ready_at;    // after the start of the run
  Duration kill_after;  // zero: never; counted from its launch
  std::int64_t cpu_milli = 100;
  std::int64_t memory_milli = 16'000;
};

// An app of the service scheduler, as it is defined first.
struct AppPlan {
  std::uint32_t instances = 1;
  TaskPlan task;  // of one instance
};
struct ServicePlan {
  int processes = 0;         // 0: nobody runs one
  bool in_ensemble = false;  // its book; else on the disk of its one process
  std::vector<AppPlan> apps;
};

// What disks do, each in some worlds: of agents, of a master without an ensemble, of a service
// scheduler that keeps its book in a file.
struct DiskPlan {
  bool fill = false;
  bool fail = false;
  bool tear = false;  // the batch that is being written when a process dies
  bool lie = false;   // agents' only: what was told stored is lost when the power fails
};

enum class Ending : std::uint8_t {
  stays,      // to the end of the run
  teardown,   // says TEARDOWN in the middle of the run
  abandoned,  // dies and never comes back
};

struct FrameworkPlan {
  bool partition_aware = false;
  bool killing_state = false;
  bool implicit_acknowledgements = true;
  Ending ending = Ending::stays;
  Duration ends_at;
  Duration failover_timeout;
  std::string role;
  std::string principal;    // empty: nobody in particular
  bool takes_lent = false;  // may lose what it runs on: takes what agents lend first
  std::vector<TaskPlan> tasks;
  bool says_wants = false;        // declares what its waiting tasks need
  std::uint64_t min_running = 0;  // while agents are drained; 0: it demands nothing
};

// A fault at its moment, with a seed of its own for what it draws: one can be left out and the
// others stay as they were.
struct FaultPlan {
  FaultKind kind = FaultKind::link_break;
  Duration at;
  std::uint64_t seed = 0;
};

struct Plan {
  std::uint64_t seed = 0;
  Plant plant = Plant::none;
  bool ensemble = false;  // else one master with a registry of its own
  int masters = 1;
  int agents = 3;
  std::vector<std::string> agent_resources;
  std::vector<bool> lending;  // which agents lend what is not used; empty: none
  std::vector<FrameworkPlan> frameworks;
  ServicePlan service;
  Duration safety;  // how long faults happen

  master::MasterConfig master;
  agent::AgentConfig agent;
  sdk::SchedulerConfig scheduler;
  sdk::ExecutorConfig executor;

  Duration zk_timeout;  // of a master's session
  std::uint32_t zk_shards = 8;
  ZooKeeperPace zk_pace;

  std::int64_t clock_drift_ppm = 0;  // at most
  Duration wall_skew;                // at most
  bool clocks_stay = false;          // no wall clock jumps, though it was drawn

  Duration latency;          // of a link
  Duration jitter;           // zero: all messages take equally long
  bool reorders = false;     // within one link too, as if frames took different ways
  Duration disk_delay;       // of one group commit
  Duration container_delay;  // until a container runs

  // In thousandths, of each occasion.
  int drop = 0;
  int duplicate = 0;
  int agent_write_rejected = 0;
  int master_write_rejected = 0;
  int container_leaks = 0;
  int container_fails = 0;
  std::map<FaultKind, int> weights;
  DiskPlan disks;
  bool forgets_by_clock = false;  // which agents are forgotten, wall clocks decide
  bool operators = false;         // somebody maintains agents and ends things
  std::vector<FaultPlan> faults;

  int task_count() const;
  std::string to_text() const;
};

// What is fixed instead of drawn, for figures: worlds of one size. Zero: drawn.
struct Shape {
  int masters = 0;
  int agents = 0;
  int frameworks = 0;
  Duration simulated;  // the first phase
};

Plan draw_plan(std::uint64_t seed, Plant plant, const Shape& shape = {});

}  // namespace bourse::sim
