// EventStream: one subscription over HTTP. Its answer is opened when the first of "it is admitted"
// and "this is its first event" comes, for the two may travel apart; from then on every event is a
// RecordIO record in a chunk of its own. The server's loop thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "proto/codec/encoding.hpp"
#include "runtime/http_server.hpp"

namespace bourse::api {

class EventStream {
 public:
  // `queue_bytes`: what the subscriber has not read; more, and the stream is closed.
  EventStream(runtime::HttpResponder responder, codec::Encoding encoding, std::size_t queue_bytes)
      : encoding_(encoding), queue_bytes_(queue_bytes), responder_(std::move(responder)) {}

  codec::Encoding encoding() const { return encoding_; }
  // 200 with the encoding's Content-Type and these headers. Once; later calls do nothing.
  // `on_closed` as HttpStream's.
  void open(const runtime::HttpHeaders& headers,
            runtime::UniqueFunction<void(const Error&)> on_closed);
  // False: it is closed already, and on_closed follows. REQUIRES that it is open.
  bool send(std::string_view record) const { return stream_.send_record(record); }
  // Ends the answer after what was sent; nothing if it is not open.
  void close() const { stream_.close(); }
  // Ends it at once: what was sent and not read is dropped. on_closed follows.
  void abort(Error why) const { stream_.abort(std::move(why)); }
  // Sent and not taken by the network; none of one that has ended.
  std::size_t unread_bytes() const { return stream_.closed() ? 0 : stream_.queued_bytes(); }

 private:
  codec::Encoding encoding_;
  std::size_t queue_bytes_;
  bool is_open_ = false;
  runtime::HttpResponder responder_;  // until it is open
  runtime::HttpStream stream_;
};

}  // namespace bourse::api
