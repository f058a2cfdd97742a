// Framed messages over a unix stream socket: UnixServer on a path, UnixConnection for the other
// end. A frame is a 4-byte little-endian length and that many bytes; a stream rather than
// SOCK_SEQPACKET because that is limited by the kernel's send buffer.
//
// Ownership and thread: an endpoint belongs to its loop's thread; do not destroy it inside one of
// its callbacks (post the destruction). Bytes given to on_message are valid during the call only.
// Bounds: a length over max_message_bytes closes that connection before anything is allocated; a
// peer that does not read costs at most queue_bytes and is then closed with `full`.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/id.hpp"
#include "base/result.hpp"
#include "runtime/loop.hpp"

namespace bourse::runtime {

// A connection of one UnixServer; never used twice.
using ConnectionId = NumberId<struct ConnectionTag>;

// Who is at the other end, as the kernel says; of the moment of connecting.
struct PeerCredentials {
  pid_t pid = 0;
  uid_t uid = 0;
  gid_t gid = 0;
};

struct UnixLimits {
  std::size_t max_message_bytes = 4u << 20;
  std::size_t queue_bytes = 8u << 20;
  std::size_t max_connections = 1024;  // further ones are closed at once
};

struct UnixServerHandlers {
  UniqueFunction<void(ConnectionId, const PeerCredentials&)> on_open = {};
  UniqueFunction<void(ConnectionId, std::string_view)> on_message = {};
  // Once per opened connection, except after close(): `unavailable` the peer closed or died,
  // `invalid`/`too_large` it sent a bad frame, `full` it does not read.
  UniqueFunction<void(ConnectionId, const Error&)> on_close = {};
};

class UnixServer {
 public:
  // The path must be shorter than 108 bytes; a stale socket file there is replaced, a live one is
  // an error. The file gets `mode`. Removed on destruction.
  static Result<std::unique_ptr<UnixServer>> listen(Loop& loop, const std::string& path,
                                                    UnixLimits limits, UnixServerHandlers handlers,
                                                    unsigned mode = 0600);
  ~UnixServer();
  UnixServer(const UnixServer&) = delete;
  UnixServer& operator=(const UnixServer&) = delete;

  // not_found: no such connection. full: it does not read and has been dropped, on_close follows.
  Status send(ConnectionId connection, std::string bytes);
  // Sends what is queued as far as the socket takes it, then closes. Silent.
  void close(ConnectionId connection);
  // While false nothing is read from this connection.
  void set_reading(ConnectionId connection, bool reading);
  std::size_t connections() const;

 private:
  struct Impl;
  explicit UnixServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

struct UnixConnectionHandlers {
  UniqueFunction<void(std::string_view)> on_message = {};
  // Once; nothing else is called afterwards. Not after the owner destroyed it.
  UniqueFunction<void(const Error&)> on_close = {};
};

class UnixConnection {
 public:
  // Connects to a path. unavailable: nobody listens there.
  static Result<std::unique_ptr<UnixConnection>> connect(Loop& loop, const std::string& path,
                                                         UnixLimits limits,
                                                         UnixConnectionHandlers handlers);
  // Takes over a connected stream socket (a socketpair, an inherited fd).
  static Result<std::unique_ptr<UnixConnection>> adopt(Loop& loop, int fd, UnixLimits limits,
                                                       UnixConnectionHandlers handlers);
  ~UnixConnection();
  UnixConnection(const UnixConnection&) = delete;
  UnixConnection& operator=(const UnixConnection&) = delete;

  bool open() const;
  PeerCredentials peer() const;
  Status send(std::string bytes);
  void set_reading(bool reading);
  // Bytes accepted by send() and not yet by the kernel.
  std::size_t queued_bytes() const;

 private:
  struct Impl;
  explicit UnixConnection(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace bourse::runtime
