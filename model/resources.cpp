#include "model/resources.hpp"

#include <algorithm>
#include <array>
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

std::weak_ordering compare_key(const Resource& a, const Resource& b) {
  if (const int order = a.name.compare(b.name); order != 0) return order <=> 0;
  if (const auto order = compare_meta(a.meta, b.meta); order != 0) return order;
  return a.kind <=> b.kind;
}

bool key_less(const Resource& a, const Resource& b) {
  return compare_key(a, b) < 0;
}

bool same_key(const Resource& a, const Resource& b) {
  if (a.name != b.name || a.kind != b.kind) return false;
  return compare_meta(a.meta, b.meta) == 0;
}

bool same_amount(const Resource& a, const Resource& b) {
  return a.scalar_milli == b.scalar_milli && a.ranges == b.ranges && a.items == b.items;
}

// A volume and a mounted disk are used whole or not at all.
bool is_indivisible(const Resource& resource) {
  if (!resource.meta || !resource.meta->disk) return false;
  const Disk& disk = *resource.meta->disk;
  return !disk.persistence_id.empty() ||
         (disk.source && disk.source->type == DiskSource::Type::mount);
}

bool covers(const Resource& have, const Resource& want) {
  if (is_indivisible(want) && !same_amount(have, want)) return false;
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

bool is_whole(const Resource& have, const Resource& want) {
  return same_amount(have, want) && have.copies == want.copies;
}

// What of `want` is not in `have` (both of one key).
Resource missing_part(const Resource& have, const Resource& want) {
  Resource missing = want;
  if (want.is_shared()) {
    missing.copies = std::max(0, want.copies - have.copies);
    return missing;
  }
  if (is_indivisible(want)) return missing;
  missing.scalar_milli = std::max<std::int64_t>(0, want.scalar_milli - have.scalar_milli);
  missing.ranges.subtract(have.ranges);
  std::erase_if(missing.items, [&](const std::string& item) {
    return std::binary_search(have.items.begin(), have.items.end(), item);
  });
  return missing;
}

// Takes from `have` what is there of `want` (both of one key) and says what was not.
void take_up_to(Resource& have, const Resource& want, Resources& missing) {
  if (covers(have, want)) {
    take(have, want);
    return;
  }
  const Resource lacking = missing_part(have, want);
  missing.add(lacking);
  Resource present = want;
  if (want.is_shared()) {
    present.copies -= lacking.copies;
  } else {
    take(present, lacking);
  }
  take(have, present);
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

const Resource* Resources::find(const Resource& like) const {
  const auto& list = body_->list;
  const auto it = std::lower_bound(list.begin(), list.end(), like, key_less);
  return it != list.end() && same_key(*it, like) ? &*it : nullptr;
}

std::vector<Resource>& Resources::edit() {
  Body& body = body_.edit();
  body.wire_form.forget();
  return body.list;
}

void Resources::add(const Resource& resource) {
  if (resource.empty()) return;
  auto& list = edit();
  const auto it = std::lower_bound(list.begin(), list.end(), resource, key_less);
  if (it == list.end() || !same_key(*it, resource)) {
    list.insert(it, resource);
    return;
  }
  // Shared things are one thing in several copies: equal amounts only ever meet themselves.
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
  if (empty()) {
    body_ = other.body_;
    return;
  }
  const Resources kept = other;  // it may be this
  for (const Resource& resource : kept.list()) add(resource);
}

bool Resources::contains(const Resource& resource) const {
  if (resource.empty()) return true;
  const Resource* here = find(resource);
  return here != nullptr && covers(*here, resource);
}

bool Resources::contains(const Resources& other) const {
  if (same_as(other)) return true;
  return std::all_of(other.list().begin(), other.list().end(),
                     [this](const Resource& resource) { return contains(resource); });
}

// All lists in step.
bool Resources::contains_apart(const std::vector<Resources>& parts) const {
  constexpr std::size_t kMostParts = 8;
  if (parts.size() == 1 && same_as(parts.front())) return true;
  if (parts.size() > kMostParts) return false;
  std::array<std::size_t, kMostParts> next{};
  for (const Resource& have : list()) {
    bool taken = false;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const auto& part = parts[i].list();
      if (next[i] == part.size() || !same_key(have, part[next[i]])) continue;
      if (taken || !covers(have, part[next[i]])) return false;
      taken = true;
      ++next[i];
    }
  }
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (next[i] != parts[i].list().size()) return false;
  }
  return true;
}

void Resources::subtract(const Resources& other) {
  const Resources missing = subtract_up_to(other);
  ASSERT(missing.empty());
}

namespace {

// Takes `want` from `have`, both lists in step. Entries are read through `entry(i)` and what is
// left of them goes to `keep(i)`, which answers where; what is taken whole is not kept at all.
template <typename Entry, typename Keep, typename Drop>
Resources take_list(std::size_t count, const std::vector<Resource>& wanted, Entry&& entry,
                    Keep&& keep, Drop&& drop_last) {
  Resources missing;
  auto want = wanted.begin();
  for (std::size_t i = 0; i < count; ++i) {
    const Resource& have = entry(i);
    while (want != wanted.end() && key_less(*want, have)) missing.add(*want++);
    const bool touched = want != wanted.end() && same_key(have, *want);
    if (touched && is_whole(have, *want)) {
      ++want;
      continue;
    }
    Resource& left = keep(i);
    if (!touched) continue;
    take_up_to(left, *want++, missing);
    if (left.empty()) drop_last();
  }
  for (; want != wanted.end(); ++want) missing.add(*want);
  return missing;
}

}  // namespace

Resources Resources::subtract_up_to(const Resources& other) {
  if (other.empty()) return {};
  if (same_as(other)) {
    body_.reset();
    return {};
  }
  const std::size_t count = list().size();
  if (body_.alone() && other.list().size() == 1) return take_one(other.list().front());
  if (body_.alone()) {
    auto& own = edit();
    std::size_t kept = 0;
    Resources missing = take_list(
        count, other.list(), [&](std::size_t i) -> const Resource& { return own[i]; },
        [&](std::size_t i) -> Resource& {
          if (kept != i) own[kept] = std::move(own[i]);
          return own[kept++];
        },
        [&] { --kept; });
    own.resize(kept);
    return missing;
  }
  Body left;
  left.list.reserve(count);
  Resources missing = take_list(
      count, other.list(), [&](std::size_t i) -> const Resource& { return list()[i]; },
      [&](std::size_t i) -> Resource& { return left.list.emplace_back(list()[i]); },
      [&] { left.list.pop_back(); });
  body_ = std::move(left);
  return missing;
}

Resources Resources::take_one(const Resource& want) {
  auto& own = edit();
  const auto it = std::lower_bound(own.begin(), own.end(), want, key_less);
  Resources missing;
  if (it == own.end() || !same_key(*it, want)) {
    missing.add(want);
    return missing;
  }
  if (is_whole(*it, want)) {
    own.erase(it);
    return missing;
  }
  take_up_to(*it, want, missing);
  if (it->empty()) own.erase(it);
  return missing;
}

bool Resources::operator==(const Resources& other) const {
  return same_as(other) || list() == other.list();
}

std::int64_t Resources::scalar_milli(std::string_view name) const {
  std::int64_t total = 0;
  for (const Resource& resource : list()) {
    if (resource.name == name && resource.kind == Resource::Kind::scalar) {
      total = saturating(total, resource.scalar_milli);
    }
  }
  return total;
}

IntervalSet Resources::ranges(std::string_view name) const {
  IntervalSet out;
  for (const Resource& resource : list()) {
    if (resource.name == name && resource.kind == Resource::Kind::ranges) out.add(resource.ranges);
  }
  return out;
}

template <typename Keep>
Resources Resources::filtered(Keep keep) const {
  if (std::all_of(list().begin(), list().end(), keep)) return *this;
  Resources out;
  std::copy_if(list().begin(), list().end(), std::back_inserter(out.edit()), keep);
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
  fp.add(static_cast<std::uint64_t>(list().size()));
  for (const Resource& resource : list()) {
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
