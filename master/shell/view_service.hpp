// ViewService: the view's thread. Changes come through a bounded queue; a read is served once the
// view has reached the sequence that was published when the read arrived, so a client reads its own
// writes; after a bound it is told so instead (503).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <thread>
#include <vector>

#include "master/view/view.hpp"
#include "runtime/bounded_queue.hpp"
#include "runtime/loop.hpp"

namespace bourse::master {

class ViewService {
 public:
  using Read = std::function<void(View&)>;

  // `relieved`: the change queue has room again.
  // `patience`: how long a read may wait for its sequence.
  explicit ViewService(std::function<void()> relieved, Duration patience = Duration::seconds(5));
  ~ViewService();
  ViewService(const ViewService&) = delete;
  ViewService& operator=(const ViewService&) = delete;

  void start();
  void stop();

  // Any thread.
  runtime::PushOutcome push(std::vector<Change>&& changes);
  bool nearly_full() const { return queue_.nearly_full(); }
  // Runs `read` on the view's thread at `sequence` or later, or `late` if that takes too long.
  void read(std::uint64_t sequence, Read read, std::function<void()> late);
  // Runs `task` on the view's thread, whatever its sequence.
  void post(Read task);

 private:
  struct Waiting {
    Read read;
    std::function<void()> late;
    runtime::Timer timer;
  };
  void serve_waiting();

  Duration patience_;
  runtime::Loop loop_;
  runtime::BoundedQueue<Change> queue_;
  std::thread thread_;
  View view_;
  std::multimap<std::uint64_t, std::shared_ptr<Waiting>> waiting_;
  runtime::Timer heartbeat_;
};

}  // namespace bourse::master
