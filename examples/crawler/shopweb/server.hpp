// Server: HTTP/1.1 for a Site on one loopback port; threads with an epoll each share it through
// SO_REUSEPORT. All shops live behind this one port and are told apart by the Host header: that
// needs no right to bind low ports or extra addresses, works on every machine, and makes the
// crawler's address map (host -> address) a real thing. Plain sockets, because this server must
// push 150 MB/s through while it shares its cores with the crawler it feeds, and because its job is
// to break HTTP in ways no HTTP library lets one.
//
// start() and stop() on one thread; the Site outlives the server. GET and HEAD without bodies.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/result.hpp"

namespace bourse::crawler::shopweb {

class Site;

class Server {
 public:
  explicit Server(Site& site) : site_(site) {}
  ~Server() { stop(); }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Port 0 takes any free one. Fails when the port is taken or the address is not ours.
  Status start(std::uint16_t port, std::uint32_t threads, const std::string& ip = "127.0.0.1");
  void stop();
  std::uint16_t port() const { return port_; }
  const std::string& address() const { return address_; }  // "ip:port"

 private:
  Site& site_;
  std::uint16_t port_ = 0;
  std::string address_;
  std::atomic<bool> stopping_{false};
  std::vector<int> listeners_;
  std::vector<std::thread> threads_;
};

}  // namespace bourse::crawler::shopweb
