// SessionOutput: who reads what a session writes, each in the encoding it asked for: records of
// ProcessIO on responses that stay open. The server's loop thread.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "proto/codec/encoding.hpp"
#include "runtime/http_server.hpp"

namespace bourse::agent {

// So that proxies keep a connection open on which nobody types; as Mesos.
inline constexpr Duration kSessionHeartbeat = Duration::seconds(30);

enum class OutputKind : std::uint8_t { out, err };

class SessionOutput {
 public:
  struct Reader {
    std::uint64_t number = 0;
    codec::Encoding encoding = codec::Encoding::json;
    runtime::HttpStream stream;
  };

  // `streamed`: the client asked for application/recordio, and is told what its records are.
  // `gone` runs once when the client has left or does not read.
  void add(const runtime::HttpResponder& responder, codec::Encoding encoding, bool streamed,
           std::uint64_t number, runtime::UniqueFunction<void()> gone);
  void remove(std::uint64_t number);
  void write(OutputKind kind, std::string_view bytes) const;
  void heartbeat() const;
  // Somebody has so much unread that more should wait.
  bool backed_up() const;
  void close();

 private:
  std::vector<Reader> readers_;
};

}  // namespace bourse::agent
