#include "examples/crawler/shopweb/connection.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace bourse::crawler::shopweb {
namespace {

constexpr std::size_t kMaxHeadBytes = 16'384;
constexpr Duration kDripEvery = Duration::milliseconds(250);

const char* reason_of(std::uint32_t status) {
  switch (status) {
    case 200:
      return "OK";
    case 301:
      return "Moved Permanently";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 429:
      return "Too Many Requests";
    default:
      return status < 500 ? "Bad Request" : "Internal Server Error";
  }
}

bool same_name(std::string_view a, std::string_view lower_b) {
  return a.size() == lower_b.size() &&
         std::equal(a.begin(), a.end(), lower_b.begin(), [](char x, char y) {
           return (x >= 'A' && x <= 'Z' ? static_cast<char>(x - 'A' + 'a') : x) == y;
         });
}

// The value of a header in `head` (lines after the request line), empty when it is not there.
std::string_view header(std::string_view head, std::string_view lower_name) {
  while (!head.empty()) {
    const std::size_t end = std::min(head.find("\r\n"), head.size());
    const std::string_view line = head.substr(0, end);
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos && same_name(line.substr(0, colon), lower_name)) {
      std::string_view value = line.substr(colon + 1);
      while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
      return value;
    }
    head.remove_prefix(std::min(end + 2, head.size()));
  }
  return {};
}

}  // namespace

Connection::~Connection() {
  ::close(fd_);
}

bool Connection::readable(Instant now) {
  std::array<char, 16'384> buffer;
  while (true) {
    const ssize_t count = ::recv(fd_, buffer.data(), buffer.size(), 0);
    if (count > 0) {
      in_.append(buffer.data(), static_cast<std::size_t>(count));
      if (in_.size() > 4 * kMaxHeadBytes) return false;
      if (count < static_cast<ssize_t>(buffer.size())) break;
    } else if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
      break;
    } else {
      return false;
    }
  }
  return serve(now);
}

// Answers requests one after the other; the next waits until the answer before it has left.
bool Connection::serve(Instant now) {
  while (out_at_ == out_.size() && !close_after_ && endless_ == Manner::plain) {
    const std::size_t end = in_.find("\r\n\r\n");
    if (end == std::string::npos) return in_.size() <= kMaxHeadBytes;
    const std::string_view head = std::string_view(in_).substr(0, end + 2);
    const std::string_view line = head.substr(0, head.find("\r\n"));
    const std::size_t first = line.find(' ');
    const std::size_t second = line.rfind(' ');
    if (first == std::string_view::npos || second == first) return false;
    const std::string_view method = line.substr(0, first);
    const std::string_view rest = head.substr(line.size() + 2);
    Request request;
    request.target = std::string(line.substr(first + 1, second - first - 1));
    request.host = std::string(header(rest, "host"));
    request.accepts_gzip = header(rest, "accept-encoding").find("gzip") != std::string_view::npos;
    const bool keep_alive =
        line.substr(second + 1) == "HTTP/1.1" && !same_name(header(rest, "connection"), "close");
    if (method != "GET" && method != "HEAD") return false;
    const bool head_only = method == "HEAD";
    in_.erase(0, end + 4);
    queue(site_.answer(request, now), head_only, keep_alive, now);
    if (!flush(now)) return false;
  }
  return true;
}

void Connection::queue(Reply reply, bool head_only, bool keep_alive, Instant now) {
  std::size_t stated = reply.body.size();
  const bool endless = reply.manner == Manner::drip || reply.manner == Manner::firehose;
  if (reply.manner == Manner::longer) stated += 5'000;
  if (reply.manner == Manner::shorter) stated /= 2;
  if (reply.manner == Manner::cut) reply.body.resize(stated / 2);
  close_after_ = !keep_alive || reply.manner != Manner::plain;
  out_ = "HTTP/1.1 " + std::to_string(reply.status) + " " + reason_of(reply.status) +
         "\r\nContent-Type: " + reply.content_type + "\r\n" + reply.extra_headers;
  if (!endless) out_ += "Content-Length: " + std::to_string(stated) + "\r\n";
  if (reply.gzip) out_ += "Content-Encoding: gzip\r\n";
  if (close_after_) out_ += "Connection: close\r\n";
  out_ += "\r\n";
  out_at_ = 0;
  if (!head_only) out_ += reply.body;
  if (endless) endless_ = reply.manner;
  if (reply.delay_ms > 0) wake_ = now + Duration::milliseconds(reply.delay_ms);
}

bool Connection::flush(Instant now) {
  if (wake_ > now && wake_ != Instant::max()) return true;
  wake_ = Instant::max();
  while (out_at_ < out_.size()) {
    const ssize_t count = ::send(fd_, out_.data() + out_at_, out_.size() - out_at_, MSG_NOSIGNAL);
    if (count < 0) return errno == EAGAIN || errno == EINTR;
    out_at_ += static_cast<std::size_t>(count);
  }
  out_.clear();
  out_at_ = 0;
  if (endless_ == Manner::firehose) {
    out_.assign(65'536, 'z');
    return true;  // others have a turn before the next piece
  }
  if (endless_ == Manner::drip) {
    out_.assign(64, 'd');
    wake_ = now + kDripEvery;
    return true;
  }
  return !close_after_;
}

bool Connection::writable(Instant now) {
  return flush(now) && serve(now);
}

bool Connection::due(Instant now) {
  if (wake_ > now) return true;
  return flush(now) && serve(now);
}

}  // namespace bourse::crawler::shopweb
