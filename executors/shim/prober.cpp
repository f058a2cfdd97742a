#include "executors/shim/prober.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace bourse::shim {

using Kind = isolation::CheckSpec::Kind;

namespace {

// "HTTP/1.1 200": all of an answer that counts.
constexpr std::size_t kStatusBytes = 12;

// The task's own machine: it has no other network.
int connect_here(std::uint16_t port, bool ipv6) {
  const int fd = ::socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  sockaddr_in6 six{};
  six.sin6_family = AF_INET6;
  six.sin6_port = htons(port);
  six.sin6_addr = IN6ADDR_LOOPBACK_INIT;
  sockaddr_in four{};
  four.sin_family = AF_INET;
  four.sin_port = htons(port);
  four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int done = ipv6 ? ::connect(fd, reinterpret_cast<const sockaddr*>(&six), sizeof six)
                        : ::connect(fd, reinterpret_cast<const sockaddr*>(&four), sizeof four);
  if (done == 0 || errno == EINPROGRESS) return fd;
  ::close(fd);
  return -1;
}

std::optional<std::int32_t> status_of(const std::string& answer) {
  if (answer.size() < kStatusBytes || answer.compare(0, 7, "HTTP/1.") != 0 || answer[8] != ' ') {
    return std::nullopt;
  }
  std::int32_t code = 0;
  for (std::size_t i = 9; i < kStatusBytes; ++i) {
    if (answer[i] < '0' || answer[i] > '9') return std::nullopt;
    code = code * 10 + (answer[i] - '0');
  }
  return code;
}

}  // namespace

std::optional<Look> Prober::begin(const ContainerTree& tree) {
  if (spec_.kind != Kind::command) return connect();
  pid_ = tree.start_beside(record_, spec_);
  if (pid_ > 0) return std::nullopt;
  return failed();
}

Look Prober::failed() {
  abandon();
  Look look;
  if (spec_.kind == Kind::tcp) look.value = 0;
  return look;
}

std::optional<Look> Prober::connect() {
  answer_.clear();
  fd_ = connect_here(spec_.port, spec_.ipv6);
  writing_ = true;
  if (fd_ < 0) return failed();
  return std::nullopt;
}

std::optional<Look> Prober::on_ready() {
  return writing_ ? on_connected() : on_answer();
}

std::optional<Look> Prober::on_connected() {
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) return failed();
  if (spec_.kind == Kind::tcp) {
    abandon();
    return Look{true, 1};
  }
  const std::string host = spec_.ipv6 ? "[::1]" : "127.0.0.1";
  const std::string request = "GET " + (spec_.path.empty() ? "/" : spec_.path) +
                              " HTTP/1.1\r\nHost: " + host + ":" + std::to_string(spec_.port) +
                              "\r\nUser-Agent: bourse\r\nAccept: */*\r\nConnection: close\r\n\r\n";
  // A path is short enough for the buffer of a fresh connection.
  if (::send(fd_, request.data(), request.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(request.size())) {
    return failed();
  }
  writing_ = false;
  return std::nullopt;
}

std::optional<Look> Prober::on_answer() {
  char bytes[kStatusBytes];
  const ssize_t got = ::recv(fd_, bytes, kStatusBytes - answer_.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return std::nullopt;
  if (got > 0) answer_.append(bytes, static_cast<std::size_t>(got));
  if (got > 0 && answer_.size() < kStatusBytes) return std::nullopt;
  const std::optional<std::int32_t> code = status_of(answer_);
  if (!code) return failed();
  abandon();
  return Look{*code >= 200 && *code < 400, *code};
}

std::optional<Look> Prober::on_reaped(pid_t pid, std::int32_t wait_status) {
  if (pid_ <= 0 || pid != pid_) return std::nullopt;
  pid_ = 0;
  if (!WIFEXITED(wait_status)) return Look{};
  return Look{WEXITSTATUS(wait_status) == 0, WEXITSTATUS(wait_status)};
}

void Prober::abandon() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  // Its group: it has a session of its own. Before it has, itself.
  if (pid_ > 0 && ::kill(-pid_, SIGKILL) != 0) ::kill(pid_, SIGKILL);
  pid_ = 0;
}

}  // namespace bourse::shim
