// A batch stream: many small work items from a client (a scheduler or another executor) to a
// worker, results back, with credit-based flow control: a client sends only what the worker has
// room for, so a slow worker slows its clients instead of filling memory. Over TCP (ZeroMQ),
// directly from process to process: no item passes a master or an agent.
//
// Delivery: at least once. When the connection breaks, the client gets its unanswered items back
// and decides where to send them; the worker is told to cancel them. Ownership and thread: an
// endpoint belongs to its loop's thread; callbacks run there. Results may be given through a
// WorkHandle from any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "runtime/loop.hpp"

namespace bourse::batch {

struct StreamLimits {
  std::uint64_t window_items = 64;        // per client: received and not yet done
  std::uint64_t window_bytes = 16 << 20;  // the same in bytes; one item may be larger
  std::size_t max_item_bytes = 8 << 20;   // larger: refused by the client before sending
  std::size_t max_clients = 1024;
};

namespace detail {
struct ServerState;
}

// One item in the worker's hands. Dropping it without an answer counts as failed ("dropped").
class WorkHandle {
 public:
  WorkHandle() = default;
  WorkHandle(std::weak_ptr<detail::ServerState> server, std::uint64_t client, std::uint64_t id)
      : server_(std::move(server)), client_(client), id_(id) {}
  WorkHandle(WorkHandle&& other) noexcept { *this = std::move(other); }
  WorkHandle& operator=(WorkHandle&& other) noexcept;
  ~WorkHandle();

  // Any thread. The first answer counts.
  void done(std::string result);
  void failed(std::string reason);
  void progress(std::string what) const;
  std::uint64_t id() const { return id_; }

 private:
  void answer(bool ok, std::string payload);

  std::weak_ptr<detail::ServerState> server_;
  std::uint64_t client_ = 0;
  std::uint64_t id_ = 0;
};

struct BatchServerHandlers {
  // The payload is valid during the call only.
  runtime::UniqueFunction<void(WorkHandle, std::string_view payload)> on_item;
  // Nobody waits for this item any more; answering it is allowed and ignored.
  runtime::UniqueFunction<void(std::uint64_t client, std::uint64_t id)> on_cancel = {};
};

class BatchServer {
 public:
  // endpoint: "tcp://127.0.0.1:31005" (port 0: any).
  static Result<std::unique_ptr<BatchServer>> listen(runtime::Loop& loop,
                                                     const std::string& endpoint,
                                                     StreamLimits limits,
                                                     BatchServerHandlers handlers);
  ~BatchServer();
  BatchServer(const BatchServer&) = delete;
  BatchServer& operator=(const BatchServer&) = delete;

  const std::string& endpoint() const;
  // No further credit until resumed; what is here is worked on.
  void pause(bool paused);
  std::uint64_t items_held() const;
  std::uint64_t items_done() const;

 private:
  explicit BatchServer(std::shared_ptr<detail::ServerState> state);
  std::shared_ptr<detail::ServerState> state_;
};

struct BatchClientHandlers {
  // The stream stands and there is credit; also after each time there was none.
  runtime::UniqueFunction<void()> on_ready = {};
  runtime::UniqueFunction<void(std::uint64_t id, bool ok, std::string_view payload)> on_result;
  runtime::UniqueFunction<void(std::uint64_t id, std::string_view what)> on_progress = {};
  // The connection is gone; these items have no answer. Reconnecting goes on by itself.
  runtime::UniqueFunction<void(std::vector<std::uint64_t> ids)> on_lost = {};
};

class BatchClient {
 public:
  static Result<std::unique_ptr<BatchClient>> open(runtime::Loop& loop, const std::string& endpoint,
                                                   std::string name, StreamLimits limits,
                                                   BatchClientHandlers handlers);
  ~BatchClient();
  BatchClient(const BatchClient&) = delete;
  BatchClient& operator=(const BatchClient&) = delete;

  bool connected() const;
  // Items that may be sent now; 0 while disconnected or without credit.
  std::uint64_t credit() const;
  // already_exists: an item with that id waits for its result. too_large. unavailable: no credit.
  Status submit(std::uint64_t id, std::string_view payload);
  void cancel(std::uint64_t id);
  std::size_t in_flight() const;

 private:
  struct Impl;
  explicit BatchClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace bourse::batch
