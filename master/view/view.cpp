#include "master/view/view.hpp"

#include "master/view/events.hpp"

namespace bourse::master {

void View::apply(Change change) {
  ViewState::Applied applied = state_.apply(change);
  Kept kept{std::move(change), std::move(applied)};
  publish(kept);
  kept_.push_back(std::move(kept));
  if (kept_.size() > kChangesKept) kept_.pop_front();
}

void View::publish(const Kept& kept) {
  for (auto it = subscribers_.begin(); it != subscribers_.end();) {
    const Subscriber& to = it->second;
    const auto record = event_record(state_, kept.change, kept.applied, to.query, to.encoding);
    if (record && !to.sink(*record)) {
      it = subscribers_.erase(it);
    } else {
      ++it;
    }
  }
}

bool View::send_state(const Subscriber& to) const {
  return to.sink(subscribed_record(state_, to.query, false, to.encoding)) &&
         to.sink(heartbeat_record(state_.sequence(), to.encoding));
}

bool View::send_resumed(const Subscriber& to) const {
  if (!to.sink(subscribed_record(state_, to.query, true, to.encoding))) return false;
  for (const Kept& kept : kept_) {
    if (kept.change.sequence <= *to.query.since) continue;
    const auto record = event_record(state_, kept.change, kept.applied, to.query, to.encoding);
    if (record && !to.sink(*record)) return false;
  }
  return to.sink(heartbeat_record(state_.sequence(), to.encoding));
}

View::SubscriberId View::subscribe(codec::Encoding encoding, SubscribeQuery query, Sink sink) {
  const SubscriberId id = ++subscribers_made_;
  Subscriber subscriber{encoding, std::move(query), std::move(sink)};
  bool resumable = false;
  if (subscriber.query.since && !kept_.empty()) {
    const std::uint64_t since = *subscriber.query.since;
    resumable = since + 1 >= kept_.front().change.sequence && since <= state_.sequence();
  }
  const bool alive = resumable ? send_resumed(subscriber) : send_state(subscriber);
  if (!alive) return id;
  if (subscribers_.size() >= kMostSubscribers) subscribers_.erase(subscribers_.begin());
  subscribers_.emplace(id, std::move(subscriber));
  return id;
}

void View::unsubscribe(SubscriberId id) {
  subscribers_.erase(id);
}

void View::heartbeat() {
  for (auto it = subscribers_.begin(); it != subscribers_.end();) {
    const bool alive = it->second.sink(heartbeat_record(state_.sequence(), it->second.encoding));
    it = alive ? std::next(it) : subscribers_.erase(it);
  }
}

}  // namespace bourse::master
