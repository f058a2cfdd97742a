// SchedulerApi: the v1 scheduler API of a master, POST /api/v1/scheduler. To the core a scheduler
// over HTTP is a peer like one on the link: its SUBSCRIBE response is the stream that events go to
// as RecordIO records, and its other calls name that stream by Mesos-Stream-Id. What is wrong with
// a request as such is answered here, in Mesos' order; whether the call is admitted, by the core.
// A principal that calls too often is answered 429, one with too many streams 503.
//
// Every call has one answer: the core's, or 503 when the core takes no more. A stream that is not
// read costs limits::kSchedulerStreamBytes and is then closed; its framework is disconnected. All
// of them together cost limits::kAllSchedulerStreamsBytes; then those that read least are closed.
//
// I/O thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "api/event_stream.hpp"
#include "api/negotiation.hpp"
#include "master/shell/core_runner.hpp"
#include "master/shell/link_batches.hpp"
#include "model/limits.hpp"
#include "model/principal_limits.hpp"
#include "model/unread_streams.hpp"
#include "proto/codec/scheduler.hpp"
#include "runtime/http_server.hpp"

namespace bourse::master {

struct SchedulerStats {
  std::size_t streams = 0;
  std::uint64_t calls = 0;
  std::uint64_t calls_refused = 0;   // answered with 4xx or 5xx
  std::uint64_t calls_limited = 0;   // of these, for their principal's limits
  std::uint64_t events = 0;          // written to streams
  std::uint64_t streams_unread = 0;  // closed, for nobody read them
};

struct SchedulerApiLimits {
  std::size_t streams = limits::kMaxSchedulerStreams;
  std::size_t stream_bytes = limits::kSchedulerStreamBytes;
  PrincipalLimitsConfig principal = {};
  std::size_t all_streams_bytes = limits::kAllSchedulerStreamsBytes;
};

class SchedulerApi {
 public:
  using Push = std::function<runtime::PushOutcome(CoreRunner::EventBody, std::size_t)>;

  // `push` hands an event to the core. The loop must outlive this, and this the HTTP server.
  SchedulerApi(runtime::Loop& loop, Push push, codec::MasterDescription master,
               SchedulerApiLimits limits = {});

  // One POST.
  void call(runtime::HttpRequest request, runtime::HttpResponder responder);
  void set_master(codec::MasterDescription master) { master_ = std::move(master); }
  // Those that belong to calls made here; others are somebody else's.
  void on_answers(const std::vector<Answer>& answers);
  // Takes out of the batch what is for streams here, and sends it.
  void send(std::vector<Outgoing>& batch);
  SchedulerStats stats() const;

 private:
  struct Stream {
    std::string id;  // Mesos-Stream-Id
    std::string principal;
    api::EventStream events;
  };
  struct Call {
    PeerId subscribes;      // SUBSCRIBE: its stream
    std::string stream_id;  // others: the one they named
    runtime::HttpResponder responder;
  };

  void subscribe(const runtime::HttpRequest& request, runtime::HttpResponder responder,
                 SchedulerCall call, codec::Encoding encoding);
  bool within_limits(const std::string& principal, const runtime::HttpResponder& responder);
  void deny(const runtime::HttpRequest& request, const runtime::HttpResponder& responder,
            api::Negotiated types, const std::string& reason);
  void other_call(const runtime::HttpRequest& request, runtime::HttpResponder responder,
                  SchedulerCall call);
  void push_call(PeerId stream, Principal caller, SchedulerCall call, Call waiting,
                 std::size_t bytes);
  void refuse(const runtime::HttpResponder& responder, int status, const std::string& sentence);
  void refuse(const Call& call, const Error& error);
  void open(PeerId peer, Stream& stream);
  void deliver(const SendToFramework& item);
  void close_who_reads_least();
  void close(PeerId peer, const std::string& reason);
  void on_gone(PeerId peer, const Error& why);
  void forget(PeerId peer);
  void report_gone();

  runtime::Loop& loop_;
  Push push_;
  codec::MasterDescription master_;
  SchedulerApiLimits limits_;
  PrincipalLimits principals_;
  UnreadStreams unread_;
  std::unordered_map<PeerId, Stream> streams_;
  std::unordered_map<std::string, PeerId> by_id_;
  std::unordered_map<RequestId, Call> waiting_;  // for the core's answer
  std::vector<PeerId> gone_;                     // the core had no room to hear it
  runtime::Timer report_again_;
  std::uint64_t streams_made_ = 0;
  std::uint64_t calls_made_ = 0;
  SchedulerStats stats_;
};

}  // namespace bourse::master
