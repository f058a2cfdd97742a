#include "master/shell/scheduler_api.hpp"

#include <algorithm>

#include "model/authorization.hpp"
#include "proto/codec/credential_form.hpp"
#include "proto/codec/text_check.hpp"
#include "runtime/clock.hpp"
#include "runtime/entropy.hpp"
#include "runtime/log.hpp"

namespace bourse::master {

namespace {

using runtime::HttpRequest;
using runtime::HttpResponder;
using runtime::HttpResponse;

constexpr char kStreamIdHeader[] = "Mesos-Stream-Id";
constexpr char kNoStreamIdYet[] = "Subscribe calls should not include the 'Mesos-Stream-Id' header";
// Numbers given out here, apart from those of the link's peers, of peers behind gateways (the
// highest bit) and of operators' requests.
constexpr std::uint64_t kHttp = std::uint64_t{1} << 62;
// A stream that nobody has: for a call that names an unknown one.
PeerId nobody() {
  return PeerId(kHttp);
}
constexpr Duration kReportAgain = Duration::milliseconds(10);

bool is_here(PeerId peer) {
  return peer.raw() >> 62 == 1;
}

// Mesos asks for less than HTTP would have: only these two have a body in their answer.
bool answer_has_body(const SchedulerCall& call) {
  if (std::holds_alternative<call::Subscribe>(call.body)) return true;
  return std::holds_alternative<call::ReconcileOperations>(call.body);
}

// A framework speaks for who it proved to be; one that does not say for whom, is given that.
Status take_principal(const std::string& proven, SchedulerCall& call) {
  if (proven.empty()) return {};
  FrameworkFacet* framework = nullptr;
  if (auto* subscribe = std::get_if<call::Subscribe>(&call.body)) framework = &subscribe->framework;
  if (auto* update = std::get_if<call::UpdateFramework>(&call.body)) framework = &update->framework;
  if (framework == nullptr) return {};
  if (framework->principal.empty()) {
    *framework = codec::with_principal(std::move(*framework), proven);
    return {};
  }
  return authorize({proven}, Action::call_as_framework, framework->principal);
}

runtime::HttpHeaders stream_headers(const std::string& id) {
  runtime::HttpHeaders headers;
  headers.add(kStreamIdHeader, id);
  return headers;
}

}  // namespace

SchedulerApi::SchedulerApi(runtime::Loop& loop, Push push, codec::MasterDescription master,
                           SchedulerApiLimits limits)
    : loop_(loop),
      push_(std::move(push)),
      master_(std::move(master)),
      limits_(limits),
      principals_(limits.principal),
      unread_(limits.all_streams_bytes) {}

SchedulerStats SchedulerApi::stats() const {
  SchedulerStats out = stats_;
  out.streams = streams_.size();
  return out;
}

// -- calls

void SchedulerApi::call(HttpRequest request, HttpResponder responder) {
  ++stats_.calls;
  api::Negotiated types = api::read_content_type(request);
  if (!types.ok()) {
    ++stats_.calls_refused;
    return responder.respond(types.error());
  }
  runtime::log_debug("scheduler's call", {{"stream", request.headers.get(kStreamIdHeader)},
                                          {"bytes", request.body.size()}});
  // A stream tells whose call it is, before anything is spent on the body.
  const auto named = by_id_.find(std::string(request.headers.get(kStreamIdHeader)));
  const bool known = named != by_id_.end();
  const std::string& proven = request.principal;
  const bool told = known || !proven.empty();
  const std::string& caller = known ? streams_.at(named->second).principal : proven;
  if (told && !within_limits(proven.empty() ? caller : proven, responder)) return;
  auto call = codec::decode_scheduler_call(types.in, request.body);
  if (!call.ok() && call.error().code == ErrorCode::denied) {
    return deny(request, responder, std::move(types), call.error().message);
  }
  if (!call.ok()) return refuse(responder, api::call_status(call.error()), call.error().message);
  if (const Status own = take_principal(proven, call.value()); !own.ok()) {
    return refuse(responder, 400, own.error().message);
  }
  if (answer_has_body(call.value())) {
    types = api::read_accept(request, std::move(types));
    if (!types.ok()) {
      ++stats_.calls_refused;
      return responder.respond(types.error());
    }
  }
  const auto* wants = std::get_if<call::Subscribe>(&call->body);
  const std::string principal = wants == nullptr ? std::string() : wants->framework.principal;
  if (!told && !within_limits(principal, responder)) return;
  if (wants != nullptr) {
    return subscribe(request, std::move(responder), std::move(call).value(), types.out);
  }
  other_call(request, std::move(responder), std::move(call).value());
}

bool SchedulerApi::within_limits(const std::string& principal, const HttpResponder& responder) {
  if (principals_.take_call(principal, runtime::monotonic_now())) return true;
  ++stats_.calls_limited;
  ++stats_.calls_refused;
  HttpResponse answer =
      HttpResponse::text(429, "principal " + codec::shown(principal) + " has made " +
                                  std::to_string(limits_.principal.calls_per_second) +
                                  " calls in a second, the most that it may; try again");
  answer.headers.add("Retry-After", "1");
  responder.respond(std::move(answer));
  return false;
}

// As the core refuses a framework: a stream with one ERROR.
void SchedulerApi::deny(const HttpRequest& request, const HttpResponder& responder,
                        api::Negotiated types, const std::string& reason) {
  ++stats_.calls_refused;
  types = api::read_accept(request, std::move(types));
  if (!types.ok()) return responder.respond(types.error());
  if (request.headers.contains(kStreamIdHeader)) {
    return responder.respond(HttpResponse::text(400, kNoStreamIdYet));
  }
  api::EventStream stream(responder, types.out, limits_.stream_bytes);
  stream.open(stream_headers(runtime::random_uuid_text()), [](const Error&) {});
  (void)stream.send(codec::encode_scheduler_event(types.out, event::Error{reason}, {}));
  stream.close();
}

void SchedulerApi::subscribe(const HttpRequest& request, HttpResponder responder,
                             SchedulerCall call, codec::Encoding encoding) {
  if (request.headers.contains(kStreamIdHeader)) {
    return refuse(responder, 400, kNoStreamIdYet);
  }
  if (streams_.size() >= limits_.streams) {
    return refuse(responder, 503,
                  "this master has " + std::to_string(limits_.streams) +
                      " schedulers over HTTP, its limit; try again later");
  }
  const std::string principal = std::get<call::Subscribe>(call.body).framework.principal;
  if (!principals_.open_stream(principal)) {
    ++stats_.calls_limited;
    return refuse(responder, 503,
                  "principal " + codec::shown(principal) + " has " +
                      std::to_string(limits_.principal.streams) +
                      " streams, the most that it may; close one or try again later");
  }
  const PeerId peer(kHttp | ++streams_made_);
  Stream stream{
      runtime::random_uuid_text(), principal, {responder, encoding, limits_.stream_bytes}};
  by_id_.emplace(stream.id, peer);
  streams_.emplace(peer, std::move(stream));
  push_call(peer, {request.principal}, std::move(call), {peer, {}, std::move(responder)},
            request.body.size());
}

void SchedulerApi::other_call(const HttpRequest& request, HttpResponder responder,
                              SchedulerCall call) {
  PeerId peer;
  std::string id;
  if (const std::string* named = request.headers.find(kStreamIdHeader)) {
    id = *named;
    const auto known = by_id_.find(id);
    peer = known == by_id_.end() ? nobody() : known->second;
  }
  push_call(peer, {request.principal}, std::move(call),
            {PeerId(), std::move(id), std::move(responder)}, request.body.size());
}

void SchedulerApi::push_call(PeerId stream, Principal caller, SchedulerCall call, Call waiting,
                             std::size_t bytes) {
  const RequestId request(kHttp | ++calls_made_);
  const auto it = waiting_.emplace(request, std::move(waiting)).first;
  const auto outcome = push_(
      FromFramework{stream, std::move(caller), {LinkHeader{}, std::move(call)}, request}, bytes);
  if (outcome == runtime::PushOutcome::accepted ||
      outcome == runtime::PushOutcome::accepted_nearly_full) {
    return;
  }
  const Call refused = std::move(it->second);
  waiting_.erase(it);
  refuse(refused, {ErrorCode::unavailable, "the master is overloaded; try again"});
}

// -- answers

void SchedulerApi::refuse(const HttpResponder& responder, int status, const std::string& sentence) {
  ++stats_.calls_refused;
  responder.respond(HttpResponse::text(status, sentence));
}

void SchedulerApi::refuse(const Call& call, const Error& error) {
  if (!call.subscribes.empty()) forget(call.subscribes);
  std::string sentence = error.message;
  // The core knows streams by number: the name is added where it may be what is wrong.
  if (error.code == ErrorCode::invalid && !call.stream_id.empty() &&
      !by_id_.contains(call.stream_id)) {
    sentence += " (no stream " + codec::shown(call.stream_id) + " is open here)";
  }
  refuse(call.responder, api::call_status(error), sentence);
}

void SchedulerApi::on_answers(const std::vector<Answer>& answers) {
  for (const Answer& answer : answers) {
    const auto it = waiting_.find(answer.request);
    if (it == waiting_.end()) continue;
    const Call call = std::move(it->second);
    waiting_.erase(it);
    if (!answer.status.ok()) {
      refuse(call, answer.status.error());
      continue;
    }
    if (call.subscribes.empty()) {
      HttpResponse accepted;
      accepted.status = 202;
      call.responder.respond(std::move(accepted));
      continue;
    }
    const auto stream = streams_.find(call.subscribes);
    if (stream != streams_.end()) {
      open(stream->first, stream->second);
    } else {
      // Closed meanwhile. If it was open, this is no answer any more.
      call.responder.respond(HttpResponse::text(503, "the subscription has ended; try again"));
    }
  }
}

// -- streams

void SchedulerApi::open(PeerId peer, Stream& stream) {
  stream.events.open(stream_headers(stream.id),
                     [this, peer](const Error& why) { on_gone(peer, why); });
}

void SchedulerApi::send(std::vector<Outgoing>& batch) {
  std::erase_if(batch, [this](const Outgoing& item) {
    if (const auto* event = std::get_if<SendToFramework>(&item)) {
      if (!is_here(event->stream)) return false;
      deliver(*event);
      return true;
    }
    const auto* closed = std::get_if<ClosePeer>(&item);
    if (closed == nullptr || !is_here(closed->peer)) return false;
    close(closed->peer, closed->reason);
    return true;
  });
}

void SchedulerApi::deliver(const SendToFramework& item) {
  const auto it = streams_.find(item.stream);
  if (it == streams_.end()) return;
  // The event may come before the answer that opens the stream: they travel apart.
  open(it->first, it->second);
  ++stats_.events;
  const std::string record = codec::encode_scheduler_event(
      it->second.events.encoding(), item.message.body, {item.capabilities, &master_});
  // False: it is closed already, and on_gone() follows.
  (void)it->second.events.send(record);
  if (unread_.sent(record.size())) close_who_reads_least();
}

void SchedulerApi::close_who_reads_least() {
  std::vector<UnreadStream> all;
  all.reserve(streams_.size());
  for (const auto& [peer, stream] : streams_) all.push_back({peer, stream.events.unread_bytes()});
  for (StreamToClose& one : unread_.to_close(std::move(all))) {
    streams_.at(one.peer).events.abort({ErrorCode::full, std::move(one.reason)});
  }
}

void SchedulerApi::close(PeerId peer, const std::string& reason) {
  const auto it = streams_.find(peer);
  if (it == streams_.end()) return;
  runtime::log_info("closing stream", {{"stream", it->second.id}, {"reason", reason}});
  // One that is not open yet is told why by the answer to its SUBSCRIBE, which follows.
  it->second.events.close();
  forget(peer);
}

void SchedulerApi::on_gone(PeerId peer, const Error& why) {
  const auto it = streams_.find(peer);
  if (it == streams_.end()) return;
  if (why.code == ErrorCode::full || why.code == ErrorCode::timeout) ++stats_.streams_unread;
  runtime::log_warning("stream ended", {{"stream", it->second.id}, {"reason", why.message}});
  forget(peer);
  gone_.push_back(peer);
  report_gone();
}

void SchedulerApi::forget(PeerId peer) {
  const auto it = streams_.find(peer);
  if (it == streams_.end()) return;
  by_id_.erase(it->second.id);
  principals_.close_stream(it->second.principal);
  streams_.erase(it);
}

// The core must hear of it, however much it has to do.
void SchedulerApi::report_gone() {
  while (!gone_.empty()) {
    if (push_(PeerGone{gone_.back()}, 0) == runtime::PushOutcome::full) {
      report_again_ = loop_.after(kReportAgain, [this] { report_gone(); });
      return;
    }
    gone_.pop_back();
  }
}

}  // namespace bourse::master
