#include "sim/operation_work.hpp"

#include "model/resource_operation.hpp"
#include "sim/judge.hpp"

namespace bourse::sim {

namespace {

using Type = ResourceOperation::Type;

constexpr std::int64_t kPieceMilli = 40'000;
constexpr std::int64_t kVolumeMilli = 20'000;
constexpr std::int64_t kMostReservedMilli = 400'000;

Resource reserved_disk(const std::string& role, std::int64_t milli) {
  ResourceMeta meta;
  meta.reservations.push_back({Reservation::Type::dynamically, role, "", {}});
  return Resource::scalar("disk", milli).with(std::move(meta));
}

Resource volume_of(const std::string& role, const std::string& id) {
  Resource disk = reserved_disk(role, kVolumeMilli);
  ResourceMeta meta = *disk.meta;
  meta.disk.emplace().persistence_id = id;
  meta.disk->volume_path = "data";
  return disk.with(std::move(meta));
}

}  // namespace

OperationWork::OperationWork(std::uint64_t seed, int framework, std::string role)
    : rng_(seed * 0x9e3779b97f4a7c15ULL + static_cast<std::uint64_t>(framework) + 77),
      prefix_("f" + std::to_string(framework)),
      role_(std::move(role)) {
  on_ = role_ != "*" && rng_.chance(1, 3);
}

void OperationWork::add(Type type, Resource resource, const OfferFacet& offer, Resources& left,
                        std::vector<OfferOperation>& out) {
  ResourceOperation operation;
  operation.type = type;
  const std::string volume =
      is_volume(resource) ? resource.meta->disk->persistence_id : std::string();
  operation.resources.add(resource);
  const auto conversion = conversion_of(operation);
  if (!conversion.ok() || !convert(left, conversion.value()).ok()) return;
  OperationId id;
  if (type == Type::create || rng_.chance(2, 3)) {
    id = OperationId(prefix_ + "-o" + std::to_string(++named_));
    asked_[id] = {offer.agent->id, type == Type::create ? volume : std::string()};
  }
  out.push_back({id, std::move(operation)});
}

std::vector<OfferOperation> OperationWork::draw(const OfferFacet& offer, Resources& left,
                                                Resources& made, Judge& judge) {
  std::vector<OfferOperation> out;
  if (!on_ || !rng_.chance(1, 3)) return out;
  const Resources had = left;
  std::int64_t reserved = 0;
  for (const Resource& resource : had.list()) {
    if (resource.role() != role_ || resource.name != "disk") continue;
    reserved += resource.scalar_milli;
    if (is_volume(resource)) {
      if (!rng_.chance(1, 4)) continue;
      judge.volume_may_go(resource.meta->disk->persistence_id);
      add(Type::destroy, resource, offer, left, out);
    } else if (rng_.chance(1, 4)) {
      add(Type::unreserve, reserved_disk(role_, resource.scalar_milli), offer, left, out);
    }
  }
  if (reserved < kMostReservedMilli && rng_.chance(2, 3)) {
    add(Type::reserve, reserved_disk(role_, kPieceMilli), offer, left, out);
  }
  if (rng_.chance(1, 2)) {
    const Resource volume = volume_of(role_, prefix_ + "-v" + std::to_string(++named_));
    add(Type::create, volume, offer, left, out);
    const Resources one({volume});
    if (left.contains(one) && rng_.chance(1, 2)) made = one;
  }
  return out;
}

void OperationWork::heard(const OperationStatus& status, Judge& judge) {
  const auto it = asked_.find(status.id);
  if (it == asked_.end()) return;
  if (status.state == OperationState::finished && status.uuid && !it->second.volume.empty()) {
    judge.volume_made(it->second.agent, it->second.volume);
    it->second.volume.clear();
  }
}

}  // namespace bourse::sim
