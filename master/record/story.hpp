// TaskStory: what happened to one task, as sentences: a watcher of a replay that picks out every
// event, effect and change that touched it. Why it was launched where it was, what each side said,
// who ended it. One owner, one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "base/time.hpp"
#include "master/record/replay.hpp"
#include "model/ids.hpp"

namespace bourse::master {

struct StoryLine {
  std::uint64_t sequence = 0;  // of the event
  WallTime at;
  bool effect = false;  // what the master did about the event, not the event itself
  std::string text;
};

class TaskStory {
 public:
  TaskStory(TaskId task, std::function<void(const StoryLine&)> tell)
      : task_(std::move(task)), tell_(std::move(tell)) {}

  void watch(const ReplayStep& step);
  std::uint64_t lines() const { return lines_; }

 private:
  struct OfferOrigin {
    std::uint64_t sequence = 0;
    WallTime at;
    std::string text;
  };

  void tell(const ReplayStep& step, bool effect, std::string text);
  void tell_event(const ReplayStep& step);
  void tell_call(const ReplayStep& step, const SchedulerCall& call);
  void tell_accept(const ReplayStep& step, const std::string& who, const call::Accept& accept);
  void tell_from_agent(const ReplayStep& step, const FromAgent& from);
  void tell_operator(const ReplayStep& step, const FromOperator& from);
  void tell_effect(const ReplayStep& step, const Effect& effect, bool once_stored);
  void tell_change(const ReplayStep& step, const Change& change);
  void tell_notes(const ReplayStep& step);
  void follow_offers(const ReplayStep& step, const Change& change);
  bool is_it(const TaskId& id) const { return id == task_; }

  const TaskId task_;
  std::function<void(const StoryLine&)> tell_;
  std::map<std::string, OfferOrigin> offers_;  // that are on the table
  FrameworkId framework_;                      // of the task, once it is known
  AgentId agent_;
  bool touched_ = false;  // by the event of this step
  std::uint64_t lines_ = 0;
};

}  // namespace bourse::master
