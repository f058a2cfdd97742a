#include "agent/shell/session_api.hpp"

#include <csignal>

#include "agent/shell/session_call.hpp"
#include "agent/shell/session_live.hpp"
#include "api/negotiation.hpp"
#include "model/session_limits.hpp"
#include "proto/codec/json.hpp"
#include "proto/v1/agent_response.pb.h"
#include "runtime/log.hpp"

namespace bourse::agent {

using mesos::v1::agent::Call;
using runtime::HttpResponder;
using runtime::HttpResponse;
namespace v1 = mesos::v1;

namespace {

constexpr Duration kBackedUpPause = Duration::milliseconds(5);
constexpr Duration kClearPause = Duration::milliseconds(50);
constexpr int kClearTries = 200;

}  // namespace

Error SessionApi::not_allowed() {
  return {
      ErrorCode::denied,
      "sessions: this agent listens beyond this machine; start it with --sessions to let whoever "
      "may call its /api/v1 run programs in its containers"};
}

SessionApi::SessionApi(runtime::Loop& loop, SessionHost& host, bool allowed)
    : loop_(loop), host_(host), allowed_(allowed) {}

SessionApi::~SessionApi() = default;

bool SessionApi::serves(Call::Type type) {
  Call call;
  call.set_type(type);
  return type == Call::ATTACH_CONTAINER_INPUT || session_id_in(call) != nullptr;
}

SessionApi::Live* SessionApi::find(const SessionKey& key) {
  const auto at = live_.find(key);
  return at == live_.end() ? nullptr : at->second.get();
}

void SessionApi::call(const Call& call, const CallForm& form, const HttpResponder& responder) {
  const auto refuse = [&](const Error& error) { responder.respond(api::refusal(error)); };
  const auto answer = [&](const Status& status) {
    status.ok() ? responder.respond(HttpResponse()) : refuse(status.error());
  };
  if (!allowed_) return refuse(not_allowed());
  auto key = read_session_key(*session_id_in(call));
  if (!key.ok()) return refuse(key.error());
  switch (call.type()) {
    case Call::ATTACH_CONTAINER_OUTPUT: {
      if (Status may = sessions_.attach_output(*key); !may.ok()) return refuse(may.error());
      return add_reader(*find(*key), form, responder, false);
    }
    case Call::WAIT_NESTED_CONTAINER:
    case Call::WAIT_CONTAINER:
      return wait(call, form, *key, responder);
    case Call::KILL_NESTED_CONTAINER:
    case Call::KILL_CONTAINER: {
      const bool nested = call.type() == Call::KILL_NESTED_CONTAINER;
      const bool given =
          nested ? call.kill_nested_container().has_signal() : call.kill_container().has_signal();
      const std::int32_t named =
          nested ? call.kill_nested_container().signal() : call.kill_container().signal();
      const std::int32_t signal = given ? named : SIGKILL;
      const Status may = sessions_.signal(*key, signal);
      if (Live* live = may.ok() ? find(*key) : nullptr) live->link->signal(signal);
      return answer(may);
    }
    case Call::REMOVE_NESTED_CONTAINER:
    case Call::REMOVE_CONTAINER:
      return answer(sessions_.remove(*key));
    default:
      return launch(call, form, *key, responder);
  }
}

void SessionApi::launch(const Call& call, const CallForm& form, const SessionKey& key,
                        const HttpResponder& responder) {
  const bool tied = call.type() == Call::LAUNCH_NESTED_CONTAINER_SESSION;
  const auto refuse = [&](const Error& error) { responder.respond(api::refusal(error)); };
  const Status may = sessions_.launch(host_.state(), key, tied, asks_for_tty(call));
  if (!may.ok()) return refuse(may.error());
  const auto refuse_launch = [&](const Error& error) {
    sessions_.withdraw(key);
    refuse(error);
  };
  auto spec = read_session(call, key, *user_of(host_.state(), key.parent));
  if (!spec.ok()) return refuse_launch(spec.error());
  auto socket = host_.open(*spec);
  if (!socket.ok()) return refuse_launch(socket.error());
  runtime::log_info("a session begins", {{"container", key.parent.raw()},
                                         {"session", key.id},
                                         {"user", spec->user},
                                         {"program", spec->argv.front()}});
  open(key, *socket);
  Live& live = *find(key);
  live.launch = responder;
  live.launch_form = form;
  live.tied = tied;
  live.program = spec->argv.front().substr(0, 256);
  if (!heartbeats_.armed()) heartbeats_ = loop_.every(kSessionHeartbeat, [this] { heartbeat(); });
}

void SessionApi::open(const SessionKey& key, int socket) {
  auto live = std::make_unique<Live>();
  live->key = key;
  SessionLink::Handlers handlers;
  handlers.started = [this, raw = live.get()] { on_started(*raw); };
  handlers.output = [this, raw = live.get()](OutputKind kind, std::string_view bytes) {
    on_output(*raw, kind, bytes);
  };
  handlers.taken = [this, key] { regulate(key); };
  handlers.ended = [this, key](std::optional<isolation::ExitRecord> record) {
    on_ended(key, record);
  };
  live->link = std::make_unique<SessionLink>(loop_, socket, std::move(handlers));
  live_[key] = std::move(live);
}

void SessionApi::on_started(Live& live) {
  sessions_.started(live.key);
  const HttpResponder responder = std::exchange(live.launch, HttpResponder());
  if (!live.tied) return responder.respond(HttpResponse());
  (void)sessions_.attach_output(live.key);  // the first reader is never one too many
  add_reader(live, live.launch_form, responder, true);
}

void SessionApi::add_reader(Live& live, const CallForm& form, const HttpResponder& responder,
                            bool tied) {
  const std::uint64_t number = ++numbers_;
  live.output.add(responder, form.out, form.streamed_out, number,
                  [this, key = live.key, number, tied] {
                    sessions_.detach_output(key);
                    Live* left = find(key);
                    if (left == nullptr) return;
                    left->output.remove(number);
                    if (tied) left->link->signal(SIGKILL);
                  });
}

void SessionApi::on_output(Live& live, OutputKind kind, std::string_view bytes) {
  live.output.write(kind, bytes);
  if (!live.output.backed_up() || live.backed_up.armed()) return;
  live.link->set_reading(false);
  live.backed_up =
      loop_.every(kBackedUpPause, [this, key = live.key] { pause_while_backed_up(key); });
}

void SessionApi::pause_while_backed_up(const SessionKey& key) {
  Live* live = find(key);
  if (live == nullptr || live->output.backed_up()) return;
  live->link->set_reading(true);
  live->backed_up.cancel();
}

void SessionApi::on_ended(const SessionKey& key, std::optional<isolation::ExitRecord> record) {
  const auto at = live_.find(key);
  if (at == live_.end()) return;
  std::unique_ptr<Live> live = std::move(at->second);
  live_.erase(at);
  if (record && !record->launched) {
    const std::string why = isolation::describe_exit(*record);
    sessions_.withdraw(key);
    live->launch.respond(HttpResponse::text(400, "command '" + live->program + "': " + why));
  } else {
    sessions_.ended(key, record ? std::optional(record->wait_status) : std::nullopt,
                    record ? "" : "its process died without leaving an exit status");
    live->launch.respond(HttpResponse::text(500, "the session's process died"));
    if (!record) clear(key, 0);
  }
  runtime::log_info("a session has ended", {{"container", key.parent.raw()}, {"session", key.id}});
  live->output.close();
  for (const Waiter& waiter : live->waiters) answer_wait(key, waiter);
  if (const auto input = live->input.lock()) end_input_stream(input);
  // Its link is what called this.
  loop_.post([held = std::move(live)] {});
}

// What a session process that was killed itself could not end.
void SessionApi::clear(const SessionKey& key, int tries) {
  if (host_.clear(key) || tries >= kClearTries) {
    loop_.post([this, key] { clearing_.erase(key); });
    return;
  }
  clearing_[key] = loop_.after(kClearPause, [this, key, tries] { clear(key, tries + 1); });
}

void SessionApi::wait(const Call& call, const CallForm& form, const SessionKey& key,
                      const HttpResponder& responder) {
  if (Status may = sessions_.wait(key); !may.ok()) {
    return responder.respond(api::refusal(may.error()));
  }
  const Waiter waiter{responder, form.out, call.type() == Call::WAIT_NESTED_CONTAINER};
  if (Live* live = find(key)) {
    live->waiters.push_back(waiter);
  } else {
    answer_wait(key, waiter);
  }
}

void SessionApi::answer_wait(const SessionKey& key, const Waiter& waiter) {
  sessions_.waited(key);
  const Session* session = sessions_.find(key);
  v1::agent::Response response;
  const auto fill = [&](auto& out) {
    if (session == nullptr) {
      out.set_message("it could not be started");
    } else if (session->wait_status) {
      out.set_exit_status(*session->wait_status);
    } else {
      out.set_message(session->reason);
    }
  };
  if (waiter.nested) {
    response.set_type(v1::agent::Response::WAIT_NESTED_CONTAINER);
    fill(*response.mutable_wait_nested_container());
  } else {
    response.set_type(v1::agent::Response::WAIT_CONTAINER);
    fill(*response.mutable_wait_container());
  }
  waiter.responder.respond(api::typed_body(waiter.encoding == codec::Encoding::json
                                               ? codec::to_json(response)
                                               : response.SerializeAsString(),
                                           waiter.encoding));
}

void SessionApi::heartbeat() {
  for (const auto& [key, live] : live_) live->output.heartbeat();
}

}  // namespace bourse::agent
