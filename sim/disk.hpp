// Disk: a modelled append-record store. Writes are committed in groups, complete in the order of
// issue, and are stored or refused as a whole. A crash keeps what was stored and any beginning of
// what was under way; nobody is told what became of that. One owner, one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "sim/env.hpp"

namespace bourse::sim {

class Disk {
 public:
  // rejected: the records are not stored and never will be.
  using Done = std::function<void(bool stored)>;

  Disk(Env& env, int rejected_permille) : env_(env), rejected_permille_(rejected_permille) {}

  // `durable` is called when the write is stored, told or not (a crash hides what it kept).
  void submit(std::vector<std::string> records, Done done, std::function<void()> durable);
  void crash();
  const std::vector<std::string>& records() const { return records_; }
  void wipe() { records_.clear(); }
  void forget_if(const std::function<bool(const std::string&)>& forget);

 private:
  struct Write {
    std::vector<std::string> records;
    Done done;
    std::function<void()> durable;
  };
  void commit();
  void store(const Write& write);

  Env& env_;
  int rejected_permille_;
  std::uint64_t life_ = 0;
  bool committing_ = false;
  std::deque<Write> writes_;
  std::vector<std::string> records_;
};

}  // namespace bourse::sim
