// SessionApi: the calls of the agent's operator API about sessions, programs that an operator runs
// in the container of a task: LAUNCH_NESTED_CONTAINER_SESSION and LAUNCH_NESTED_CONTAINER,
// ATTACH_CONTAINER_OUTPUT and ATTACH_CONTAINER_INPUT, WAIT, KILL and REMOVE. What may happen says
// agent/core/sessions.hpp; this moves bytes. The agent's loop.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "agent/core/sessions.hpp"
#include "agent/isolation/container.hpp"
#include "agent/shell/session_link.hpp"
#include "agent/shell/session_output.hpp"
#include "agent/shell/stream_headers.hpp"
#include "proto/codec/record_io.hpp"
#include "runtime/http_server.hpp"
#include "runtime/loop.hpp"

namespace bourse::agent {

// What sessions need of their agent.
class SessionHost {
 public:
  virtual ~SessionHost() = default;
  virtual const AgentState& state() const = 0;
  virtual Result<int> open(const isolation::SessionSpec& spec) = 0;
  // As ContainerRuntime::clear_session().
  virtual bool clear(const SessionKey& key) = 0;
};

class SessionApi {
 public:
  // `loop` and `host` must outlive this. Not `allowed`: every call is refused.
  SessionApi(runtime::Loop& loop, SessionHost& host, bool allowed);
  ~SessionApi();

  static bool serves(mesos::v1::agent::Call::Type type);
  // A call whose form was judged, of a type that is served; not ATTACH_CONTAINER_INPUT.
  void call(const mesos::v1::agent::Call& call, const CallForm& form,
            const runtime::HttpResponder& responder);
  // A request of records: its body is still to come.
  void stream_in(const CallForm& form, const runtime::HttpResponder& responder);

  const Sessions& sessions() const { return sessions_; }

 private:
  struct Live;
  struct Input;
  struct Waiter {
    runtime::HttpResponder responder;
    codec::Encoding encoding;
    bool nested;  // asked in the older form
  };

  static Error not_allowed();
  void launch(const mesos::v1::agent::Call& call, const CallForm& form, const SessionKey& key,
              const runtime::HttpResponder& responder);
  void open(const SessionKey& key, int socket);
  void on_started(Live& live);
  void on_output(Live& live, OutputKind kind, std::string_view bytes);
  void on_ended(const SessionKey& key, std::optional<isolation::ExitRecord> record);
  void add_reader(Live& live, const CallForm& form, const runtime::HttpResponder& responder,
                  bool tied);
  void pause_while_backed_up(const SessionKey& key);
  void wait(const mesos::v1::agent::Call& call, const CallForm& form, const SessionKey& key,
            const runtime::HttpResponder& responder);
  void answer_wait(const SessionKey& key, const Waiter& waiter);
  void clear(const SessionKey& key, int tries);
  Live* find(const SessionKey& key);
  void heartbeat();

  Status take_records(const std::shared_ptr<Input>& input, std::string_view piece);
  Status take_record(const std::shared_ptr<Input>& input, const std::string& record);
  Status write_input(Input& input, std::string bytes);
  void end_input_stream(const std::shared_ptr<Input>& input);
  void regulate(const SessionKey& key);

  runtime::Loop& loop_;
  SessionHost& host_;
  const bool allowed_;
  Sessions sessions_;
  std::map<SessionKey, std::unique_ptr<Live>> live_;
  std::map<SessionKey, runtime::Timer> clearing_;
  std::uint64_t numbers_ = 0;
  runtime::Timer heartbeats_;
};

}  // namespace bourse::agent
