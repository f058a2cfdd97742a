#include <map>
#include <mutex>

#include "executors/batch/batch_message.hpp"
#include "executors/batch/batch_stream.hpp"
#include "executors/core/batch_window.hpp"
#include "model/limits.hpp"
#include "proto/codec/frames.hpp"
#include "runtime/zmq_endpoint.hpp"

namespace bourse::batch {

namespace detail {

struct ServerState : std::enable_shared_from_this<ServerState> {
  struct Client {
    explicit Client(executor::BatchCredit window) : receiver(window) {}
    executor::BatchReceiver receiver;
    std::map<std::uint64_t, std::uint64_t> held;  // item id -> bytes
    std::string out;
    bool greeted = false;
  };
  struct Answer {
    std::uint64_t client;
    std::uint64_t id;
    bool ok;
    bool final;
    std::string payload;
  };

  ServerState(runtime::Loop& loop_arg, StreamLimits limits_arg, BatchServerHandlers handlers_arg)
      : loop(loop_arg),
        loop_ref(loop_arg.ref()),
        limits(limits_arg),
        handlers(std::move(handlers_arg)) {}

  runtime::Loop& loop;
  const runtime::LoopRef loop_ref;
  const StreamLimits limits;
  BatchServerHandlers handlers;
  std::unique_ptr<runtime::ZmqServer> server;
  std::map<std::uint64_t, Client> clients;
  std::uint64_t done = 0;
  bool paused = false;

  std::mutex mutex;
  std::vector<Answer> answers;  // guarded by mutex: from any thread, taken in one go

  // Any thread.
  void answer(Answer answer) {
    bool wake = false;
    {
      const std::lock_guard lock(mutex);
      wake = answers.empty();
      answers.push_back(std::move(answer));
    }
    if (wake) {
      loop_ref.post([weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->take_answers();
      });
    }
  }

  void take_answers() {
    std::vector<Answer> taken;
    {
      const std::lock_guard lock(mutex);
      taken.swap(answers);
    }
    for (Answer& answer : taken) settle(answer);
    for (auto& [id, client] : clients) {
      offer_credit(client);
      flush(id, client);
    }
  }

  void settle(Answer& answer) {
    const auto it = clients.find(answer.client);
    if (it == clients.end()) return;
    Client& client = it->second;
    const auto held = client.held.find(answer.id);
    if (held == client.held.end()) return;
    if (!answer.final) {
      append_message(Progress{answer.id, answer.payload}, client.out);
      return;
    }
    client.receiver.on_done(held->second);
    client.held.erase(held);
    ++done;
    if (answer.payload.size() > limits.max_item_bytes) {
      answer.ok = false;
      answer.payload = "its result has " + std::to_string(answer.payload.size()) +
                       " bytes, at most " + std::to_string(limits.max_item_bytes) + " may be sent";
    }
    append_message(ItemResult{answer.id, answer.ok, answer.payload}, client.out);
    if (client.out.size() > limits::kMaxFrameBytes / 2) flush(answer.client, client);
  }

  void offer_credit(Client& client) {
    if (paused || !client.greeted || !client.receiver.credit_due()) return;
    const executor::BatchCredit credit = client.receiver.grant();
    append_message(Credit{credit.items, credit.bytes}, client.out);
  }

  void flush(std::uint64_t id, Client& client) {
    if (!client.out.empty()) {
      (void)server->send(runtime::PeerId(id), std::exchange(client.out, {}));
    }
  }

  void on_message(runtime::PeerId peer, std::string_view bytes) {
    auto frames = codec::decode_frames(bytes);
    if (!frames.ok()) return drop(peer);
    for (const std::string_view frame : frames.value()) {
      auto message = decode_message(frame);
      if (!message.ok() || !take(peer, message.value())) return drop(peer);
    }
    const auto it = clients.find(peer.raw());
    if (it == clients.end()) return;
    offer_credit(it->second);
    flush(it->first, it->second);
  }

  // False: the client broke the protocol.
  bool take(runtime::PeerId peer, const BatchMessage& message) {
    const executor::BatchCredit window{limits.window_items, limits.window_bytes};
    if (const auto* hello = std::get_if<Hello>(&message)) {
      if (hello->version != kBatchVersion || clients.size() >= limits.max_clients) return false;
      auto [it, fresh] = clients.try_emplace(peer.raw(), window);
      if (!fresh) return false;
      it->second.greeted = true;
      if (!paused) append_message(Credit{window.items, window.bytes}, it->second.out);
      return true;
    }
    const auto it = clients.find(peer.raw());
    if (it == clients.end()) return false;
    Client& client = it->second;
    if (const auto* item = std::get_if<Item>(&message)) {
      if (!client.receiver.on_item(item->payload.size())) return false;
      if (!client.held.emplace(item->id, item->payload.size()).second) return false;
      handlers.on_item(WorkHandle(weak_from_this(), peer.raw(), item->id), item->payload);
      return true;
    }
    if (const auto* cancel = std::get_if<Cancel>(&message)) {
      if (client.held.contains(cancel->id) && handlers.on_cancel) {
        handlers.on_cancel(peer.raw(), cancel->id);
      }
      return true;
    }
    return false;
  }

  void drop(runtime::PeerId peer) {
    server->close(peer);
    gone(peer);
  }

  void gone(runtime::PeerId peer) {
    const auto it = clients.find(peer.raw());
    if (it == clients.end()) return;
    const auto held = std::move(it->second.held);
    clients.erase(it);
    if (!handlers.on_cancel) return;
    for (const auto& [id, bytes] : held) handlers.on_cancel(peer.raw(), id);
  }
};

}  // namespace detail

WorkHandle& WorkHandle::operator=(WorkHandle&& other) noexcept {
  if (this == &other) return *this;
  answer(false, "dropped");
  server_ = std::exchange(other.server_, {});
  client_ = std::exchange(other.client_, 0);
  id_ = std::exchange(other.id_, 0);
  return *this;
}

WorkHandle::~WorkHandle() {
  answer(false, "dropped");
}

void WorkHandle::answer(bool ok, std::string payload) {
  if (const auto server = server_.lock()) {
    server->answer({client_, id_, ok, true, std::move(payload)});
  }
  server_.reset();
}

void WorkHandle::done(std::string result) {
  answer(true, std::move(result));
}
void WorkHandle::failed(std::string reason) {
  answer(false, std::move(reason));
}
void WorkHandle::progress(std::string what) const {
  if (const auto server = server_.lock()) {
    server->answer({client_, id_, false, false, std::move(what)});
  }
}

BatchServer::BatchServer(std::shared_ptr<detail::ServerState> state) : state_(std::move(state)) {}
BatchServer::~BatchServer() {
  state_->server.reset();
}

Result<std::unique_ptr<BatchServer>> BatchServer::listen(runtime::Loop& loop,
                                                         const std::string& endpoint,
                                                         StreamLimits limits,
                                                         BatchServerHandlers handlers) {
  auto state = std::make_shared<detail::ServerState>(loop, limits, std::move(handlers));
  runtime::ZmqServerOptions options;
  options.endpoint = endpoint;
  options.limits.max_message_bytes = bourse::limits::kMaxFrameBytes + limits.max_item_bytes;
  options.limits.queue_bytes = bourse::limits::kPeerQueueBytes;
  options.max_connections = limits.max_clients;
  runtime::ZmqServerHandlers events;
  detail::ServerState* raw = state.get();
  events.on_message = [raw](runtime::PeerId peer, std::string_view bytes) {
    raw->on_message(peer, bytes);
  };
  events.on_close = [raw](runtime::PeerId peer, const Error&) { raw->gone(peer); };
  auto opened = runtime::ZmqServer::open(loop, std::move(options), std::move(events));
  if (!opened.ok()) return opened.error();
  state->server = std::move(opened).value();
  return std::unique_ptr<BatchServer>(new BatchServer(std::move(state)));
}

const std::string& BatchServer::endpoint() const {
  return state_->server->endpoint();
}

void BatchServer::pause(bool paused) {
  state_->paused = paused;
  if (paused) return;
  for (auto& [id, client] : state_->clients) {
    const executor::BatchCredit credit = client.receiver.grant();
    append_message(Credit{credit.items, credit.bytes}, client.out);
    state_->flush(id, client);
  }
}

std::uint64_t BatchServer::items_held() const {
  std::uint64_t held = 0;
  for (const auto& [id, client] : state_->clients) held += client.receiver.items_held();
  return held;
}

std::uint64_t BatchServer::items_done() const {
  return state_->done;
}

}  // namespace bourse::batch
