#include "sim/reservation_judge.hpp"

#include "model/resource_operation.hpp"
#include "sim/judge.hpp"

namespace bourse::sim {

namespace {

const std::string& id_of(const Resource& volume) {
  return volume.meta->disk->persistence_id;
}

}  // namespace

void ReservationJudge::volume_made(const AgentId& agent, const Resource& volume) {
  if (forgetful_.contains(agent) || volumes_may_go_.contains(id_of(volume))) return;
  volumes_[agent].emplace(id_of(volume), volume);
}

void ReservationJudge::volume_may_go(const std::string& id) {
  volumes_may_go_.insert(id);
  for (auto& [agent, volumes] : volumes_) volumes.erase(id);
}

void ReservationJudge::reserved(const AgentId& agent, const Resource& resource) {
  if (forgetful_.contains(agent)) return;
  reserved_[agent][{resource.name, resource.meta->reservations}] += resource.scalar_milli;
}

void ReservationJudge::may_be_unreserved(const AgentId& agent, const Resource& resource) {
  if (forgetful_.contains(agent)) return;
  reserved_[agent][{resource.name, resource.meta->reservations}] -= resource.scalar_milli;
}

void ReservationJudge::forgot(const AgentId& agent) {
  forgetful_.insert(agent);
  volumes_.erase(agent);
  reserved_.erase(agent);
}

void ReservationJudge::renamed(const AgentId& from, const AgentId& to) {
  if (forgetful_.contains(from)) forgetful_.insert(to);
  if (auto volumes = volumes_.extract(from)) volumes_[to] = std::move(volumes.mapped());
  if (auto reserved = reserved_.extract(from)) reserved_[to] = std::move(reserved.mapped());
}

void ReservationJudge::check(const AgentId& agent, const Resources& total) {
  check_volumes(agent, total);
  check_reserved(agent, total);
}

void ReservationJudge::check_volumes(const AgentId& agent, const Resources& total) {
  const auto it = volumes_.find(agent);
  if (it == volumes_.end()) return;
  std::map<std::string, const Resource*> there;
  for (const Resource& resource : total.list()) {
    if (is_volume(resource)) there.emplace(id_of(resource), &resource);
  }
  for (const auto& [id, made] : it->second) {
    const auto found = there.find(id);
    if (found == there.end()) {
      judge_.violate("S20", "volume " + id + " was made on " + agent.raw() +
                                ", nobody destroyed it, and it is not there");
    } else if (!(*found->second == made)) {
      judge_.violate("S19", "volume " + id + " on " + agent.raw() + " is " +
                                Resources({*found->second}).to_text() + " and was made as " +
                                Resources({made}).to_text());
    }
  }
}

void ReservationJudge::check_reserved(const AgentId& agent, const Resources& total) {
  const auto it = reserved_.find(agent);
  if (it == reserved_.end()) return;
  for (const auto& [owner, told] : it->second) {
    std::int64_t there = 0;
    for (const Resource& resource : total.list()) {
      if (resource.name != owner.first || !resource.is_reserved()) continue;
      if (resource.meta->reservations == owner.second) there += resource.scalar_milli;
    }
    if (there >= told) continue;
    judge_.violate("S19", agent.raw() + " has reserved " + milli_text(there) + " of " +
                              owner.first + " for " + owner.second.back().role +
                              ", which was told of " + milli_text(told));
  }
}

}  // namespace bourse::sim
