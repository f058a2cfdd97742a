#include "sim/promises.hpp"

namespace bourse::sim {

namespace {

constexpr std::array<Promise, kPromises> kList = {{
    {"S1", "what runs on an agent fits on it", "Judge::container_starts"},
    {"S2", "no resource is held twice", "Judge::check_agent_rows"},
    {"S3", "one writer an epoch, epochs grow, one leader acts", "RegistryJudge::acts"},
    {"S4", "no registry write of an epoch that is over", "RegistryJudge::wrote"},
    {"S5", "no registry write is lost, invented or reordered", "RegistryJudge::changed"},
    {"S6", "agents obey no epoch below the highest they saw", "AgentNode::note_epoch"},
    {"S7", "a task ends once", "Judge::told"},
    {"S8", "a task runs in one container ever", "Judge::task_starts"},
    {"S9", "what was killed stays killed", "Judge::task_starts"},
    {"S10", "updates come in order, each until it is acknowledged", "Judge::told_with_uuid"},
    {"S11", "nothing is acknowledged that nobody saw", "Judge::acknowledged_to_agent"},
    {"S12", "each accepted task comes to an end that is told", "World::progress"},
    {"S13", "one start for each accepted launch", "Judge::task_starts"},
    {"S14", "a restart kills nothing", "Judge::container_is_killed"},
    {"S15", "another machine never inherits tasks", "Judge::claims_task",
     "no task of before a boot starts, or is said to run but by what is stored of it"},
    {"S16", "of an agent that returns each task is kept or killed", "World::missing_at_agents",
     "what was told LOST and returns must end; that what is kept is not killed judges S14"},
    {"S17", "an older instance of a framework is refused", "Judge::check_speaker"},
    {"S18", "failover time-outs survive the master", "Judge::removed",
     "nobody is removed early; who is away for too long is gone in the end, whoever leads"},
    {"S19", "quota and reservations hold under faults", "ReservationJudge::check_reserved",
     "guarantees too, by takes_from_guarantees; limits are O8"},
    {"S20", "a volume's data is only deleted when asked", "ReservationJudge::check_volumes"},
    {"S21", "nobody acts beyond their access list", "Judge::check_stranger",
     "the one list there is: who may speak for a framework, by its principal"},
    {"S22", "no end is told of a task that runs", "Judge::told"},
    {"S23", "memory is bounded", "", "needs real processes: tests/process/leak_test.py"},
    {"S24", "nothing leaks on a machine", "", "needs a real machine: tests/process/leak_test.py"},
    {"S25", "stored before promised, and what is stored parses", "Judge::promises_update"},
    {"S26", "no crash", "Campaign::last_words"},
    {"S27", "changes come without a gap", "Judge::master_step"},
    {"S28", "each accepted write is audited", "",
     "there is no audit log; a recording has each event with who asked, and S30 would miss one"},
    {"S29", "wall clocks that jump change no lease", "Campaign::decides_without_jumps",
     "of seeds that run twice: without the jumps each core makes the same steps at the same "
     "times. Who is forgotten by age, wall clocks decide: such worlds are not compared"},
    {"S30", "the same seed gives the same run", "Campaign::run_seed",
     "and what a recorded master was given, played again, gives its state: MasterNode::replay"},
    {"L1", "a leader within the session's time-out and 2 s", "World::check_leader",
     "more where the ensemble that was drawn is slow, or no candidate was there"},
    {"L2", "whoever can be reached is registered in 30 s", "Liveness::look_at_agent",
     "more where a silence, a pause or a session that was drawn is longer"},
    {"L3", "each launch, kill and acknowledgement is done in 60 s", "Liveness::look_at_requests",
     "more where the pauses before repeats are longer, or an agent is given up first"},
    {"L4", "reconciliation converges in one round trip", "FrameworkNode::check_answers",
     "as soon as everybody is back"},
    {"L5", "no offer outlives its lifetime", "Judge::check_lifetimes"},
    {"L6", "a container's rest is gone, or reported and kept", "Judge::rests_are_withheld",
     "gone in 60 s once faults stop; an agent remembers it over restarts"},
    {"L7", "the API answers in time", "", "needs real processes: bench/"},
    {"O1", "what was declined is not offered again too soon", "OfferJudge::offered"},
    {"O2", "what operators want with an agent holds, whoever leads", "OperatorJudge::check_duty"},
    {"O3", "an agent that is gone never comes back", "OperatorJudge::agent_put"},
    {"O4", "nothing runs on a drained agent", "Judge::task_starts"},
    {"O5", "a framework that was removed never comes back", "OperatorJudge::step"},
    {"O6", "a service scheduler ends no instance that is wanted", "ServiceJudge::kills"},
    {"O7", "what runs of an app is what is defined", "ServiceJudge::missing",
     "once faults stop; else the run ends as S12"},
    {"O8", "no offer takes a role over its limit", "QuotaJudge::check"},
    {"O9", "an offer holds something that its framework says it wants", "DemandJudge::step"},
    {"O10", "no drain leaves fewer running than its framework demands", "BudgetJudge::killed"},
    {"O11", "only agents that are away for long are forgotten, and no others give their names up",
     "ForgettingJudge::removed", "how long is how long, or how many, its leader was told to allow"},
    {"D1", "what a disk refused or left open is not promised", "Judge::promises_update",
     "a disk that is full or fails, a batch that was torn: broken, it is called S25"},
    {"D2", "what a disk forgot is noticed, or at least nothing is invented", "Judge::disk_forgot",
     "a disk that lied: of what ran there only that updates are its agent's and tasks end. Only "
     "agents' disks lie: nobody could tell what a registry in one file forgot. What is left then "
     "show real masters: tests/process/registry_test.py"},
    {"D3", "no agent stops again and again", "AgentNode::stop"},
}};

}  // namespace

const std::array<Promise, kPromises>& promises() {
  return kList;
}

}  // namespace bourse::sim
