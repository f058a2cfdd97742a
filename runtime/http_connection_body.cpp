// The half of HttpConnection that hands a request's body over while it arrives.
#include <algorithm>
#include <boost/asio/buffer.hpp>

#include "runtime/http_connection.hpp"

namespace bourse::runtime {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

bool HttpConnection::body_is_streamed() const {
  const auto& types = server_->options().streamed_content_types;
  if (types.empty()) return false;
  const auto type = parser_->get()[http::field::content_type];
  const std::string_view given(type.data(), type.size());
  return std::find(types.begin(), types.end(), given) != types.end();
}

void HttpConnection::begin_body() {
  parser_->body_limit(boost::none);  // bounded by whoever takes the pieces
  body_.reset();
  body_reading_ = false;
  body_bytes_ = 0;
  notice_vanished_peer();
  handle_request();
}

void HttpConnection::receive_body(std::uint64_t request, HttpBodyHandlers handlers) {
  if (phase_ != Phase::receiving || request != request_ || body_) return;
  body_ = std::make_shared<HttpBodyHandlers>(std::move(handlers));
  set_reading_body(request, true);
}

void HttpConnection::set_reading_body(std::uint64_t request, bool reading) {
  if (phase_ != Phase::receiving || request != request_ || body_reading_ == reading) return;
  body_reading_ = reading;
  if (!reading) return;
  server_->loop().post([weak = weak_from_this(), request] {
    const auto self = weak.lock();
    if (self && self->phase_ == Phase::receiving && self->request_ == request) self->parse_body();
  });
}

void HttpConnection::parse_body() {
  const auto handlers = body_;  // an answer inside a handler lets go of them
  const std::size_t head = server_->options().max_header_bytes;
  while (body_ && body_reading_ && input_begin_ < input_end_ && !parser_->is_done()) {
    const std::size_t size = input_end_ - input_begin_;
    error_code error;
    const std::size_t used =
        parser_->put(asio::const_buffer(input_.data() + input_begin_, size), error);
    input_begin_ += used;
    consumed_ += used;
    const std::string piece = std::exchange(parser_->get().body(), std::string());
    body_bytes_ += piece.size();
    const bool stuck = error == http::error::need_more && used == 0;
    if ((error && error != http::error::need_more) || consumed_ > 2 * head + 8 * body_bytes_ ||
        (stuck && size > head)) {
      ++server_->stats().malformed;
      end_body(false);
      if (phase_ == Phase::receiving) refuse(400, "the body is not well formed");
      return;
    }
    if (!piece.empty()) handlers->on_piece(piece);
    if (phase_ != Phase::receiving) return;
    if (stuck) break;
  }
  if (!body_ || !body_reading_) return;
  if (!parser_->is_done()) return read();
  enter(Phase::handling);
  end_body(true);
}

void HttpConnection::end_body(bool whole) {
  if (const auto handlers = std::exchange(body_, nullptr)) handlers->on_end(whole);
}

}  // namespace bourse::runtime
