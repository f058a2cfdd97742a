// ServiceJudge: sees what a simulated service scheduler writes and asks for, and says when its
// promises break: its book loses nothing (S5), a scheduler that dies or is followed by another ends
// no instance that is wanted (O6), and once faults stop, what runs is what is defined (O7). Owned
// by the Judge; one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <set>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "model/ids.hpp"
#include "model/service_command.hpp"

namespace bourse::sim {

class Judge;

class ServiceJudge {
 public:
  using Commands = std::vector<ServiceCommand>;

  explicit ServiceJudge(Judge& judge) : judge_(judge) {}

  // The number of the process that leads from here on. `shards`: its store is an ensemble's.
  std::uint64_t loaded(const service::Book& book, bool shards);
  void issued(std::uint64_t leader, Commands commands);
  void told(std::uint64_t leader, const Status& status);
  // What became of the oldest write of which that is not known, whether its leader is there to hear
  // of it or not. Of an ensemble's nobody says so.
  void decided(bool stored);
  void is(const FrameworkId& framework) { frameworks_.insert(framework); }
  void kills(const TaskId& task);
  const service::Book& book() const { return book_; }
  // What does not run as it is defined; empty: nothing.
  std::string missing() const;

 private:
  struct Write {
    Commands commands;
    bool decided = false;
    bool refused = false;
  };
  void apply(const Commands& commands);

  Judge& judge_;
  std::uint64_t leader_ = 0;
  service::Book book_;           // as its leaders were told that it is stored
  std::deque<Write> under_way_;  // of the present leader
  std::set<FrameworkId> frameworks_;
};

}  // namespace bourse::sim
