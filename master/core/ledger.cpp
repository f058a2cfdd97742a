#include "master/core/ledger.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace bourse::master {

namespace {

bool has_shared(const Resources& resources) {
  return std::any_of(resources.list().begin(), resources.list().end(),
                     [](const Resource& r) { return r.is_shared(); });
}

// One copy of each shared resource, the rest as it is.
Resources once(const Resources& resources) {
  Resources out = resources.non_shared();
  for (const Resource& r : resources.list()) {
    if (!r.is_shared()) continue;
    Resource one = r;
    one.copies = 1;
    out.add(one);
  }
  return out;
}

// The ranges and items of `want` that are in `have`.
Resources overlap_of(const Resources& have, const Resources& want) {
  std::vector<Resource> parts;
  for (const Resource& r : want.list()) {
    if (r.kind != Resource::Kind::scalar && !r.is_shared()) parts.push_back(r);
  }
  if (parts.empty()) return {};
  Resources present(parts);
  Resources rest = have;
  present.subtract(rest.subtract_up_to(present));
  return present;
}

}  // namespace

Ledger::Ledger(Resources total) {
  set_total(std::move(total));
}

Resources Ledger::free() const {
  Resources out = unpromised_;
  for (const Resources& offer : offers_) out.subtract_up_to(offer);
  return out;
}

Resources Ledger::offered() const {
  Resources out;
  for (const Resources& offer : offers_) out.add(offer);
  return out;
}

Resources Ledger::available() const {
  if (!offerable()) return {};
  Resources out = free();
  if (!can_hold_shared()) return out;
  for (const Resource& r : used_.list()) {
    if (r.is_shared()) out.add(r);
  }
  return out;
}

void Ledger::offer(const Resources& resources) {
  ASSERT(offerable());
  offers_.push_back(can_hold_shared() ? resources.non_shared() : resources);
}

void Ledger::unoffer(const Resources& resources) {
  const Resources own = can_hold_shared() ? resources.non_shared() : resources;
  const auto it = std::find(offers_.begin(), offers_.end(), own);
  ASSERT(it != offers_.end());
  offers_.erase(it);
  if (!deficit_.empty()) settle();
}

void Ledger::use(const Resources& resources) {
  if (!has_shared(resources)) {
    unpromised_.subtract(resources);
    used_.add(resources);
    return;
  }
  const Resources own = resources.non_shared();
  unpromised_.subtract(own);
  used_.add(own);
  const Resources shared = once(resources.shared());
  for (const Resource& r : shared.list()) {
    if (!used_.contains(r)) {
      const Resources one(std::vector<Resource>{r});
      unpromised_.subtract(one);
      used_.add(r);
    }
    shared_uses_.add(r);
  }
}

void Ledger::use_anyway(const Resources& resources) {
  Resources again = overlap_of(used_, resources);
  if (!again.empty()) overlaps_.push_back(std::move(again));
  used_.add(resources.non_shared());
  const Resources shared = once(resources.shared());
  for (const Resource& r : shared.list()) {
    if (!used_.contains(r)) used_.add(r);
    shared_uses_.add(r);
  }
  settle();
}

void Ledger::release(const Resources& resources) {
  if (!overlaps_.empty()) {
    Resources rest = resources;
    for (Resources& overlap : overlaps_) {
      const Resources again = overlap_of(overlap, rest);
      overlap.subtract(again);
      rest.subtract(again);
    }
    std::erase_if(overlaps_, [](const Resources& r) { return r.empty(); });
    release_last(rest);
  } else {
    release_last(resources);
  }
  if (!deficit_.empty()) settle();
}

void Ledger::release_last(const Resources& resources) {
  if (!has_shared(resources)) {
    used_.subtract(resources);
    unpromised_.add(resources);
  } else {
    const Resources own = resources.non_shared();
    used_.subtract(own);
    unpromised_.add(own);
    const Resources shared = once(resources.shared());
    for (const Resource& r : shared.list()) {
      const Resources one(std::vector<Resource>{r});
      shared_uses_.subtract(one);
      if (shared_uses_.contains(r)) continue;  // somebody else still uses it
      used_.subtract(one);
      unpromised_.add(r);
    }
  }
}

void Ledger::hold(const Resources& resources) {
  held_.add(once(resources));
  settle();
}

void Ledger::unhold(const Resources& resources) {
  held_.subtract(once(resources));
  settle();
}

void Ledger::set_total(Resources total) {
  ASSERT(offers_.empty());
  convert_total(std::move(total));
}

void Ledger::convert_total(Resources total) {
  total_ = std::move(total);
  shared_in_total_ = has_shared(total_);
  settle();
}

// What is promised comes first; what is left is free; what is lacking is the deficit. Ranges that
// two holders both claim (ports of a leaked container and of the agent's next task) would merge in
// a sum, so each holder is taken away on its own.
void Ledger::settle() {
  unpromised_ = total_;
  deficit_ = unpromised_.subtract_up_to(used_);
  deficit_.add(unpromised_.subtract_up_to(held_));
  Resources left = unpromised_;
  for (const Resources& offer : offers_) deficit_.add(left.subtract_up_to(offer));
}

bool Ledger::balanced() const {
  Resources unpromised = total_;
  Resources deficit = unpromised.subtract_up_to(used_);
  deficit.add(unpromised.subtract_up_to(held_));
  if (!(unpromised == unpromised_)) return false;
  if (deficit.empty() && deficit_.empty() && unpromised.contains_apart(offers_)) return true;
  for (const Resources& offer : offers_) deficit.add(unpromised.subtract_up_to(offer));
  return deficit == deficit_;
}

void Ledger::fingerprint(Fingerprint& fp) const {
  total_.fingerprint(fp);
  free().fingerprint(fp);
  offered().fingerprint(fp);
  used_.fingerprint(fp);
  held_.fingerprint(fp);
  deficit_.fingerprint(fp);
  shared_uses_.fingerprint(fp);
}

}  // namespace bourse::master
