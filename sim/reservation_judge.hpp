// ReservationJudge: what frameworks made of the disks of agents and were told of stays as it was
// made until they want it gone: a volume is there (S20), and it and what is reserved keep their
// role, principal and labels (S19). Owned by the Judge; one thread.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "model/ids.hpp"
#include "model/resources.hpp"

namespace bourse::sim {

class Judge;

class ReservationJudge {
 public:
  explicit ReservationJudge(Judge& judge) : judge_(judge) {}

  void volume_made(const AgentId& agent, const Resource& volume);
  void volume_may_go(const std::string& id);
  void reserved(const AgentId& agent, const Resource& resource);
  void may_be_unreserved(const AgentId& agent, const Resource& resource);
  // Its disk had lied: what is told later may have been forgotten meanwhile.
  void forgot(const AgentId& agent);
  // What is its own it keeps under its new name.
  void renamed(const AgentId& from, const AgentId& to);
  void check(const AgentId& agent, const Resources& total);

 private:
  using Owner = std::pair<std::string, std::vector<Reservation>>;  // of what, for whom

  void check_volumes(const AgentId& agent, const Resources& total);
  void check_reserved(const AgentId& agent, const Resources& total);

  Judge& judge_;
  std::map<AgentId, std::map<std::string, Resource>> volumes_;  // by their id
  std::set<std::string> volumes_may_go_;
  // What was told of less what was given back, which may come in either order.
  std::map<AgentId, std::map<Owner, std::int64_t>> reserved_;
  std::set<AgentId> forgetful_;
};

}  // namespace bourse::sim
