#include "runtime/zmq_endpoint.hpp"

#include <catch2/catch.hpp>
#include <cstdio>
#include <ctime>
#include <thread>

#include "tests/unit/runtime/zmq_fixture.hpp"

namespace bourse::runtime {
namespace {

using test::ClientLog;
using test::open_client;
using test::open_server;
using test::run_until;
using test::ServerLog;

TEST_CASE("a client and a server exchange messages in order over tcp and ipc") {
  Loop loop;
  test::TempDir dir;
  for (const std::string& endpoint : {std::string("tcp://127.0.0.1:0"), "ipc://" + dir.file("s")}) {
    ServerLog at_server;
    auto server = open_server(loop, at_server, {.endpoint = endpoint});
    REQUIRE(server);
    REQUIRE((server->port() != 0) == (endpoint[0] == 't'));
    ClientLog at_client;
    auto client = open_client(loop, at_client, server->endpoint());
    REQUIRE(client);
    REQUIRE(client->send("early").error().code == ErrorCode::unavailable);
    REQUIRE(run_until(loop, [&] { return at_client.connected == 1; }));
    REQUIRE(client->connected());
    for (int i = 0; i < 3000; ++i) REQUIRE(client->send(std::to_string(i)).ok());
    REQUIRE(client->send("").ok());
    REQUIRE(run_until(loop, [&] { return at_server.messages.size() == 3001; }));
    for (int i = 0; i < 3000; ++i) {
      REQUIRE(at_server.messages[static_cast<std::size_t>(i)].second == std::to_string(i));
    }
    REQUIRE(at_server.opened.size() == 1);
    const PeerId peer = at_server.opened[0];
    for (int i = 0; i < 3000; ++i) REQUIRE(server->send(peer, std::to_string(i)).ok());
    REQUIRE(run_until(loop, [&] { return at_client.messages.size() == 3000; }));
    REQUIRE(at_client.messages.back() == "2999");
    REQUIRE(run_until(loop, [&] { return server->stats().queued_bytes == 0; }));
  }
}

TEST_CASE("large messages arrive whole in both directions and leave no byte counted") {
  Loop loop;
  ServerLog at_server;
  auto server = open_server(loop, at_server);
  ClientLog at_client;
  auto client = open_client(loop, at_client, server->endpoint());
  REQUIRE(run_until(loop, [&] { return client->connected(); }));
  std::string large(6 << 20, 'x');
  large[12345] = 'y';
  REQUIRE(client->send(large).ok());
  REQUIRE(client->send(large).ok());
  REQUIRE(run_until(loop, [&] { return at_server.messages.size() == 2; }));
  REQUIRE(at_server.messages[1].second == large);
  REQUIRE(server->send(at_server.opened[0], large).ok());
  REQUIRE(run_until(loop, [&] { return at_client.messages.size() == 1; }));
  REQUIRE(at_client.messages[0] == large);
  REQUIRE(client->send(std::string(9 << 20, 'x')).error().code == ErrorCode::too_large);
}

TEST_CASE("the server tells that a peer went away, after its last message") {
  Loop loop;
  ServerLog at_server;
  auto server = open_server(loop, at_server);
  ClientLog at_client;
  auto client = open_client(loop, at_client, server->endpoint());
  REQUIRE(run_until(loop, [&] { return client->connected(); }));
  REQUIRE(client->send("hello").ok());
  REQUIRE(run_until(loop, [&] { return at_server.messages.size() == 1; }));
  REQUIRE(server->stats().peers == 1);
  client.reset();
  REQUIRE(run_until(loop, [&] { return at_server.closed.size() == 1; }));
  REQUIRE(at_server.closed.begin()->first == at_server.opened[0]);
  REQUIRE(server->stats().peers == 0);
  REQUIRE(server->stats().connections == 0);
  REQUIRE(server->send(at_server.opened[0], "x").error().code == ErrorCode::not_found);
}

TEST_CASE("a client that reconnects is a new peer, and is told of both ends") {
  Loop loop;
  ServerLog at_server;
  auto server = open_server(loop, at_server);
  const std::string endpoint = server->endpoint();
  ClientLog at_client;
  auto client = open_client(loop, at_client, endpoint);
  REQUIRE(run_until(loop, [&] { return client->connected(); }));
  REQUIRE(client->send("one").ok());
  REQUIRE(run_until(loop, [&] { return at_server.messages.size() == 1; }));
  SECTION("when the server closes the connection") {
    server->close(at_server.opened[0]);
    REQUIRE(run_until(loop, [&] { return at_client.disconnected == 1; }));
  }
  SECTION("when the server restarts on the same endpoint") {
    server.reset();
    REQUIRE(run_until(loop, [&] { return at_client.disconnected == 1; }));
    REQUIRE(client->send("lost").error().code == ErrorCode::unavailable);
    ZmqServerOptions options;
    options.endpoint = endpoint;
    server = open_server(loop, at_server, options);
    REQUIRE(server);
  }
  REQUIRE(run_until(loop, [&] { return at_client.connected == 2; }));
  REQUIRE(client->send("two").ok());
  REQUIRE(run_until(loop, [&] { return at_server.messages.size() == 2; }));
  REQUIRE(at_server.opened.size() == 2);
  // close() is silent: whoever asked for it knows.
  REQUIRE(at_server.closed.empty());
}

TEST_CASE("while reading is off the network pushes back, and nothing is lost") {
  Loop loop;
  ServerLog at_server;
  ZmqServerOptions options;
  options.limits.receive_high_water_mark = 8;
  auto server = open_server(loop, at_server, options);
  ClientLog at_client;
  ZmqClientOptions client_options;
  client_options.limits.queue_bytes = 4 << 20;
  auto client = open_client(loop, at_client, server->endpoint(), client_options);
  REQUIRE(run_until(loop, [&] { return client->connected(); }));
  server->set_reading(false);
  const std::string block(256 << 10, 'x');
  std::size_t taken = 0;
  bool full = false;
  run_until(loop, [&] {
    const Status s = client->send(block);
    if (s.ok()) ++taken;
    full = !s.ok() && s.error().code == ErrorCode::full;
    return full || taken > 2000;
  });
  REQUIRE(full);
  REQUIRE(at_server.messages.empty());
  server->set_reading(true);
  REQUIRE(run_until(loop, [&] { return at_server.messages.size() == taken; }));
}

TEST_CASE("an endpoint that cannot be opened is an error that names it") {
  Loop loop;
  ServerLog log;
  auto server = open_server(loop, log);
  auto second = ZmqServer::open(loop, {.endpoint = server->endpoint()}, log.handlers());
  REQUIRE(second.error().message.find(server->endpoint()) != std::string::npos);
  REQUIRE(second.error().message.find("in use") != std::string::npos);
  REQUIRE_FALSE(ZmqServer::open(loop, {.endpoint = "nonsense"}, log.handlers()).ok());
  REQUIRE_FALSE(
      ZmqServer::open(loop, {.endpoint = "ipc:///tmp/" + std::string(200, 'x')}, log.handlers())
          .ok());
  ClientLog client_log;
  REQUIRE_FALSE(ZmqClient::open(loop, {.endpoint = "tcp://"}, client_log.handlers()).ok());
}

TEST_CASE("only keys on the list get in, with their user id") {
  Loop loop;
  const CurveKeys server_keys = make_curve_keys().value();
  const CurveKeys known = make_curve_keys().value();
  const CurveKeys stranger = make_curve_keys().value();
  ServerLog at_server;
  ZmqServerOptions options;
  options.limits.handshake_timeout = Duration::milliseconds(200);
  options.curve = ZmqCurveServer{.keys = server_keys, .allowed = {{known.public_key, "agent-7"}}};
  auto server = open_server(loop, at_server, options);
  REQUIRE(server);
  ClientLog good_log;
  ZmqClientOptions good;
  good.curve = ZmqCurveClient{known, server_keys.public_key};
  ClientLog bad_log;
  ZmqClientOptions bad;
  bad.curve = ZmqCurveClient{stranger, server_keys.public_key};
  ClientLog plain_log;
  auto good_client = open_client(loop, good_log, server->endpoint(), good);
  auto bad_client = open_client(loop, bad_log, server->endpoint(), bad);
  auto plain_client = open_client(loop, plain_log, server->endpoint());
  REQUIRE(run_until(loop, [&] { return good_client->connected(); }));
  REQUIRE(good_client->send("hello").ok());
  REQUIRE(run_until(loop, [&] { return at_server.messages.size() == 1; }));
  loop.run_for(Duration::milliseconds(200));
  REQUIRE(at_server.users == std::vector<std::string>{"agent-7"});
  REQUIRE(bad_log.connected == 0);
  REQUIRE(plain_log.connected == 0);
  // A changed list counts for the next connection.
  server->set_allowed({{stranger.public_key, "agent-8"}});
  REQUIRE(run_until(loop, [&] { return bad_client->connected(); }));
}

TEST_CASE("with the authentication handler missing nobody gets in, whatever the key") {
  Loop loop;
  const CurveKeys server_keys = make_curve_keys().value();
  const CurveKeys known = make_curve_keys().value();
  ServerLog at_server;
  ZmqServerOptions options;
  options.curve = ZmqCurveServer{.keys = server_keys,
                                 .allowed = {{known.public_key, "agent-7"}},
                                 .answer_authentication = false};
  auto server = open_server(loop, at_server, options);
  REQUIRE(server);
  ClientLog log;
  ZmqClientOptions good;
  good.curve = ZmqCurveClient{known, server_keys.public_key};
  auto client = open_client(loop, log, server->endpoint(), good);
  loop.run_for(Duration::milliseconds(400));
  REQUIRE(log.connected == 0);
  REQUIRE(at_server.messages.empty());
}

TEST_CASE("a key of the wrong form is refused when the endpoint is opened") {
  Loop loop;
  ServerLog log;
  ZmqServerOptions options;
  options.endpoint = "tcp://127.0.0.1:*";
  options.curve = ZmqCurveServer{.keys = {"short", "short"}, .allowed = {}};
  auto server = ZmqServer::open(loop, options, log.handlers());
  REQUIRE(server.error().code == ErrorCode::invalid);
  REQUIRE(server.error().message.find("40 characters") != std::string::npos);
}

// What the calling thread has used of a processor: says more than wall time on a busy machine.
Duration thread_cpu() {
  timespec at{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
  return Duration::seconds(at.tv_sec) + Duration::nanoseconds(at.tv_nsec);
}

TEST_CASE("a thousand peers send and receive at more than a trickle") {
  constexpr std::size_t kPeers = 1000;
  constexpr std::size_t kPerPeer = 200;
  Loop loop;
  std::size_t received = 0;
  std::vector<PeerId> peers;
  ZmqServerHandlers handlers;
  handlers.on_open = [&](PeerId peer, const ZmqPeerInfo&) { peers.push_back(peer); };
  handlers.on_message = [&](PeerId, std::string_view) { ++received; };
  auto server = std::move(ZmqServer::open(loop,
                                          {.endpoint = "tcp://127.0.0.1:*",
                                           .first_message_timeout = Duration::seconds(60)},
                                          std::move(handlers)))
                    .value();
  const std::string endpoint = server->endpoint();
  std::atomic<std::size_t> connected{0};
  std::atomic<std::size_t> answered{0};
  std::atomic<bool> go{false};
  std::atomic<bool> end{false};
  std::thread load([&] {
    Loop client_loop;
    std::vector<std::unique_ptr<ZmqClient>> clients;
    for (std::size_t i = 0; i < kPeers; ++i) {
      ZmqClientHandlers h;
      h.on_connected = [&] { ++connected; };
      h.on_message = [&](std::string_view) { ++answered; };
      clients.push_back(
          std::move(ZmqClient::open(client_loop, {.endpoint = endpoint}, std::move(h))).value());
    }
    while (!go) client_loop.run_for(Duration::milliseconds(1));
    for (std::size_t n = 0; n < kPerPeer; ++n) {
      for (auto& client : clients) static_cast<void>(client->send(std::string(200, 'x')));
    }
    while (!end) client_loop.run_for(Duration::milliseconds(1));
  });
  const bool all_connected = run_until(
      loop, [&] { return connected >= kPeers; }, Duration::seconds(30));
  const Instant start = monotonic_now();
  const Duration cpu_start = thread_cpu();
  go = true;
  const bool all = run_until(
      loop, [&] { return received == kPeers * kPerPeer; }, Duration::seconds(30));
  const Duration in_time = monotonic_now() - start;
  const Duration cpu_in = thread_cpu() - cpu_start;
  const Instant back = monotonic_now();
  for (std::size_t n = 0; n < kPerPeer; ++n) {
    for (const PeerId peer : peers) static_cast<void>(server->send(peer, std::string(200, 'x')));
  }
  const bool answered_all = run_until(
      loop, [&] { return answered == kPeers * kPerPeer; }, Duration::seconds(30));
  const Duration out_time = monotonic_now() - back;
  const Duration cpu_out = thread_cpu() - cpu_start - cpu_in;
  end = true;
  load.join();
  REQUIRE(all_connected);
  REQUIRE(all);
  REQUIRE(peers.size() == kPeers);
  REQUIRE(answered_all);
  const double count = kPeers * kPerPeer;
  std::printf(
      "zmq, 1000 peers, 200 B, load generator on the same cores: in %.0f msg/s, %.2f us of the "
      "loop's cpu each; out %.0f msg/s, %.2f us\n",
      count * 1e9 / static_cast<double>(in_time.ns), static_cast<double>(cpu_in.ns) / count / 1e3,
      count * 1e9 / static_cast<double>(out_time.ns),
      static_cast<double>(cpu_out.ns) / count / 1e3);
}

}  // namespace
}  // namespace bourse::runtime
