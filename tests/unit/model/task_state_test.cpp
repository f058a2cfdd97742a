#include "model/task_state.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <utility>

using namespace bourse;
using S = TaskState;

TEST_CASE("every pair of task states is legal, a repeat or impossible as the table says") {
  // The legal moves, written out; everything else must be a repeat (same state) or impossible.
  std::map<std::pair<int, int>, bool> legal;
  const auto allow = [&](S from, std::initializer_list<S> to) {
    for (const S state : to) legal[{static_cast<int>(from), static_cast<int>(state)}] = true;
  };
  const auto ends = {S::finished, S::failed, S::killed,           S::lost,       S::error,
                     S::dropped,  S::gone,   S::gone_by_operator, S::unreachable};
  allow(S::staging, {S::starting, S::running, S::killing});
  allow(S::starting, {S::running, S::killing});
  allow(S::running, {S::killing});
  allow(S::unreachable, {S::staging, S::starting, S::running, S::killing});
  for (const S from : {S::staging, S::starting, S::running, S::killing, S::unreachable}) {
    allow(from, ends);
  }
  // unknown is never stored; if it were, it could move on like staging did.
  for (std::size_t f = 0; f < kTaskStates; ++f) {
    const auto from = static_cast<S>(f);
    if (from == S::unknown) continue;
    for (std::size_t t = 0; t < kTaskStates; ++t) {
      const auto to = static_cast<S>(t);
      INFO(name_of(from) << " -> " << name_of(to));
      Transition expected = Transition::impossible;
      if (from == to) {
        expected = Transition::repeat;
      } else if (legal.contains({static_cast<int>(f), static_cast<int>(t)})) {
        expected = Transition::legal;
      }
      REQUIRE(classify(from, to) == expected);
    }
  }
}

TEST_CASE("a task that does not exist can only be launched") {
  for (std::size_t t = 0; t < kTaskStates; ++t) {
    const auto to = static_cast<S>(t);
    REQUIRE(classify(std::nullopt, to) ==
            (to == S::staging ? Transition::legal : Transition::impossible));
  }
}

TEST_CASE("terminal is final and unreachable is not terminal") {
  REQUIRE_FALSE(is_terminal(S::unreachable));
  REQUIRE_FALSE(is_terminal(S::unknown));
  for (std::size_t t = 0; t < kTaskStates; ++t) {
    if (static_cast<S>(t) == S::finished) continue;
    REQUIRE(classify(S::finished, static_cast<S>(t)) == Transition::impossible);
  }
}

TEST_CASE("task state names go there and back") {
  for (std::size_t t = 0; t < kTaskStates; ++t) {
    REQUIRE(task_state_from(name_of(static_cast<S>(t))) == static_cast<S>(t));
  }
  REQUIRE_FALSE(task_state_from("TASK_RUNNNING").has_value());
}
