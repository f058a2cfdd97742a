// Test support: a server and a client that note what they were told.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "runtime/zmq_endpoint.hpp"
#include "tests/unit/runtime/wait_for.hpp"

namespace bourse::runtime::test {

struct ServerLog {
  std::vector<PeerId> opened;
  std::vector<std::string> users;
  std::vector<std::pair<PeerId, std::string>> messages;
  std::map<PeerId, Error> closed;
  std::function<void()> during_message;  // once, inside the next

  ZmqServerHandlers handlers() {
    ZmqServerHandlers h;
    h.on_open = [this](PeerId peer, const ZmqPeerInfo& info) {
      opened.push_back(peer);
      users.push_back(info.user_id);
    };
    h.on_message = [this](PeerId peer, std::string_view bytes) {
      messages.emplace_back(peer, std::string(bytes));
      if (during_message) std::exchange(during_message, nullptr)();
    };
    h.on_close = [this](PeerId peer, const Error& why) { closed.emplace(peer, why); };
    return h;
  }
};

struct ClientLog {
  int connected = 0;
  int disconnected = 0;
  std::vector<std::string> messages;

  ZmqClientHandlers handlers() {
    ZmqClientHandlers h;
    h.on_connected = [this] { ++connected; };
    h.on_message = [this](std::string_view bytes) { messages.emplace_back(bytes); };
    h.on_disconnected = [this] { ++disconnected; };
    return h;
  }
};

inline std::unique_ptr<ZmqServer> open_server(Loop& loop, ServerLog& log,
                                              ZmqServerOptions options = {}) {
  if (options.endpoint.empty()) options.endpoint = "tcp://127.0.0.1:*";
  auto server = ZmqServer::open(loop, std::move(options), log.handlers());
  return server.ok() ? std::move(server).value() : nullptr;
}

inline std::unique_ptr<ZmqClient> open_client(Loop& loop, ClientLog& log,
                                              const std::string& endpoint,
                                              ZmqClientOptions options = {}) {
  options.endpoint = endpoint;
  options.reconnect_min = Duration::milliseconds(10);
  auto client = ZmqClient::open(loop, std::move(options), log.handlers());
  return client.ok() ? std::move(client).value() : nullptr;
}

}  // namespace bourse::runtime::test
