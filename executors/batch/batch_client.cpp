#include <map>

#include "executors/batch/batch_message.hpp"
#include "executors/batch/batch_stream.hpp"
#include "executors/core/batch_window.hpp"
#include "model/limits.hpp"
#include "proto/codec/frames.hpp"
#include "runtime/zmq_endpoint.hpp"

namespace bourse::batch {

struct BatchClient::Impl {
  Impl(runtime::Loop& loop_arg, std::string name_arg, StreamLimits limits_arg,
       BatchClientHandlers handlers_arg)
      : loop(loop_arg),
        name(std::move(name_arg)),
        limits(limits_arg),
        handlers(std::move(handlers_arg)) {}

  runtime::Loop& loop;
  const std::string name;
  const StreamLimits limits;
  BatchClientHandlers handlers;
  std::unique_ptr<runtime::ZmqClient> client;
  executor::BatchSender sender;
  std::map<std::uint64_t, bool> in_flight;
  std::string out;
  bool flush_scheduled = false;
  bool connected = false;
  std::shared_ptr<bool> alive = std::make_shared<bool>(true);

  void on_connected() {
    connected = true;
    sender = {};
    out.clear();
    append_message(Hello{kBatchVersion, name}, out);
    flush();
  }

  void on_disconnected() {
    connected = false;
    out.clear();
    std::vector<std::uint64_t> lost;
    for (const auto& [id, unused] : in_flight) lost.push_back(id);
    in_flight.clear();
    if (handlers.on_lost) handlers.on_lost(std::move(lost));
  }

  void on_message(std::string_view bytes) {
    auto frames = codec::decode_frames(bytes);
    if (!frames.ok()) return;
    const bool had_credit = sender.may_send();
    for (const std::string_view frame : frames.value()) {
      auto message = decode_message(frame);
      if (!message.ok()) continue;
      if (const auto* credit = std::get_if<Credit>(&message.value())) {
        sender.on_credit({credit->items, credit->bytes});
      } else if (const auto* result = std::get_if<ItemResult>(&message.value())) {
        if (in_flight.erase(result->id) > 0) {
          handlers.on_result(result->id, result->ok, result->payload);
        }
      } else if (const auto* progress = std::get_if<Progress>(&message.value())) {
        if (handlers.on_progress && in_flight.contains(progress->id)) {
          handlers.on_progress(progress->id, progress->payload);
        }
      }
    }
    if (!had_credit && sender.may_send() && handlers.on_ready) handlers.on_ready();
  }

  void schedule_flush() {
    if (out.size() > bourse::limits::kMaxFrameBytes / 2) return flush();
    if (flush_scheduled) return;
    flush_scheduled = true;
    loop.post([this, weak = std::weak_ptr<bool>(alive)] {
      if (weak.lock()) flush();
    });
  }

  void flush() {
    flush_scheduled = false;
    if (out.empty() || !connected) return;
    (void)client->send(std::exchange(out, {}));
  }
};

BatchClient::BatchClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
BatchClient::~BatchClient() = default;

Result<std::unique_ptr<BatchClient>> BatchClient::open(runtime::Loop& loop,
                                                       const std::string& endpoint,
                                                       std::string name, StreamLimits limits,
                                                       BatchClientHandlers handlers) {
  auto impl = std::make_unique<Impl>(loop, std::move(name), limits, std::move(handlers));
  Impl* raw = impl.get();
  runtime::ZmqClientOptions options;
  options.endpoint = endpoint;
  options.limits.max_message_bytes = bourse::limits::kMaxFrameBytes + limits.max_item_bytes;
  options.limits.queue_bytes = bourse::limits::kPeerQueueBytes;
  runtime::ZmqClientHandlers events;
  events.on_connected = [raw] { raw->on_connected(); };
  events.on_message = [raw](std::string_view bytes) { raw->on_message(bytes); };
  events.on_disconnected = [raw] { raw->on_disconnected(); };
  auto opened = runtime::ZmqClient::open(loop, std::move(options), std::move(events));
  if (!opened.ok()) return opened.error();
  raw->client = std::move(opened).value();
  return std::unique_ptr<BatchClient>(new BatchClient(std::move(impl)));
}

bool BatchClient::connected() const {
  return impl_->connected;
}

std::uint64_t BatchClient::credit() const {
  return impl_->connected ? impl_->sender.items_left() : 0;
}

Status BatchClient::submit(std::uint64_t id, std::string_view payload) {
  Impl& impl = *impl_;
  if (payload.size() > impl.limits.max_item_bytes) {
    return Error{ErrorCode::too_large, "item " + std::to_string(id) + ": " +
                                           std::to_string(payload.size()) + " bytes, at most " +
                                           std::to_string(impl.limits.max_item_bytes)};
  }
  if (!impl.connected || !impl.sender.may_send()) {
    return Error{ErrorCode::unavailable, "the worker has no room now; wait for on_ready"};
  }
  if (!impl.in_flight.emplace(id, true).second) {
    return Error{ErrorCode::already_exists, "item " + std::to_string(id) + " waits for its result"};
  }
  impl.sender.on_sent(payload.size());
  append_message(Item{id, payload}, impl.out);
  impl.schedule_flush();
  return {};
}

void BatchClient::cancel(std::uint64_t id) {
  if (!impl_->in_flight.contains(id)) return;
  append_message(Cancel{id}, impl_->out);
  impl_->schedule_flush();
}

std::size_t BatchClient::in_flight() const {
  return impl_->in_flight.size();
}

}  // namespace bourse::batch
