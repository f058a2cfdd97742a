#include "master/shell/subscriptions.hpp"

#include <string>

namespace bourse::master {

// Lives in the view's sink, so that whoever the view lets go learns it: the stream ends.
struct Subscriptions::Subscription {
  std::vector<std::string> opening;  // until the stream stands
  std::size_t opening_bytes = 0;
  runtime::HttpStream stream;
  bool opened = false;

  Subscription() = default;
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;
  ~Subscription() { stream.close(); }

  bool take(std::string_view record) {
    if (opened) return stream.send_record(record);
    opening.push_back(runtime::recordio_frame(record));
    opening_bytes += opening.back().size();
    return true;
  }

  void begin(const runtime::HttpResponder& responder, codec::Encoding encoding,
             std::size_t budget) {
    runtime::HttpResponse head;
    head.headers.add("Content-Type", std::string(codec::media_type(encoding)));
    stream = responder.open_stream(std::move(head), opening_bytes + budget);
    opened = true;
    for (std::string& record : opening) stream.send(std::move(record));
    opening = {};
  }
};

std::size_t Subscriptions::queued_bytes() {
  std::size_t sum = 0;
  std::erase_if(open_, [&sum](const std::weak_ptr<Subscription>& one) {
    const auto subscription = one.lock();
    if (!subscription) return true;
    sum += subscription->stream.queued_bytes();
    return false;
  });
  return sum;
}

void Subscriptions::open(View& view, codec::Encoding encoding, SubscribeQuery query,
                         const runtime::HttpResponder& responder,
                         std::function<void(View::SubscriberId)> gone) {
  if (const std::size_t waits = queued_bytes(); waits > budgets_.all) {
    responder.respond(runtime::HttpResponse::text(
        503, std::to_string(waits) + " bytes wait for other subscribers, at most " +
                 std::to_string(budgets_.all) + " may; try again"));
    return;
  }
  const auto subscription = std::make_shared<Subscription>();
  open_.push_back(subscription);
  const View::SubscriberId id = view.subscribe(
      encoding, std::move(query),
      [subscription](std::string_view record) { return subscription->take(record); });
  subscription->begin(responder, encoding, budgets_.each);
  subscription->stream.on_closed([id, gone = std::move(gone)](const Error&) { gone(id); });
}

}  // namespace bourse::master
