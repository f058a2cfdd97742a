// Disk: a modelled append-record store on a modelled disk, which promises what runtime/record_store
// does. Batches are committed in groups, complete in the order of issue, and are stored, refused as
// a whole, or left open, after which only a new life that reads the disk can tell.
//
// A process that dies keeps what was stored and any beginning of what was under way; nobody is told
// what became of that. A seed may let a disk be full for a while, fail for a while, tear the batch
// that was being written, or lie: say that something is written which a power failure takes away.
//
// One owner, one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "sim/env.hpp"

namespace bourse::sim {

class Disk {
 public:
  enum class Outcome : std::uint8_t {
    stored,
    rejected,  // not stored, and never will be
    unknown,   // the store takes nothing more: its process ends
  };
  using Done = std::function<void(Outcome, const std::string& reason)>;

  Disk(Env& env, int rejected_permille) : env_(env), rejected_permille_(rejected_permille) {}

  // What a new life reads; an error: it lacks what was promised, and is not to be believed.
  Result<std::vector<std::string>> open();
  // `durable` is called when the batch is stored, told or not (a crash hides what it kept).
  void submit(std::vector<std::string> records, Done done, std::function<void()> durable);
  // Its process dies.
  void crash();
  // Its machine does. True: something that was told stored is not there.
  bool lose_power();
  void wipe();
  void forget_if(const std::function<bool(const std::string&)>& forget);

  // -- faults, for a while
  void fill(Duration span) { full_until_ = env_.schedule.now() + span; }
  void fail(Duration span) { failing_until_ = env_.schedule.now() + span; }

 private:
  struct Batch {
    std::vector<std::string> records;
    Instant stored_at;
    bool torn = false;  // a beginning of it, never promised
  };
  struct Write {
    std::vector<std::string> records;
    Done done;
    std::function<void()> durable;
  };
  void die(std::uint64_t kept);
  void commit();
  void finish(const Write& write);
  void store(const Write& write);
  void tear(const Write& write);
  bool holds(Instant until) const { return !env_.healed && env_.schedule.now() < until; }

  Env& env_;
  int rejected_permille_;
  std::uint64_t life_ = 0;
  bool committing_ = false;
  bool failed_ = false;  // until its process ends
  Instant full_until_;
  Instant failing_until_;
  std::deque<Write> writes_;
  std::deque<Batch> batches_;
  // A file beside the store says so (runtime/record_witness.hpp); it may lag.
  std::uint64_t told_stored_ = 0;
};

}  // namespace bourse::sim
