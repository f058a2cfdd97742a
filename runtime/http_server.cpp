#include "runtime/http_server.hpp"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <map>
#include <set>

#include "base/assert.hpp"
#include "runtime/clock.hpp"
#include "runtime/http_connection.hpp"
#include "runtime/loop_impl.hpp"

namespace bourse::runtime {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

// ---- handles for other threads ----------------------------------------------------------------

void HttpStreamState::notify(const std::shared_ptr<HttpStreamState>& self) {
  {
    const std::lock_guard lock(self->mutex);
    if (!self->ended || !self->on_closed) return;
  }
  self->loop.post([self] {
    UniqueFunction<void(const Error&)> callback;
    Error why;
    {
      const std::lock_guard lock(self->mutex);
      if (!self->on_closed) return;
      callback = std::exchange(self->on_closed, nullptr);
      why = *self->ended;
    }
    callback(why);
  });
}

namespace {

void post_flush(const std::shared_ptr<HttpStreamState>& state) {
  state->loop.post([state] {
    if (const auto connection = state->connection.lock()) connection->flush_stream();
  });
}

void post_abort(const std::shared_ptr<HttpStreamState>& state) {
  state->loop.post([state] {
    if (const auto connection = state->connection.lock()) connection->abort_stream(*state);
    HttpStreamState::notify(state);
  });
}

}  // namespace

bool HttpStream::send(std::string bytes) const {
  if (!state_) return false;
  bool flush = false;
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->closed) return false;
    if (bytes.empty()) return true;
    if (state_->queued_bytes + bytes.size() > state_->limit) {
      state_->closed = true;
      state_->pending.clear();
      state_->ended =
          Error{ErrorCode::full,
                "the client does not read: " + std::to_string(state_->queued_bytes) +
                    " bytes wait for it, at most " + std::to_string(state_->limit) + " may"};
    } else {
      state_->queued_bytes += bytes.size();
      state_->pending.push_back(std::move(bytes));
      flush = !std::exchange(state_->flush_posted, true);
    }
    if (!state_->closed && !flush) return true;
  }
  if (flush) {
    post_flush(state_);
    return true;
  }
  post_abort(state_);
  return false;
}

bool HttpStream::closed() const {
  if (!state_) return true;
  const std::lock_guard lock(state_->mutex);
  return state_->closed;
}

std::size_t HttpStream::queued_bytes() const {
  if (!state_) return 0;
  const std::lock_guard lock(state_->mutex);
  return state_->queued_bytes;
}

void HttpStream::close() const {
  if (!state_) return;
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->closed) return;
    state_->closed = true;
    state_->finish = true;
    state_->on_closed = nullptr;
  }
  post_flush(state_);
}

void HttpStream::abort(Error why) const {
  if (!state_) return;
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->closed) return;
    state_->closed = true;
    state_->pending.clear();
    state_->ended = std::move(why);
  }
  post_abort(state_);
}

void HttpStream::on_closed(UniqueFunction<void(const Error&)> callback) const {
  if (!state_) return;
  {
    const std::lock_guard lock(state_->mutex);
    state_->on_closed = std::move(callback);
  }
  HttpStreamState::notify(state_);
}

HttpResponderState::~HttpResponderState() {
  if (answered.load()) return;
  loop.post([connection = connection, request = request] {
    const auto alive = connection.lock();
    if (!alive) return;
    alive->respond(request, HttpResponse::text(500, "the request was dropped unanswered\n"));
  });
}

namespace {

bool worth_compressing(const HttpResponse& response) {
  if (response.bytes().size() < 1024 || response.headers.contains("Content-Encoding")) return false;
  const std::string_view type = response.headers.get("Content-Type");
  if (type.starts_with("image/svg")) return true;
  return !type.starts_with("image/") && !type.starts_with("font/");
}

}  // namespace

void HttpResponder::respond(HttpResponse response) const {
  if (!state_ || state_->answered.exchange(true)) return;
  if (state_->gzip_accepted && worth_compressing(response)) {
    // Here, on the thread that answers, and not on the loop that everybody shares.
    if (std::string packed = gzip(response.bytes()); !packed.empty()) {
      response.body = std::move(packed);
      response.shared_body.reset();
      response.headers.add("Content-Encoding", "gzip");
      response.headers.add("Vary", "Accept-Encoding");
    }
  }
  if (state_->loop.in_loop_thread()) {
    if (const auto connection = state_->connection.lock()) {
      connection->respond(state_->request, std::move(response));
    }
    return;
  }
  state_->loop.post([state = state_, held = std::move(response)]() mutable {
    if (const auto connection = state->connection.lock()) {
      connection->respond(state->request, std::move(held));
    }
  });
}

void HttpBody::receive(HttpBodyHandlers handlers) const {
  if (const auto connection = connection_.lock()) {
    connection->receive_body(request_, std::move(handlers));
  }
}

void HttpBody::set_reading(bool reading) const {
  if (const auto connection = connection_.lock()) connection->set_reading_body(request_, reading);
}

HttpBody HttpResponder::body() const {
  return state_ ? HttpBody(state_->connection, state_->request) : HttpBody();
}

HttpStream HttpResponder::open_stream(HttpResponse head, std::size_t queue_bytes) const {
  if (!state_ || state_->answered.exchange(true)) return HttpStream();
  auto stream = std::make_shared<HttpStreamState>();
  stream->loop = state_->loop;
  stream->connection = state_->connection;
  stream->limit = queue_bytes != 0 ? queue_bytes : state_->stream_limit;
  std::string first(head.bytes());
  head.body.clear();
  head.shared_body.reset();
  state_->loop.post([stream, request = state_->request, held = std::move(head)]() mutable {
    if (const auto connection = stream->connection.lock()) {
      return connection->open_stream(request, std::move(held), stream);
    }
    {
      const std::lock_guard lock(stream->mutex);
      stream->closed = true;
      stream->ended = Error{ErrorCode::unavailable, "the client is gone"};
    }
    HttpStreamState::notify(stream);
  });
  HttpStream handle(std::move(stream));
  if (!first.empty()) handle.send(std::move(first));
  return handle;
}

// ---- the server -------------------------------------------------------------------------------

struct HttpServer::Impl : HttpServerCore, std::enable_shared_from_this<HttpServer::Impl> {
  Impl(Loop& loop_arg, HttpServerOptions options_arg, HttpHandler handler_arg)
      : loop_(loop_arg),
        options_(std::move(options_arg)),
        handler_(std::move(handler_arg)),
        acceptor(context_of(loop_arg)) {}

  Loop& loop() override { return loop_; }
  const HttpServerOptions& options() const override { return options_; }
  HttpServerStats& stats() override { return stats_; }
  HttpHandler& handler() override { return handler_; }
  void forget(HttpConnection& connection) override {
    const auto it = per_address.find(connection.remote_address());
    if (it != per_address.end() && --it->second == 0) per_address.erase(it);
    connections.erase(connection.shared_from_this());
    stats_.connections = connections.size();
  }

  Status open();
  void accept();
  void admit(tcp::socket socket);
  void shut();

  Loop& loop_;
  HttpServerOptions options_;
  HttpHandler handler_;
  HttpServerStats stats_;
  tcp::acceptor acceptor;
  std::uint16_t port = 0;
  std::set<std::shared_ptr<HttpConnection>> connections;
  std::map<std::string, std::size_t> per_address;
  Timer sweep;
  Timer resume;
};

Status HttpServer::Impl::open() {
  error_code error;
  const auto address = asio::ip::make_address(
      options_.address == "localhost" ? std::string("127.0.0.1") : options_.address, error);
  if (error) return invalid("'" + options_.address + "' is not an IP address to listen on");
  const tcp::endpoint endpoint(address, options_.port);
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(1024, error);
  if (error) {
    return Error{ErrorCode::unavailable, "cannot listen on " + options_.address + ":" +
                                             std::to_string(options_.port) + ": " +
                                             error.message()};
  }
  port = acceptor.local_endpoint(error).port();
  const Duration shortest = std::min({options_.header_timeout, options_.body_timeout,
                                      options_.idle_timeout, options_.write_timeout});
  const Duration interval =
      std::clamp(shortest / 4, Duration::milliseconds(5), Duration::seconds(1));
  sweep = loop_.every(interval, [this] {
    const Instant now = monotonic_now();
    const auto copy = connections;  // a connection leaves the set when it is closed
    for (const auto& connection : copy) connection->check_deadline(now);
  });
  accept();
  return {};
}

void HttpServer::Impl::accept() {
  acceptor.async_accept([weak = weak_from_this()](const error_code& error, tcp::socket socket) {
    const auto self = weak.lock();
    if (!self || error == asio::error::operation_aborted) return;
    if (!error) {
      self->admit(std::move(socket));
    } else if (error == asio::error::no_descriptors || error == asio::error::no_memory) {
      // Every descriptor is taken: waiting beats spinning.
      self->resume =
          self->loop_.after(Duration::milliseconds(100), [raw = self.get()] { raw->accept(); });
      return;
    }
    self->accept();
  });
}

void HttpServer::Impl::admit(tcp::socket socket) {
  error_code error;
  const std::string address = socket.remote_endpoint(error).address().to_string();
  if (error) return;  // gone already
  std::size_t& of_address = per_address[address];
  if (connections.size() >= options_.max_connections ||
      of_address >= options_.max_connections_per_address) {
    if (of_address == 0) per_address.erase(address);
    ++stats_.refused_connections;
    static constexpr std::string_view kBusy =
        "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 21\r\nRetry-After: 1\r\n"
        "Connection: close\r\n\r\ntoo many connections\n";
    socket.non_blocking(true, error);
    socket.write_some(asio::buffer(kBusy.data(), kBusy.size()), error);
    return;
  }
  ++of_address;
  auto connection = std::make_shared<HttpConnection>(this, std::move(socket), address);
  connections.insert(connection);
  stats_.connections = connections.size();
  connection->start();
}

void HttpServer::Impl::shut() {
  error_code ignored;
  acceptor.close(ignored);
  sweep.cancel();
  resume.cancel();
  for (const auto& connection : connections) connection->abandon();
  connections.clear();
}

HttpServer::HttpServer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() {
  impl_->shut();
}

Result<std::unique_ptr<HttpServer>> HttpServer::listen(Loop& loop, HttpServerOptions options,
                                                       HttpHandler handler) {
  ASSERT(handler);
  auto impl = std::make_shared<Impl>(loop, std::move(options), std::move(handler));
  if (Status s = impl->open(); !s.ok()) return s.error();
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

std::uint16_t HttpServer::port() const {
  return impl_->port;
}
const std::string& HttpServer::address() const {
  return impl_->options_.address;
}
HttpServerStats HttpServer::stats() const {
  return impl_->stats_;
}

}  // namespace bourse::runtime
