#include "sim/promises.hpp"

namespace bourse::sim {

const std::array<Promise, kPromises>& promises() {
  static constexpr std::array<Promise, kPromises> kList = {{
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
      {"S15", "another machine never inherits tasks", "Host::reboot",
       "a reboot ends what ran, and what is told of it is judged by S7 and S22"},
      {"S16", "of an agent that returns each task is kept or killed", "World::missing",
       "what was told LOST and returns must end"},
      {"S17", "an older instance of a framework is refused", "Judge::check_speaker"},
      {"S18", "failover time-outs survive the master", "World::missing_at_master",
       "an abandoned framework must be gone in the end"},
      {"S19", "quota and reservations hold under faults", "",
       "frameworks here reserve nothing and nobody sets a quota"},
      {"S20", "a volume's data is only deleted when asked", "Judge::check_volumes"},
      {"S21", "nobody acts beyond their access list", "", "there are no access lists yet"},
      {"S22", "no end is told of a task that runs", "Judge::told"},
      {"S23", "memory is bounded", "", "needs real processes: tests/process/leak_test.py"},
      {"S24", "nothing leaks on a machine", "", "needs a real machine: tests/process/leak_test.py"},
      {"S25", "stored before promised, and what is stored parses", "Judge::promises_update"},
      {"S26", "no crash", "Campaign::last_words"},
      {"S27", "changes come without a gap", "Judge::master_step"},
      {"S28", "each accepted write is audited", "", "there is no audit log yet"},
      {"S29", "wall clocks that jump change no lease", "World::strike",
       "wall clocks jump by up to a day in every other world"},
      {"S30", "the same seed gives the same run", "Campaign::run_seed",
       "and what a recorded master was given, played again, gives its state: MasterNode::replay"},
      {"L1", "a leader within the session's time-out and 2 s", "World::check_leader",
       "after healing, beside the pauses that candidates make"},
      {"L2", "all agents are registered soon after healing", "World::missing_at_master"},
      {"L3", "each launch, kill and acknowledgement gets done", "World::missing"},
      {"L4", "reconciliation converges", "World::missing",
       "frameworks ask for what they miss, and must hear"},
      {"L5", "no offer outlives its lifetime", "Judge::check_master"},
      {"L6", "a container's rest is gone or reported", "World::missing"},
      {"L7", "the API answers in time", "", "needs real processes: bench/"},
      {"O1", "what was declined is not offered again too soon", "OfferJudge::offered"},
  }};
  return kList;
}

}  // namespace bourse::sim
