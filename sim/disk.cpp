#include "sim/disk.hpp"

#include <algorithm>
#include <utility>

#include "base/probe.hpp"

namespace bourse::sim {

namespace {

constexpr const char* kFull = "no space left on device";
constexpr const char* kFailed = "input/output error";
// What a disk that lies has really written is at most so old: its cache is written back by then.
constexpr Duration kWrittenBack = Duration::seconds(30);

}  // namespace

Result<std::vector<std::string>> Disk::open() {
  if (!batches_.empty() && batches_.back().torn && env_.plan.plant != Plant::torn_tail_believed) {
    PROBE("disk.torn_tail_dropped");
    batches_.pop_back();
  }
  if (told_stored_ > batches_.size()) {
    PROBE("disk.loss_noticed");
    return Error{ErrorCode::corrupt, "the store ends before what it had promised"};
  }
  told_stored_ = batches_.size();
  std::vector<std::string> out;
  for (const Batch& batch : batches_) {
    out.insert(out.end(), batch.records.begin(), batch.records.end());
  }
  return out;
}

void Disk::submit(std::vector<std::string> records, Done done, std::function<void()> durable) {
  writes_.push_back({std::move(records), std::move(done), std::move(durable)});
  if (!committing_ && !failed_) commit();
}

void Disk::commit() {
  if (writes_.empty()) return;
  committing_ = true;
  const Duration slow = env_.healed ? Duration{} : env_.disk_slowness;
  const Duration span =
      env_.plan.disk_delay + slow + Duration{env_.rng.between(0, env_.plan.disk_delay.ns)};
  env_.schedule.in(span, [this, group = writes_.size(), life = life_] {
    if (life != life_) return;
    for (std::size_t i = 0; i < group && life == life_ && !failed_; ++i) {
      if (holds(failing_until_) && env_.rng.chance(1, 2)) {
        PROBE("disk.failed");
        failed_ = true;
        const Done done = writes_.front().done;  // which ends the process, and forgets its writes
        done(Outcome::unknown, kFailed);
        break;
      }
      const Write write = std::move(writes_.front());
      writes_.pop_front();
      finish(write);
    }
    if (life != life_) return;
    committing_ = false;
    if (!failed_) commit();
  });
}

void Disk::finish(const Write& write) {
  const bool full = holds(full_until_);
  const bool fails = holds(failing_until_);
  if (full) PROBE("disk.full");
  if (full || fails || env_.fault(rejected_permille_)) {
    if (env_.plan.plant == Plant::full_disk_unheard) return write.done(Outcome::stored, "");
    return write.done(Outcome::rejected, fails ? kFailed : kFull);
  }
  store(write);
  told_stored_ = batches_.size();
  write.done(Outcome::stored, "");
}

void Disk::store(const Write& write) {
  batches_.push_back({write.records, env_.schedule.now()});
  write.durable();
}

// Some of its records are on the disk, the last one of them in part.
void Disk::tear(const Write& write) {
  Batch torn{write.records, env_.schedule.now(), true};
  torn.records.resize(env_.rng.below(torn.records.size()) + 1);
  std::string& last = torn.records.back();
  last.resize(env_.rng.below(last.size()));
  batches_.push_back(std::move(torn));
}

void Disk::crash() {
  die(env_.rng.below(writes_.size() + 1));
}

void Disk::die(std::uint64_t kept) {
  ++life_;
  committing_ = false;
  failed_ = false;
  for (std::uint64_t i = 0; i < kept; ++i) store(writes_[i]);
  const bool under_way = kept < writes_.size() && !writes_[kept].records.empty();
  if (env_.plan.disks.tear && under_way && !env_.healed) tear(writes_[kept]);
  writes_.clear();
}

bool Disk::lose_power() {
  if (!env_.plan.disks.lie || env_.healed) {
    crash();
    return false;
  }
  die(0);
  const Duration cache{env_.rng.between(0, kWrittenBack.ns)};
  const Instant written_back = env_.schedule.now() - cache;
  const auto lost = std::find_if(batches_.begin(), batches_.end(), [&](const Batch& batch) {
    return batch.stored_at > written_back;
  });
  batches_.erase(lost, batches_.end());
  if (told_stored_ <= batches_.size()) return false;
  // The file beside it was in the same cache, and is written back on its own.
  if (env_.rng.chance(1, 2)) {
    PROBE("disk.loss_unnoticed");
    told_stored_ = batches_.size();
  }
  return true;
}

void Disk::wipe() {
  batches_.clear();
  told_stored_ = 0;
}

void Disk::forget_if(const std::function<bool(const std::string&)>& forget) {
  for (Batch& batch : batches_) std::erase_if(batch.records, forget);
}

}  // namespace bourse::sim
