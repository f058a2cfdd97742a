// SessionLink: the agent's end of the socket to one session process (agent/isolation/
// session_protocol.hpp): messages in, messages out, neither blocks. Input that the program has not
// taken waits here and is counted. The loop's thread; not to be destroyed inside a handler.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "agent/isolation/exit_record.hpp"
#include "agent/shell/session_output.hpp"
#include "runtime/loop.hpp"

namespace bourse::agent {

class SessionLink {
 public:
  struct Handlers {
    runtime::UniqueFunction<void()> started = {};
    runtime::UniqueFunction<void(OutputKind, std::string_view)> output = {};
    runtime::UniqueFunction<void()> taken = {};  // input was
    // Once, last. `launched` false: it never began; nullopt: the process died without a word.
    runtime::UniqueFunction<void(std::optional<isolation::ExitRecord>)> ended = {};
  };

  // Owns the socket.
  SessionLink(runtime::Loop& loop, int socket, Handlers handlers);
  ~SessionLink();
  SessionLink(const SessionLink&) = delete;
  SessionLink& operator=(const SessionLink&) = delete;

  void input(std::string_view bytes);
  // Behind what was given before.
  void end_input();
  void resize(std::uint32_t rows, std::uint32_t columns);
  void signal(std::int32_t signal);
  // Of input that the program has not taken.
  std::size_t waiting_bytes() const { return waiting_.size() + in_flight_; }
  // While false the program is not read, and in the end waits.
  void set_reading(bool reading) { watch_.set_readable(reading); }

 private:
  void read();
  // False when it was the last one.
  bool take(std::string_view message);
  void send(std::string message);
  void send_input();
  void flush();
  void end(std::optional<isolation::ExitRecord> record);

  int socket_;
  Handlers handlers_;
  std::string waiting_;  // input that was not sent
  bool input_ends_ = false;
  std::size_t in_flight_ = 0;  // sent and not taken
  std::deque<std::string> unsent_;
  bool over_ = false;
  runtime::FdWatch watch_;
};

}  // namespace bourse::agent
