#include "framework-sdk/link/offer_pool.hpp"

#include <algorithm>

#include "framework-sdk/link/task_form.hpp"

namespace bourse::sdk {

namespace {

using ModelResource = bourse::Resource;

constexpr std::int64_t kMilliPerMb = 1000;

// Part of an offer that a plain amount may be taken of, reserved or not.
bool is_plain(const ModelResource& resource, bool reserved) {
  return resource.is_reserved() == reserved && !is_volume(resource) && !resource.is_revocable() &&
         !resource.is_shared() && !(resource.meta && resource.meta->disk);
}

// As much of `wanted` as `from` has, which is taken off `wanted`.
ModelResource part_of(const ModelResource& from, ModelResource& wanted) {
  ModelResource out = from;
  if (from.kind == ModelResource::Kind::scalar) {
    out.scalar_milli = std::min(from.scalar_milli, wanted.scalar_milli);
    wanted.scalar_milli -= out.scalar_milli;
  } else {
    IntervalSet rest = wanted.ranges;
    rest.subtract(from.ranges);
    out.ranges = wanted.ranges;
    out.ranges.subtract(rest);
    wanted.ranges = std::move(rest);
  }
  return out;
}

// A kind of its own beside what lasts.
bool is_lent(const ModelResource& resource) {
  return resource.is_revocable() && !is_volume(resource) && !resource.is_shared();
}

std::vector<Label> labels_of(const std::map<std::string, std::string>& labels) {
  std::vector<Label> out;
  for (const auto& [key, value] : labels) out.push_back({key, value});
  return out;
}

bool has_labels(const Reservation& reservation, const std::map<std::string, std::string>& labels) {
  std::vector<Label> own = reservation.labels;
  std::sort(own.begin(), own.end());
  return own == labels_of(labels);
}

bool is_divisible(const ModelResource& resource) {
  return resource.kind != ModelResource::Kind::set;
}

}  // namespace

void OfferPool::add(const bourse::Resources& offered) {
  left_.add(offered);
  for (const ModelResource& resource : offered.list()) {
    if (is_lent(resource)) lent_[resource.name] = resource.meta;
  }
}

bourse::Resources OfferPool::take(const bourse::Resources& amounts, bool lent) {
  bourse::Resources out;
  for (ModelResource wanted : amounts.list()) {
    if (lent && lent_.contains(wanted.name)) {
      out.add(take_lent(wanted));
      continue;
    }
    for (const bool reserved : {true, false}) {
      for (const ModelResource& have : left_.list()) {
        const bool fits = have.name == wanted.name && have.kind == wanted.kind &&
                          is_divisible(have) && is_plain(have, reserved);
        if (fits) out.add(part_of(have, wanted));
      }
    }
    out.add(wanted);
  }
  left_.subtract_up_to(out);
  return out;
}

// All of it: of one name a task and its executor have lent resources or their own, never both.
bourse::Resources OfferPool::take_lent(ModelResource wanted) const {
  bourse::Resources out;
  for (const ModelResource& have : left_.list()) {
    const bool fits =
        have.name == wanted.name && have.kind == wanted.kind && is_divisible(have) && is_lent(have);
    if (fits) out.add(part_of(have, wanted));
  }
  if (!wanted.empty()) out.add(wanted.with(*lent_.at(wanted.name)));
  return out;
}

Result<bourse::Resources> OfferPool::take(const Volume& volume) {
  const auto found = find(volume);
  if (!found.ok()) return found.error();
  bourse::Resources out;
  out.add(found.value());
  if (!found->is_shared()) left_.subtract_up_to(out);
  return out;
}

Result<bourse::Resource> OfferPool::find(const Volume& volume) const {
  for (const ModelResource& have : left_.list()) {
    if (!is_volume(have) || have.meta->disk->persistence_id != volume.id) continue;
    if (!volume.role.empty() && have.role() != volume.role) continue;
    ModelResource one = have;
    one.copies = 1;
    return one;
  }
  return Error{ErrorCode::not_found, "volume.id: the offers hold no volume '" + volume.id + "'"};
}

Result<bourse::Resources> OfferPool::reserved_amounts(const Operation& operation) const {
  bourse::Resources out;
  const bourse::Resources amounts = model_resources(operation.resources);
  for (ModelResource wanted : amounts.list()) {
    const std::string name = wanted.name;
    for (const ModelResource& have : left_.list()) {
      const bool fits = have.name == wanted.name && have.kind == wanted.kind &&
                        is_divisible(have) && is_plain(have, true);
      if (!fits || have.meta->reservations.back().type != Reservation::Type::dynamically) continue;
      const auto& labels = operation.of_labels;
      if (labels && !has_labels(have.meta->reservations.back(), *labels)) continue;
      out.add(part_of(have, wanted));
    }
    if (!wanted.empty()) {
      return Error{ErrorCode::not_found, "resources: less '" + name +
                                             "' of the offers is reserved by an operation" +
                                             (operation.of_labels ? " with those labels" : "")};
    }
  }
  return out;
}

Result<ResourceOperation> OfferPool::reserved_again(const Operation& operation) const {
  auto source = reserved_amounts(operation);
  if (!source.ok()) return source.error();
  ResourceOperation out;
  out.type = ResourceOperation::Type::reserve;
  for (const ModelResource& reserved : source->list()) {
    ResourceMeta meta = *reserved.meta;
    meta.reservations.back() = {Reservation::Type::dynamically, role_, principal_,
                                labels_of(operation.labels)};
    out.resources.add(reserved.with(std::move(meta)));
  }
  out.extra = std::move(source).value();
  return out;
}

Result<bourse::Resource> OfferPool::made(const Volume& volume) const {
  const std::string& role = volume.role.empty() ? role_ : volume.role;
  for (const ModelResource& have : left_.list()) {
    if (have.name != "disk" || !is_plain(have, true) || have.role() != role) continue;
    ResourceMeta meta = *have.meta;
    meta.disk = Disk{volume.id, principal_, volume.path, volume.read_only, std::nullopt};
    meta.shared = volume.shared;
    return ModelResource::scalar("disk", volume.size_mb * kMilliPerMb).with(std::move(meta));
  }
  return Error{ErrorCode::not_found, "volume.role: no disk of the offers is reserved for role '" +
                                         role + "': reserve some before"};
}

Result<ResourceOperation> OfferPool::form(const Operation& operation) const {
  using Kind = Operation::Kind;
  using Type = ResourceOperation::Type;
  ResourceOperation out;
  switch (operation.kind) {
    case Kind::reserve: {
      out.type = Type::reserve;
      ResourceMeta meta;
      meta.reservations.push_back(
          {Reservation::Type::dynamically, role_, principal_, labels_of(operation.labels)});
      const bourse::Resources amounts = model_resources(operation.resources);
      for (const ModelResource& plain : amounts.list()) {
        out.resources.add(plain.with(meta));
      }
      return out;
    }
    case Kind::unreserve: {
      out.type = Type::unreserve;
      auto reserved = reserved_amounts(operation);
      if (!reserved.ok()) return reserved.error();
      out.resources = std::move(reserved).value();
      return out;
    }
    case Kind::reserve_again:
      return reserved_again(operation);
    case Kind::create: {
      out.type = Type::create;
      auto volume = made(operation.volume);
      if (!volume.ok()) return volume.error();
      out.resources.add(volume.value());
      return out;
    }
    case Kind::destroy:
    case Kind::grow:
    case Kind::shrink:
      break;
  }
  auto volume = find(operation.volume);
  if (!volume.ok()) return volume.error();
  out.type = operation.kind == Kind::destroy ? Type::destroy
             : operation.kind == Kind::grow  ? Type::grow_volume
                                             : Type::shrink_volume;
  out.resources.add(volume.value());
  if (operation.kind == Kind::shrink) out.subtract_milli = operation.by_mb * kMilliPerMb;
  if (operation.kind == Kind::grow) {
    ResourceMeta meta = *volume->meta;
    meta.disk.reset();
    meta.shared = false;
    out.extra.add(
        ModelResource::scalar("disk", operation.by_mb * kMilliPerMb).with(std::move(meta)));
  }
  return out;
}

Result<ResourceOperation> OfferPool::apply(const Operation& operation) {
  auto formed = form(operation);
  if (!formed.ok()) return formed.error();
  const auto conversion = conversion_of(formed.value());
  if (!conversion.ok()) return conversion.error();
  if (const Status fits = convert(left_, conversion.value()); !fits.ok()) return fits.error();
  return formed;
}

}  // namespace bourse::sdk
