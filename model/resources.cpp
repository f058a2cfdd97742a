#include "model/resources.hpp"

#include <algorithm>
#include <limits>

#include "base/assert.hpp"

namespace bourse {

namespace {

std::int64_t saturating(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return b > 0 ? std::numeric_limits<std::int64_t>::max()
               : std::numeric_limits<std::int64_t>::min();
}

std::weak_ordering compare_meta(const std::shared_ptr<const ResourceMeta>& a,
                                const std::shared_ptr<const ResourceMeta>& b) {
  if (a == b) return std::weak_ordering::equivalent;
  if (!a) return std::weak_ordering::less;
  if (!b) return std::weak_ordering::greater;
  return *a <=> *b;
}

bool key_less(const Resource& a, const Resource& b) {
  if (const int order = a.name.compare(b.name); order != 0) return order < 0;
  return compare_meta(a.meta, b.meta) < 0;
}

bool same_key(const Resource& a, const Resource& b) {
  return a.name == b.name && a.kind == b.kind &&
         compare_meta(a.meta, b.meta) == std::weak_ordering::equivalent;
}

bool same_amount(const Resource& a, const Resource& b) {
  return a.scalar_milli == b.scalar_milli && a.ranges == b.ranges && a.items == b.items;
}

bool covers(const Resource& have, const Resource& want) {
  if (want.is_shared()) return same_amount(have, want) && have.copies >= want.copies;
  switch (want.kind) {
    case Resource::Kind::scalar:
      return have.scalar_milli >= want.scalar_milli;
    case Resource::Kind::ranges:
      return have.ranges.contains(want.ranges);
    case Resource::Kind::set:
      return std::includes(have.items.begin(), have.items.end(), want.items.begin(),
                           want.items.end());
  }
  return false;
}

void take(Resource& from, const Resource& amount) {
  if (amount.is_shared()) {
    from.copies -= amount.copies;
    return;
  }
  switch (amount.kind) {
    case Resource::Kind::scalar:
      from.scalar_milli -= amount.scalar_milli;
      return;
    case Resource::Kind::ranges:
      from.ranges.subtract(amount.ranges);
      return;
    case Resource::Kind::set:
      std::erase_if(from.items, [&](const std::string& item) {
        return std::binary_search(amount.items.begin(), amount.items.end(), item);
      });
      return;
  }
}

// What of `want` is not in `have` (both of one key).
Resource missing_part(const Resource& have, const Resource& want) {
  Resource missing = want;
  if (want.is_shared()) {
    missing.copies = std::max(0, want.copies - have.copies);
    return missing;
  }
  missing.scalar_milli = std::max<std::int64_t>(0, want.scalar_milli - have.scalar_milli);
  missing.ranges.subtract(have.ranges);
  std::erase_if(missing.items, [&](const std::string& item) {
    return std::binary_search(have.items.begin(), have.items.end(), item);
  });
  return missing;
}

}  // namespace

Resource Resource::scalar(std::string name, std::int64_t milli) {
  Resource out;
  out.name = std::move(name);
  out.scalar_milli = milli;
  return out;
}

Resource Resource::of_ranges(std::string name, IntervalSet ranges) {
  Resource out;
  out.name = std::move(name);
  out.kind = Kind::ranges;
  out.ranges = std::move(ranges);
  return out;
}

Resource Resource::of_set(std::string name, std::vector<std::string> items) {
  Resource out;
  out.name = std::move(name);
  out.kind = Kind::set;
  std::sort(items.begin(), items.end());
  items.erase(std::unique(items.begin(), items.end()), items.end());
  out.items = std::move(items);
  return out;
}

Resource Resource::with(ResourceMeta new_meta) const {
  Resource out = *this;
  if (new_meta == ResourceMeta{}) {
    out.meta = nullptr;
  } else {
    out.meta = std::make_shared<const ResourceMeta>(std::move(new_meta));
  }
  return out;
}

bool Resource::empty() const {
  if (is_shared() && copies <= 0) return true;
  switch (kind) {
    case Kind::scalar:
      return scalar_milli <= 0;
    case Kind::ranges:
      return ranges.empty();
    case Kind::set:
      return items.empty();
  }
  return true;
}

std::string_view Resource::role() const {
  return is_reserved() ? std::string_view(meta->reservations.back().role) : std::string_view("*");
}

bool Resource::operator==(const Resource& other) const {
  return same_key(*this, other) && same_amount(*this, other) && copies == other.copies;
}

bool role_may_use(std::string_view role, std::string_view reserved) {
  if (reserved == "*" || role == reserved) return true;
  return role.size() > reserved.size() && role.substr(0, reserved.size()) == reserved &&
         role[reserved.size()] == '/';
}

Resources::Resources(const std::vector<Resource>& list) {
  for (const Resource& resource : list) add(resource);
}

std::vector<Resource>::iterator Resources::find(const Resource& like) {
  auto it = std::lower_bound(list_.begin(), list_.end(), like, key_less);
  for (; it != list_.end() && it->name == like.name; ++it) {
    if (same_key(*it, like)) return it;
    if (key_less(like, *it)) break;
  }
  return list_.end();
}

std::vector<Resource>::const_iterator Resources::find(const Resource& like) const {
  return const_cast<Resources*>(this)->find(like);
}

void Resources::add(const Resource& resource) {
  if (resource.empty()) return;
  // Shared things are one thing in several copies: equal amounts only ever meet themselves.
  const auto it = find(resource);
  if (it == list_.end()) {
    list_.insert(std::upper_bound(list_.begin(), list_.end(), resource, key_less), resource);
    return;
  }
  if (resource.is_shared()) {
    it->copies += resource.copies;
    return;
  }
  it->scalar_milli = saturating(it->scalar_milli, resource.scalar_milli);
  it->ranges.add(resource.ranges);
  for (const std::string& item : resource.items) {
    const auto at = std::lower_bound(it->items.begin(), it->items.end(), item);
    if (at == it->items.end() || *at != item) it->items.insert(at, item);
  }
}

void Resources::add(const Resources& other) {
  if (list_.empty()) {
    list_ = other.list_;
    return;
  }
  if (&other == this) {
    const Resources copy = other;
    add(copy);
    return;
  }
  for (const Resource& resource : other.list_) add(resource);
}

bool Resources::contains(const Resource& resource) const {
  if (resource.empty()) return true;
  const auto it = find(resource);
  return it != list_.end() && covers(*it, resource);
}

bool Resources::contains(const Resources& other) const {
  return std::all_of(other.list_.begin(), other.list_.end(),
                     [this](const Resource& resource) { return contains(resource); });
}

void Resources::subtract(const Resources& other) {
  const Resources missing = subtract_up_to(other);
  ASSERT(missing.empty());
}

Resources Resources::subtract_up_to(const Resources& other) {
  Resources missing;
  if (&other == this) {
    list_.clear();
    return missing;
  }
  for (const Resource& resource : other.list_) {
    const auto it = find(resource);
    if (it == list_.end()) {
      missing.add(resource);
      continue;
    }
    if (covers(*it, resource)) {
      take(*it, resource);
    } else {
      const Resource lacking = missing_part(*it, resource);
      missing.add(lacking);
      Resource present = resource;
      if (resource.is_shared()) {
        present.copies -= lacking.copies;
      } else {
        take(present, lacking);
      }
      take(*it, present);
    }
    if (it->empty()) list_.erase(it);
  }
  return missing;
}

std::int64_t Resources::scalar_milli(std::string_view name) const {
  std::int64_t total = 0;
  for (const Resource& resource : list_) {
    if (resource.name == name && resource.kind == Resource::Kind::scalar) {
      total = saturating(total, resource.scalar_milli);
    }
  }
  return total;
}

IntervalSet Resources::ranges(std::string_view name) const {
  IntervalSet out;
  for (const Resource& resource : list_) {
    if (resource.name == name && resource.kind == Resource::Kind::ranges) out.add(resource.ranges);
  }
  return out;
}

template <typename Keep>
Resources Resources::filtered(Keep keep) const {
  Resources out;
  std::copy_if(list_.begin(), list_.end(), std::back_inserter(out.list_), keep);
  return out;
}

Resources Resources::unreserved() const {
  return filtered([](const Resource& r) { return !r.is_reserved(); });
}
Resources Resources::usable_by(std::string_view role) const {
  return filtered([&](const Resource& r) { return role_may_use(role, r.role()); });
}
Resources Resources::revocable() const {
  return filtered([](const Resource& r) { return r.is_revocable(); });
}
Resources Resources::non_revocable() const {
  return filtered([](const Resource& r) { return !r.is_revocable(); });
}
Resources Resources::shared() const {
  return filtered([](const Resource& r) { return r.is_shared(); });
}
Resources Resources::non_shared() const {
  return filtered([](const Resource& r) { return !r.is_shared(); });
}

void Resources::fingerprint(Fingerprint& fp) const {
  fp.add(static_cast<std::uint64_t>(list_.size()));
  for (const Resource& resource : list_) {
    fp.add(resource.name);
    fp.add(static_cast<std::uint32_t>(resource.kind));
    fp.add(resource.scalar_milli);
    for (const Interval& range : resource.ranges.ranges()) {
      fp.add(range.begin);
      fp.add(range.end);
    }
    for (const std::string& item : resource.items) fp.add(item);
    fp.add(resource.copies);
    fp.add(resource.role());
    if (!resource.meta) continue;
    fp.add(static_cast<std::uint64_t>(resource.meta->reservations.size()));
    fp.add(resource.meta->revocable);
    fp.add(resource.meta->shared);
    fp.add(resource.meta->provider_id);
    if (resource.meta->disk) fp.add(resource.meta->disk->persistence_id);
  }
}

}  // namespace bourse
