// Subscriptions: the streams of those who follow the cluster (SUBSCRIBE of the operator API). What
// a subscription begins with, the state or the events that were missed, is as large as the cluster
// is and may wait for its reader; what comes afterwards is bounded for each, and a reader beyond
// that is let go. The view's thread.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "master/view/view.hpp"
#include "model/limits.hpp"
#include "runtime/http_server.hpp"

namespace bourse::master {

class Subscriptions {
 public:
  struct Budgets {
    std::size_t each = limits::kSubscriberQueueBytes;     // of what follows the opening
    std::size_t all = limits::kAllSubscribersQueueBytes;  // openings included
  };

  Subscriptions() = default;
  explicit Subscriptions(Budgets budgets) : budgets_(budgets) {}

  // Answers with a stream, or with 503 while too much waits for other readers already. `gone` is
  // called on the server's loop once the reader has left or did not read.
  void open(View& view, codec::Encoding encoding, SubscribeQuery query,
            const runtime::HttpResponder& responder, std::function<void(View::SubscriberId)> gone);

 private:
  struct Subscription;

  // What waits for all of them. Forgets those that are gone.
  std::size_t queued_bytes();

  Budgets budgets_;
  std::vector<std::weak_ptr<Subscription>> open_;
};

}  // namespace bourse::master
