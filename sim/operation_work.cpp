#include "sim/operation_work.hpp"

#include "model/resource_operation.hpp"
#include "sim/judge.hpp"

namespace bourse::sim {

namespace {

using Type = ResourceOperation::Type;

constexpr std::int64_t kPieceMilli = 40'000;
constexpr std::int64_t kVolumeMilli = 20'000;
constexpr std::int64_t kMostReservedMilli = 400'000;

}  // namespace

Resource OperationWork::reserved_disk(std::int64_t milli) const {
  ResourceMeta meta;
  meta.reservations.push_back({Reservation::Type::dynamically, role_, principal_, labels_});
  return Resource::scalar("disk", milli).with(std::move(meta));
}

Resource OperationWork::volume_of(const std::string& id) const {
  Resource disk = reserved_disk(kVolumeMilli);
  ResourceMeta meta = *disk.meta;
  meta.disk.emplace().persistence_id = id;
  meta.disk->persistence_principal = principal_;
  meta.disk->volume_path = "data";
  return disk.with(std::move(meta));
}

OperationWork::OperationWork(std::uint64_t seed, int framework, std::string role,
                             std::string principal)
    : rng_(seed * 0x9e3779b97f4a7c15ULL + static_cast<std::uint64_t>(framework) + 77),
      prefix_("f" + std::to_string(framework)),
      role_(std::move(role)),
      principal_(std::move(principal)) {
  on_ = role_ != "*" && rng_.chance(1, 3);
  // Of a seed of its own: who has none is what it would be without.
  Prng labels(seed ^ (0x1abe15ULL + static_cast<std::uint64_t>(framework)));
  if (labels.chance(1, 2)) labels_ = {{"of", prefix_}};
}

bool OperationWork::add(Type type, Resource resource, const OfferFacet& offer, Resources& left,
                        std::vector<OfferOperation>& out) {
  ResourceOperation operation;
  operation.type = type;
  operation.resources.add(resource);
  const auto conversion = conversion_of(operation);
  if (!conversion.ok() || !convert(left, conversion.value()).ok()) return false;
  OperationId id;
  if (type == Type::create || rng_.chance(2, 3)) {
    id = OperationId(prefix_ + "-o" + std::to_string(++named_));
    asked_[id] = {offer.agent->id, type, std::move(resource)};
  }
  out.push_back({id, std::move(operation)});
  return true;
}

std::vector<OfferOperation> OperationWork::draw(const OfferFacet& offer, Resources& left,
                                                Resources& made, Judge& judge) {
  std::vector<OfferOperation> out;
  if (!on_ || !rng_.chance(1, 3)) return out;
  const Resources had = left;
  std::int64_t reserved = 0;
  for (const Resource& resource : had.list()) {
    if (resource.role() != role_ || resource.name != "disk") continue;
    // Another framework's of this role.
    if (resource.meta->reservations.back().labels != labels_) continue;
    reserved += resource.scalar_milli;
    if (is_volume(resource)) {
      if (!rng_.chance(1, 4)) continue;
      judge.reservations().volume_may_go(resource.meta->disk->persistence_id);
      add(Type::destroy, resource, offer, left, out);
    } else if (rng_.chance(1, 4)) {
      const Resource disk = reserved_disk(resource.scalar_milli);
      const bool asked = add(Type::unreserve, disk, offer, left, out);
      if (asked) judge.reservations().may_be_unreserved(offer.agent->id, disk);
    }
  }
  if (reserved < kMostReservedMilli && rng_.chance(2, 3)) {
    add(Type::reserve, reserved_disk(kPieceMilli), offer, left, out);
  }
  if (rng_.chance(1, 2)) {
    const Resource volume = volume_of(prefix_ + "-v" + std::to_string(++named_));
    add(Type::create, volume, offer, left, out);
    const Resources one({volume});
    if (left.contains(one) && rng_.chance(1, 2)) made = one;
  }
  return out;
}

void OperationWork::heard(const OperationStatus& status, Judge& judge) {
  const auto it = asked_.find(status.id);
  if (it == asked_.end()) return;
  Asked& asked = it->second;
  if (status.state != OperationState::finished || !status.uuid || asked.done) return;
  asked.done = true;
  if (asked.type == Type::create) judge.reservations().volume_made(asked.agent, asked.resource);
  if (asked.type == Type::reserve) judge.reservations().reserved(asked.agent, asked.resource);
}

}  // namespace bourse::sim
