#include "sim/disk.hpp"

#include <algorithm>
#include <utility>

namespace bourse::sim {

void Disk::submit(std::vector<std::string> records, Done done, std::function<void()> durable) {
  writes_.push_back({std::move(records), std::move(done), std::move(durable)});
  if (!committing_) commit();
}

void Disk::commit() {
  if (writes_.empty()) return;
  committing_ = true;
  const Duration slow = env_.healed ? Duration{} : env_.disk_slowness;
  const Duration span =
      env_.plan.disk_delay + slow + Duration{env_.rng.between(0, env_.plan.disk_delay.ns)};
  env_.schedule.in(span, [this, group = writes_.size(), life = life_] {
    if (life != life_) return;
    for (std::size_t i = 0; i < group && life == life_; ++i) {
      const Write write = std::move(writes_.front());
      writes_.pop_front();
      const bool stored = !env_.fault(rejected_permille_);
      if (stored) store(write);
      write.done(stored);
    }
    if (life != life_) return;
    committing_ = false;
    commit();
  });
}

void Disk::store(const Write& write) {
  records_.insert(records_.end(), write.records.begin(), write.records.end());
  write.durable();
}

void Disk::crash() {
  ++life_;
  committing_ = false;
  const std::uint64_t kept = env_.rng.below(writes_.size() + 1);
  for (std::uint64_t i = 0; i < kept; ++i) store(writes_[i]);
  writes_.clear();
}

void Disk::forget_if(const std::function<bool(const std::string&)>& forget) {
  records_.erase(std::remove_if(records_.begin(), records_.end(), forget), records_.end());
}

}  // namespace bourse::sim
