#include "executors/batch/batch_stream.hpp"

#include <catch2/catch.hpp>
#include <deque>
#include <functional>
#include <map>
#include <thread>

#include "runtime/zmq_endpoint.hpp"

using namespace bourse;
using namespace bourse::batch;

namespace {

// Runs the loop until the condition holds; false after ten seconds.
bool until(runtime::Loop& loop, const std::function<bool()>& condition) {
  for (int i = 0; i < 1000 && !condition(); ++i) (void)loop.run_for(Duration::milliseconds(10));
  return condition();
}

struct Server {
  runtime::Loop& loop;
  std::deque<std::pair<WorkHandle, std::string>> work;
  std::vector<std::uint64_t> cancelled;
  std::unique_ptr<BatchServer> stream;
  bool at_once = true;

  Server(runtime::Loop& loop_arg, StreamLimits limits, const std::string& endpoint)
      : loop(loop_arg) {
    BatchServerHandlers handlers;
    handlers.on_item = [this](WorkHandle handle, std::string_view payload) {
      if (at_once) {
        handle.done("did " + std::string(payload));
      } else {
        work.emplace_back(std::move(handle), std::string(payload));
      }
    };
    handlers.on_cancel = [this](std::uint64_t, std::uint64_t id) { cancelled.push_back(id); };
    auto opened = BatchServer::listen(loop, endpoint, limits, std::move(handlers));
    REQUIRE(opened.ok());
    stream = std::move(opened).value();
  }
};

struct Client {
  runtime::Loop& loop;
  std::map<std::uint64_t, std::string> results;
  std::map<std::uint64_t, bool> ok;
  std::vector<std::uint64_t> lost;
  std::vector<std::string> progress;
  std::unique_ptr<BatchClient> stream;

  Client(runtime::Loop& loop_arg, const std::string& endpoint, StreamLimits limits = {})
      : loop(loop_arg) {
    BatchClientHandlers handlers;
    handlers.on_result = [this](std::uint64_t id, bool good, std::string_view payload) {
      results[id] = payload;
      ok[id] = good;
    };
    handlers.on_progress = [this](std::uint64_t, std::string_view what) {
      progress.emplace_back(what);
    };
    handlers.on_lost = [this](std::vector<std::uint64_t> ids) {
      lost.insert(lost.end(), ids.begin(), ids.end());
    };
    auto opened = BatchClient::open(loop, endpoint, "test", limits, std::move(handlers));
    REQUIRE(opened.ok());
    stream = std::move(opened).value();
  }
  bool ready() {
    return until(loop, [this] { return stream->credit() > 0; });
  }
};

}  // namespace

TEST_CASE("work items go to the worker and their results come back") {
  runtime::Loop loop;
  Server server(loop, {}, "tcp://127.0.0.1:0");
  Client client(loop, server.stream->endpoint());
  REQUIRE(client.ready());
  for (std::uint64_t id = 1; id <= 40; ++id) {
    REQUIRE(client.stream->submit(id, std::to_string(id)).ok());
  }
  REQUIRE(until(loop, [&] { return client.results.size() == 40; }));
  REQUIRE(client.results[7] == "did 7");
  REQUIRE(server.stream->items_done() == 40);
  REQUIRE(client.stream->in_flight() == 0);
}

TEST_CASE("a slow worker's client runs out of credit and goes on as items are done") {
  runtime::Loop loop;
  StreamLimits limits;
  limits.window_items = 4;
  Server server(loop, limits, "tcp://127.0.0.1:0");
  server.at_once = false;
  Client client(loop, server.stream->endpoint());
  REQUIRE(client.ready());
  std::uint64_t sent = 0;
  while (client.stream->credit() > 0) REQUIRE(client.stream->submit(++sent, "x").ok());
  REQUIRE(sent == 4);
  REQUIRE(client.stream->submit(99, "x").error().code == ErrorCode::unavailable);
  REQUIRE(until(loop, [&] { return server.work.size() == 4; }));
  REQUIRE(server.stream->items_held() == 4);
  while (sent < 30) {
    if (!server.work.empty()) {
      server.work.front().first.done("");
      server.work.pop_front();
    }
    REQUIRE(until(loop, [&] { return client.stream->credit() > 0; }));
    REQUIRE(client.stream->submit(++sent, "x").ok());
    REQUIRE(server.stream->items_held() <= 4);
  }
}

TEST_CASE("results may be given from another thread") {
  runtime::Loop loop;
  Server server(loop, {}, "tcp://127.0.0.1:0");
  server.at_once = false;
  Client client(loop, server.stream->endpoint());
  REQUIRE(client.ready());
  REQUIRE(client.stream->submit(1, "x").ok());
  REQUIRE(until(loop, [&] { return server.work.size() == 1; }));
  std::thread other([&] {
    server.work.front().first.progress("half");
    server.work.front().first.failed("no");
  });
  other.join();
  REQUIRE(until(loop, [&] { return client.results.contains(1); }));
  REQUIRE_FALSE(client.ok[1]);
  REQUIRE(client.results[1] == "no");
  REQUIRE(client.progress == std::vector<std::string>{"half"});
}

TEST_CASE("an item that a worker drops fails instead of hanging") {
  runtime::Loop loop;
  Server server(loop, {}, "tcp://127.0.0.1:0");
  server.at_once = false;
  Client client(loop, server.stream->endpoint());
  REQUIRE(client.ready());
  REQUIRE(client.stream->submit(1, "x").ok());
  REQUIRE(until(loop, [&] { return server.work.size() == 1; }));
  server.work.clear();
  REQUIRE(until(loop, [&] { return client.results.contains(1); }));
  REQUIRE(client.results[1] == "dropped");
}

TEST_CASE("a worker that dies gives its client the unanswered items back, and a new one is found") {
  runtime::Loop loop;
  auto server = std::make_unique<Server>(loop, StreamLimits{}, "tcp://127.0.0.1:0");
  const std::string endpoint = server->stream->endpoint();
  server->at_once = false;
  Client client(loop, endpoint);
  REQUIRE(client.ready());
  for (std::uint64_t id = 1; id <= 3; ++id) REQUIRE(client.stream->submit(id, "x").ok());
  REQUIRE(until(loop, [&] { return server->work.size() == 3; }));
  server.reset();
  REQUIRE(until(loop, [&] { return client.lost.size() == 3; }));
  REQUIRE(client.stream->in_flight() == 0);
  Server again(loop, {}, endpoint);
  REQUIRE(client.ready());
  REQUIRE(client.stream->submit(1, "again").ok());
  REQUIRE(until(loop, [&] { return client.results.contains(1); }));
}

TEST_CASE("a client that goes away or cancels has its items cancelled") {
  runtime::Loop loop;
  Server server(loop, {}, "tcp://127.0.0.1:0");
  server.at_once = false;
  {
    Client client(loop, server.stream->endpoint());
    REQUIRE(client.ready());
    REQUIRE(client.stream->submit(1, "x").ok());
    REQUIRE(client.stream->submit(2, "x").ok());
    REQUIRE(until(loop, [&] { return server.work.size() == 2; }));
    client.stream->cancel(2);
    REQUIRE(until(loop, [&] { return server.cancelled == std::vector<std::uint64_t>{2}; }));
  }
  REQUIRE(until(loop, [&] { return server.cancelled.size() == 3; }));
  REQUIRE(server.stream->items_held() == 0);
}

TEST_CASE("pausing a worker stops further credit, resuming gives it") {
  runtime::Loop loop;
  StreamLimits limits;
  limits.window_items = 2;
  Server server(loop, limits, "tcp://127.0.0.1:0");
  Client client(loop, server.stream->endpoint());
  REQUIRE(client.ready());
  server.stream->pause(true);
  REQUIRE(client.stream->submit(1, "x").ok());
  REQUIRE(client.stream->submit(2, "x").ok());
  REQUIRE(until(loop, [&] { return client.results.size() == 2; }));
  REQUIRE(client.stream->credit() == 0);
  server.stream->pause(false);
  REQUIRE(client.ready());
}

TEST_CASE("an item over the limit and an id in use are refused by name") {
  runtime::Loop loop;
  Server server(loop, {}, "tcp://127.0.0.1:0");
  server.at_once = false;
  StreamLimits limits;
  limits.max_item_bytes = 10;
  Client client(loop, server.stream->endpoint(), limits);
  REQUIRE(client.ready());
  REQUIRE(client.stream->submit(1, std::string(11, 'x')).error().code == ErrorCode::too_large);
  REQUIRE(client.stream->submit(1, "x").ok());
  REQUIRE(client.stream->submit(1, "x").error().code == ErrorCode::already_exists);
}

TEST_CASE("a peer that breaks the batch protocol is disconnected, others go on") {
  runtime::Loop loop;
  Server server(loop, {}, "tcp://127.0.0.1:0");
  Client good(loop, server.stream->endpoint());
  REQUIRE(good.ready());
  for (const char* bytes : {"garbage", "\x01", "\x0a\x02twelve bytes"}) {
    bool connected = false;
    bool dropped = false;
    std::unique_ptr<runtime::ZmqClient> bad;
    runtime::ZmqClientHandlers handlers;
    handlers.on_connected = [&] {
      connected = true;
      (void)bad->send(bytes);
    };
    handlers.on_message = [](std::string_view) {};
    handlers.on_disconnected = [&] { dropped = true; };
    runtime::ZmqClientOptions options;
    options.endpoint = server.stream->endpoint();
    auto opened = runtime::ZmqClient::open(loop, options, std::move(handlers));
    REQUIRE(opened.ok());
    bad = std::move(opened).value();
    REQUIRE(until(loop, [&] { return connected && dropped; }));
  }
  REQUIRE(good.stream->submit(1, "x").ok());
  REQUIRE(until(loop, [&] { return good.results.contains(1); }));
}

TEST_CASE("a result that is too large is an answer that says so") {
  runtime::Loop loop;
  Server server(loop, {.max_item_bytes = 1000}, "tcp://127.0.0.1:0");
  server.at_once = false;
  Client client(loop, server.stream->endpoint());
  REQUIRE(client.ready());
  REQUIRE(client.stream->submit(1, "x").ok());
  REQUIRE(until(loop, [&] { return server.work.size() == 1; }));
  server.work.front().first.done(std::string(1001, 'r'));
  REQUIRE(until(loop, [&] { return client.results.size() == 1; }));
  REQUIRE_FALSE(client.ok[1]);
  REQUIRE(client.results[1] == "its result has 1001 bytes, at most 1000 may be sent");
}

TEST_CASE("a client that cannot take a message loses what was under way, and comes back") {
  runtime::Loop loop;
  Server server(loop, {.max_item_bytes = 16u << 20}, "tcp://127.0.0.1:0");
  server.at_once = false;
  Client client(loop, server.stream->endpoint(), {.max_item_bytes = 1000});
  REQUIRE(client.ready());
  REQUIRE(client.stream->submit(1, "x").ok());
  REQUIRE(until(loop, [&] { return server.work.size() == 1; }));
  server.work.front().first.done(std::string(12u << 20, 'r'));
  REQUIRE(until(loop, [&] { return client.lost == std::vector<std::uint64_t>{1}; }));
  REQUIRE_FALSE(client.stream->connected());
  REQUIRE(client.ready());
  server.at_once = true;
  REQUIRE(client.stream->submit(2, "small").ok());
  REQUIRE(until(loop, [&] { return client.results.contains(2); }));
  REQUIRE(client.results[2] == "did small");
}
