// View: the read model of a master. Applies Changes, keeps the newest of them for subscribers that
// come back, and feeds event streams. One owner, one thread (not the core's). The world around it
// (threads, HTTP) is master/shell's.
//
// A subscriber costs its own byte budget: its sink says false when it does not read, and it is
// gone.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "master/view/answers.hpp"
#include "master/view/query.hpp"
#include "master/view/state.hpp"

namespace bourse::master {

class View {
 public:
  // Takes one record (without its RecordIO frame); false: the subscriber is gone.
  using Sink = std::function<bool(std::string_view record)>;
  using SubscriberId = std::uint64_t;

  static constexpr std::size_t kMostSubscribers = 1'000;  // the oldest is let go
  static constexpr std::size_t kChangesKept = 100'000;

  void apply(Change change);
  const ViewState& state() const { return state_; }

  // Sends SUBSCRIBED (fresh or resumed), HEARTBEAT, what was missed, and from now on every matching
  // event.
  SubscriberId subscribe(codec::Encoding encoding, SubscribeQuery query, Sink sink);
  void unsubscribe(SubscriberId id);
  // To every subscriber; call it every heartbeat interval.
  void heartbeat();
  std::size_t subscribers() const { return subscribers_.size(); }

 private:
  struct Subscriber {
    codec::Encoding encoding = codec::Encoding::json;
    SubscribeQuery query;
    Sink sink;
  };
  struct Kept {
    Change change;
    ViewState::Applied applied;
  };

  void publish(const Kept& kept);
  bool send_state(const Subscriber& to) const;
  bool send_resumed(const Subscriber& to) const;

  ViewState state_;
  std::deque<Kept> kept_;
  std::map<SubscriberId, Subscriber> subscribers_;
  SubscriberId subscribers_made_ = 0;
};

}  // namespace bourse::master
