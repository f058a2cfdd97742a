// Connection: one client of the Server: bytes in, replies out, in whatever manner the site asks
// for. Owned by one server thread. Never fails: a peer that misbehaves is closed.
#pragma once

#include <cstdint>
#include <string>

#include "base/time.hpp"
#include "examples/crawler/shopweb/site.hpp"

namespace bourse::crawler::shopweb {

class Connection {
 public:
  Connection(int fd, Site& site) : fd_(fd), site_(site) {}
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Each returns false when the connection is over.
  bool readable(Instant now);
  bool writable(Instant now);
  bool due(Instant now);

  bool wants_write() const { return out_at_ < out_.size() && wake_ == Instant::max(); }
  // When due() wants to be called; Instant::max() for never.
  Instant wake() const { return wake_; }

 private:
  bool serve(Instant now);
  bool flush(Instant now);
  void queue(Reply reply, bool head_only, bool keep_alive, Instant now);

  int fd_;
  Site& site_;
  std::string in_;
  std::string out_;
  std::size_t out_at_ = 0;
  bool close_after_ = false;
  Manner endless_ = Manner::plain;
  Instant wake_ = Instant::max();
};

}  // namespace bourse::crawler::shopweb
