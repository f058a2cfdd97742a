// ExecutorApi: the v1 executor API of an agent, POST /api/v1/executor. To the core an executor over
// HTTP is a peer like one on the socket: its SUBSCRIBE response is the stream that events go to as
// RecordIO records; its other calls name it by framework and executor alone. What is wrong with a
// request as such is answered here, in Mesos' order; whether the call is taken, by the core.
//
// A stream that is not read costs limits::kExecutorStreamBytes and is then closed, as if its
// executor had left; all together cost limits::kAllExecutorStreamsBytes, then those that read least
// are closed. The agent's loop thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>

#include "agent/core/effect.hpp"
#include "agent/core/event.hpp"
#include "api/event_stream.hpp"
#include "model/limits.hpp"
#include "model/unread_streams.hpp"
#include "runtime/http_message.hpp"
#include "runtime/http_server.hpp"

namespace bourse::agent {

struct ExecutorApiOptions {
  std::string own_address;    // calls from it are calls from this machine, as those from loopback
  bool authenticate = false;  // a call without a token is 401
  std::size_t streams = limits::kMaxExecutorStreams;
  std::size_t stream_bytes = limits::kExecutorStreamBytes;
  std::size_t all_streams_bytes = limits::kAllExecutorStreamsBytes;
};

class ExecutorApi {
 public:
  struct Core {  // hands an event to the core
    std::function<void(FromExecutor)> call;
    std::function<void(ExecutorGone)> gone;
  };

  ExecutorApi(Core core, ExecutorApiOptions options)
      : core_(std::move(core)), options_(std::move(options)), unread_(options_.all_streams_bytes) {}

  // One request, whatever its method.
  void call(const runtime::HttpRequest& request, const runtime::HttpResponder& responder);

  // Effects. Those that are for a peer on the socket are not for this: false.
  bool send(const SendToExecutor& effect);
  bool close(const CloseExecutor& effect);
  void answer(const AnswerExecutor& effect);

  std::size_t streams() const { return streams_.size(); }

 private:
  struct Call {
    PeerId subscribes;  // SUBSCRIBE: its stream
    runtime::HttpResponder responder;
  };

  void open(PeerId peer, api::EventStream& stream);
  void on_gone(PeerId peer, const Error& why);
  void close_who_reads_least();

  Core core_;
  ExecutorApiOptions options_;
  UnreadStreams unread_;
  std::unordered_map<PeerId, api::EventStream> streams_;
  std::unordered_map<RequestId, Call> waiting_;  // for the core's answer
  std::uint64_t streams_made_ = 0;
  std::uint64_t calls_made_ = 0;
};

}  // namespace bourse::agent
