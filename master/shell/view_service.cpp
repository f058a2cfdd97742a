#include "master/shell/view_service.hpp"

#include "model/limits.hpp"

namespace bourse::master {

namespace {

constexpr Duration kHeartbeat = Duration::seconds(15);
constexpr std::size_t kChangeBytes = 1u << 30;

}  // namespace

ViewService::ViewService(std::function<void()> relieved, Duration patience)
    : patience_(patience),
      queue_(
          loop_, {limits::kChangeQueueEvents, kChangeBytes},
          [this](std::vector<Change>&& changes) {
            for (Change& change : changes) view_.apply(std::move(change));
            serve_waiting();
          },
          [relieved = std::move(relieved)] { relieved(); }) {}

ViewService::~ViewService() {
  stop();
}

void ViewService::start() {
  thread_ = std::thread([this] {
    heartbeat_ = loop_.every(kHeartbeat, [this] { view_.heartbeat(); });
    loop_.run();
    heartbeat_ = {};
    waiting_.clear();
  });
}

void ViewService::stop() {
  if (!thread_.joinable()) return;
  loop_.stop();
  thread_.join();
}

runtime::PushOutcome ViewService::push(std::vector<Change>&& changes) {
  const std::size_t bytes = changes.size() * sizeof(Change);
  return queue_.push_all(std::move(changes), bytes);
}

void ViewService::read(std::uint64_t sequence, Read read, std::function<void()> late) {
  loop_.post([this, sequence, read = std::move(read), late = std::move(late)]() mutable {
    if (view_.state().sequence() >= sequence) return read(view_);
    auto waiting = std::make_shared<Waiting>();
    waiting->read = std::move(read);
    waiting->late = std::move(late);
    waiting->timer = loop_.after(patience_, [this, weak = std::weak_ptr(waiting)] {
      const auto entry = weak.lock();
      if (!entry) return;
      entry->late();
      std::erase_if(waiting_, [&](const auto& item) { return item.second == entry; });
    });
    waiting_.emplace(sequence, std::move(waiting));
  });
}

void ViewService::post(Read task) {
  loop_.post([this, task = std::move(task)] { task(view_); });
}

void ViewService::serve_waiting() {
  while (!waiting_.empty() && waiting_.begin()->first <= view_.state().sequence()) {
    const auto entry = waiting_.begin()->second;
    waiting_.erase(waiting_.begin());
    entry->timer.cancel();
    entry->read(view_);
  }
}

}  // namespace bourse::master
