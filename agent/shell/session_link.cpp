#include "agent/shell/session_link.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "agent/isolation/session_protocol.hpp"
#include "model/session_limits.hpp"

namespace bourse::agent {

using isolation::SessionMessage;

namespace {

// A turn of the loop is everybody's: the rest waits for the next.
constexpr int kMostMessagesPerTurn = 16;
constexpr std::size_t kMostUnsent = 256;

}  // namespace

SessionLink::SessionLink(runtime::Loop& loop, int socket, Handlers handlers)
    : socket_(socket), handlers_(std::move(handlers)) {
  runtime::FdCallbacks callbacks;
  callbacks.readable = [this] { read(); };
  callbacks.writable = [this] {
    flush();
    send_input();
  };
  watch_ = loop.watch(socket_, std::move(callbacks));
  watch_.set_writable(false);
}

SessionLink::~SessionLink() {
  watch_.cancel();
  ::close(socket_);
}

void SessionLink::read() {
  std::array<char, isolation::kMostSessionPiece + 64> bytes{};
  for (int i = 0; i < kMostMessagesPerTurn && !over_; ++i) {
    const ssize_t got = ::recv(socket_, bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    // It left input unread. The kernel says so once, before what it had still to say.
    if (got < 0 && errno == ECONNRESET) continue;
    if (got <= 0) return end(std::nullopt);
    if (!take({bytes.data(), static_cast<std::size_t>(got)})) return;
  }
}

bool SessionLink::take(std::string_view message) {
  const auto [first, second] = isolation::numbers_of(message);
  isolation::ExitRecord record;
  switch (static_cast<SessionMessage>(message[0])) {
    case SessionMessage::started:
      handlers_.started();
      return true;
    case SessionMessage::out:
      handlers_.output(OutputKind::out, message.substr(1));
      return true;
    case SessionMessage::err:
      handlers_.output(OutputKind::err, message.substr(1));
      return true;
    case SessionMessage::taken:
      in_flight_ -= std::min(in_flight_, static_cast<std::size_t>(std::max(first, 0)));
      send_input();
      handlers_.taken();
      return true;
    case SessionMessage::exited:
      record.launched = true;
      record.wait_status = first;
      end(record);
      return false;
    case SessionMessage::failed:
      record.launch_step = static_cast<isolation::LaunchStep>(first);
      record.launch_errno = second;
      end(record);
      return false;
    default:
      return true;
  }
}

void SessionLink::end(std::optional<isolation::ExitRecord> record) {
  over_ = true;
  watch_.cancel();
  handlers_.ended(record);
}

void SessionLink::input(std::string_view bytes) {
  waiting_ += bytes;
  send_input();
}

void SessionLink::end_input() {
  input_ends_ = true;
  send_input();
}

// One after the other, so that what waits is one text and not a message for each key.
void SessionLink::send_input() {
  while (!over_ && unsent_.empty() && !waiting_.empty() &&
         in_flight_ < limits::kSessionInputBytes) {
    const std::string_view piece =
        std::string_view(waiting_).substr(0, isolation::kMostSessionPiece);
    unsent_.push_back(isolation::session_message(SessionMessage::input, piece));
    in_flight_ += piece.size();
    waiting_.erase(0, piece.size());
    flush();
  }
  if (input_ends_ && waiting_.empty()) {
    input_ends_ = false;
    send(isolation::session_message(SessionMessage::input));
  }
}

void SessionLink::resize(std::uint32_t rows, std::uint32_t columns) {
  send(isolation::session_numbers(SessionMessage::resize, static_cast<std::int32_t>(rows),
                                  static_cast<std::int32_t>(columns)));
}

void SessionLink::signal(std::int32_t signal) {
  send(isolation::session_numbers(SessionMessage::signal, signal));
}

void SessionLink::send(std::string message) {
  // So many unsent ones are for a program that has ended and is not read to its end.
  if (over_ || unsent_.size() >= kMostUnsent) return;
  unsent_.push_back(std::move(message));
  flush();
}

void SessionLink::flush() {
  while (!over_ && !unsent_.empty()) {
    const std::string& message = unsent_.front();
    if (::send(socket_, message.data(), message.size(), MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
      // Gone for good is told by reading.
      watch_.set_writable(errno == EAGAIN);
      return;
    }
    unsent_.pop_front();
  }
  if (!over_) watch_.set_writable(false);
}

}  // namespace bourse::agent
