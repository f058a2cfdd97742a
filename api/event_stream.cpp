#include "api/event_stream.hpp"

namespace bourse::api {

void EventStream::open(const runtime::HttpHeaders& headers,
                       runtime::UniqueFunction<void(const Error&)> on_closed) {
  if (is_open_) return;
  is_open_ = true;
  runtime::HttpResponse head;
  head.headers = headers;
  head.headers.add("Content-Type", std::string(codec::media_type(encoding_)));
  stream_ = responder_.open_stream(std::move(head), queue_bytes_);
  responder_ = runtime::HttpResponder();
  stream_.on_closed(std::move(on_closed));
}

}  // namespace bourse::api
