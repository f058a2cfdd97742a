#include "agent/shell/executor_api.hpp"

#include "api/negotiation.hpp"
#include "proto/codec/executor.hpp"
#include "runtime/log.hpp"

namespace bourse::agent {

namespace {

using runtime::HttpRequest;
using runtime::HttpResponder;
using runtime::HttpResponse;

// Numbers given out here, apart from those of connections to the socket.
constexpr std::uint64_t kHttp = std::uint64_t{1} << 62;

bool is_here(PeerId peer) {
  return peer.raw() >> 62 == 1;
}

// Of "Authorization: Bearer TOKEN"; empty if there is none. Other schemes mean nothing here.
std::string bearer_token(const HttpRequest& request) {
  constexpr std::string_view kBearer = "Bearer ";
  const std::string_view header = request.headers.get("Authorization");
  if (!header.starts_with(kBearer)) return {};
  return std::string(header.substr(kBearer.size()));
}

HttpResponse unauthenticated() {
  HttpResponse out = HttpResponse::text(
      401,
      "Authorization: is missing; send 'Bearer ' and the MESOS_EXECUTOR_AUTHENTICATION_TOKEN of "
      "the executor's environment");
  out.headers.add("WWW-Authenticate", "Bearer realm=\"mesos-agent-executor\"");
  return out;
}

HttpResponse wrong_method(const std::string& method) {
  HttpResponse out =
      HttpResponse::text(405, "expecting one of { POST }, but received '" + method + "'");
  out.headers.add("Allow", "POST");
  return out;
}

bool is_loopback(std::string_view address) {
  return address.starts_with("127.") || address == "::1" || address.starts_with("::ffff:127.");
}

}  // namespace

void ExecutorApi::call(const HttpRequest& request, const HttpResponder& responder) {
  const std::string token = bearer_token(request);
  if (options_.authenticate && token.empty()) return responder.respond(unauthenticated());
  if (request.method != "POST") return responder.respond(wrong_method(request.method));
  api::Negotiated types = api::read_content_type(request);
  if (!types.ok()) return responder.respond(types.error());
  auto call = codec::decode_executor_call(types.in, request.body);
  if (!call.ok()) {
    return responder.respond(
        HttpResponse::text(api::call_status(call.error()), call.error().message));
  }
  call->token = token;
  const RequestId id(++calls_made_);
  FromExecutor event{PeerId(), std::move(call).value(), id, is_loopback(request.remote_address)};
  event.from_here |= request.remote_address == options_.own_address;
  if (std::holds_alternative<executor_call::Subscribe>(event.call.body)) {
    types = api::read_accept(request, std::move(types));
    if (!types.ok()) return responder.respond(types.error());
    if (streams_.size() >= options_.streams) {
      return responder.respond(
          HttpResponse::text(503, "this agent has " + std::to_string(options_.streams) +
                                      " executors over HTTP, its limit; try again later"));
    }
    event.peer = PeerId(kHttp | ++streams_made_);
    streams_.emplace(event.peer, api::EventStream(responder, types.out, options_.stream_bytes));
  }
  waiting_.emplace(id, Call{event.peer, responder});
  core_.call(std::move(event));
}

void ExecutorApi::answer(const AnswerExecutor& effect) {
  const auto it = waiting_.find(effect.request);
  if (it == waiting_.end()) return;
  const Call call = std::move(it->second);
  waiting_.erase(it);
  if (!effect.status.ok()) {
    if (!call.subscribes.empty()) streams_.erase(call.subscribes);
    const Error& error = effect.status.error();
    return call.responder.respond(HttpResponse::text(api::call_status(error), error.message));
  }
  if (call.subscribes.empty()) {
    HttpResponse accepted;
    accepted.status = 202;
    return call.responder.respond(std::move(accepted));
  }
  const auto stream = streams_.find(call.subscribes);
  if (stream != streams_.end()) open(stream->first, stream->second);
}

void ExecutorApi::open(PeerId peer, api::EventStream& stream) {
  stream.open({}, [this, peer](const Error& why) { on_gone(peer, why); });
}

bool ExecutorApi::send(const SendToExecutor& effect) {
  if (!is_here(effect.peer)) return false;
  const auto it = streams_.find(effect.peer);
  if (it == streams_.end()) return true;
  open(it->first, it->second);
  const std::string record = codec::encode_executor_event(it->second.encoding(), effect.event);
  // False: it is closed already, and on_gone() follows.
  (void)it->second.send(record);
  if (unread_.sent(record.size())) close_who_reads_least();
  return true;
}

void ExecutorApi::close_who_reads_least() {
  std::vector<UnreadStream> all;
  all.reserve(streams_.size());
  for (const auto& [peer, stream] : streams_) all.push_back({peer, stream.unread_bytes()});
  for (StreamToClose& one : unread_.to_close(std::move(all))) {
    streams_.at(one.peer).abort({ErrorCode::full, std::move(one.reason)});
  }
}

bool ExecutorApi::close(const CloseExecutor& effect) {
  if (!is_here(effect.peer)) return false;
  const auto it = streams_.find(effect.peer);
  if (it == streams_.end()) return true;
  runtime::log_info("closing an executor's stream", {{"reason", effect.reason}});
  // No ERROR: an executor that has subscribed again would take it for its own end.
  it->second.close();
  streams_.erase(it);
  return true;
}

void ExecutorApi::on_gone(PeerId peer, const Error& why) {
  if (streams_.erase(peer) == 0) return;
  runtime::log_warning("an executor's stream ended", {{"reason", why.message}});
  core_.gone(ExecutorGone{peer});
}

}  // namespace bourse::agent
