#include "cli/api.hpp"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <optional>

#include "coordination/link/leader_watch.hpp"
#include "proto/codec/json.hpp"
#include "proto/internal/operator_extension.pb.h"
#include "proto/v1/master_response.pb.h"
#include "runtime/http_client.hpp"

namespace bourse::cli {

namespace {

constexpr std::size_t kMostAnswerBytes = 512u << 20;
constexpr int kMostHops = 4;
constexpr Duration kAskEnsemble = Duration::seconds(10);
constexpr Duration kCallWithin = Duration::seconds(30);
constexpr Duration kAliveWithin = Duration::seconds(3);
constexpr Duration kFirstPause = Duration::milliseconds(200);
constexpr Duration kMostPause = Duration::seconds(3);

std::string without_line_end(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

codec::JsonLimits answer_bounds() {
  codec::JsonLimits bounds;
  bounds.bytes = kMostAnswerBytes;
  bounds.elements = 100'000'000;
  return bounds;
}

Error refused(int status, const std::string& body) {
  return {status == 404 ? ErrorCode::not_found : ErrorCode::invalid,
          body.empty() ? "HTTP " + std::to_string(status) : without_line_end(body)};
}

}  // namespace

Api::Api(const Invocation& invocation)
    : peer_(invocation.peer()), authorization_(invocation.authorization()) {
  const std::string& masters = invocation.address();
  if (peer_ == Invocation::Peer::master && masters.starts_with("zk://")) {
    ensemble_ = masters;
    return;
  }
  std::size_t begin = 0;
  while (begin <= masters.size()) {
    const std::size_t end = std::min(masters.find(',', begin), masters.size());
    std::string master = masters.substr(begin, end - begin);
    begin = end + 1;
    if (master.find("://") == std::string::npos) master = "http://" + master;
    while (!master.empty() && master.back() == '/') master.pop_back();
    masters_.push_back(std::move(master));
  }
}

Result<Api::Answer> Api::exchange(const std::string& method, const std::string& url,
                                  const std::string& body, const std::string& authorization,
                                  Duration within) {
  runtime::HttpClientRequest out;
  out.timeout = within;
  out.method = method;
  out.url = url;
  out.max_body_bytes = kMostAnswerBytes;
  if (!body.empty()) out.headers.add("Content-Type", "application/json");
  out.headers.add("Accept", "application/json");
  if (!authorization.empty()) out.headers.add("Authorization", authorization);
  out.body = body;
  std::optional<Result<Answer>> answer;
  runtime::HttpClientCallbacks callbacks;
  callbacks.on_response = [&](runtime::HttpResponse response) {
    answer = Answer{response.status, std::string(response.bytes()),
                    std::string(response.headers.get("Location"))};
    loop_.stop();
  };
  callbacks.on_error = [&](const Error& error) {
    answer = Error{error.code, url + ": " + error.message};
    loop_.stop();
  };
  const auto call = runtime::http_request(loop_, std::move(out), std::move(callbacks));
  loop_.run();
  if (!answer) return Error{ErrorCode::unavailable, url + ": interrupted"};
  return std::move(*answer);
}

Result<std::string> Api::request(const std::string& method, const std::string& url,
                                 const std::string& body) {
  auto answer = exchange(method, url, body, {}, kCallWithin);
  if (!answer.ok()) return answer.error();
  if (answer->status / 100 == 2) return std::move(answer->body);
  return refused(answer->status, answer->body);
}

Status Api::ask_ensemble() {
  auto masters = coordination::parse_masters_or_ensemble(ensemble_, "--master");
  if (!masters.ok()) return masters.error();
  std::string leader;
  coordination::LeaderWatch watch(loop_, *masters->ensemble, 0, coordination::LeaderAddress::http,
                                  [&](const std::string& address) {
                                    if (address.empty()) return;
                                    leader = address;
                                    loop_.stop();
                                  });
  if (const Status started = watch.start(); !started.ok()) return started;
  (void)loop_.run_for(kAskEnsemble);
  if (leader.empty()) {
    return Error{ErrorCode::unavailable,
                 "--master: the ensemble named no leader within " +
                     std::to_string(kAskEnsemble.ms() / 1000) +
                     " s; look whether it runs and whether the path is that of the masters' --zk"};
  }
  leader_ = "http://" + leader;
  return {};
}

Error Api::unauthenticated(const std::string& body) const {
  return {ErrorCode::denied,
          without_line_end(body) +
              (authorization_.empty() ? "; name the file of yours with --credential=FILE or "
                                        "BOURSE_CREDENTIAL"
                                      : "; what the file of --credential says is not right here")};
}

std::string Api::unreachable(const std::string& address, const std::string& why) const {
  if (peer_ == Invocation::Peer::service) {
    return "no service scheduler at " + address + " (" + why +
           "); give its address with --service=HOST:PORT or BOURSE_SERVICE";
  }
  return "no master at " + address + " (" + why +
         "); give its address with --master=HOST:PORT or BOURSE_MASTER";
}

Result<std::string> Api::call(const std::string& json) {
  return ask("POST", "/api/v1", json);
}

std::vector<std::string> Api::candidates() const {
  std::vector<std::string> out;
  if (!leader_.empty()) out.push_back(leader_);
  for (const std::string& master : masters_) {
    if (master != leader_) out.push_back(master);
  }
  return out;
}

bool Api::is_alive(const std::string& master) {
  return exchange("GET", master + "/health", {}, {}, kAliveWithin).ok();
}

std::optional<Result<std::string>> Api::ask_from(const std::string& candidate,
                                                 const std::string& method, const std::string& path,
                                                 const std::string& body, std::string& trouble) {
  std::string master = candidate;
  for (int hop = 0; hop < kMostHops; ++hop) {
    auto answer = exchange(method, master + path, body, authorization_, kCallWithin);
    if (!answer.ok()) {
      trouble = unreachable(master, answer.error().message);
      return std::nullopt;
    }
    if (answer->status / 100 == 2) {
      leader_ = master;
      return std::move(answer->body);
    }
    if (answer->status == 307 && answer->location.starts_with("//")) {
      const std::size_t target = answer->location.find('/', 2);
      master = "http:" + answer->location.substr(0, target);
      trouble = "they send on to each other and none leads; try again";
      continue;
    }
    if (answer->status == 401) return unauthenticated(answer->body);
    const Error error = refused(answer->status, answer->body);
    if (answer->status != 503) return error;
    trouble = error.message;
    return std::nullopt;
  }
  return std::nullopt;
}

Result<std::string> Api::ask_once(const std::string& method, const std::string& path,
                                  const std::string& body) {
  if (!ensemble_.empty() && leader_.empty()) {
    if (const Status asked = ask_ensemble(); !asked.ok()) return asked.error();
  }
  const std::vector<std::string> tried = candidates();
  std::string trouble;
  for (const std::string& candidate : tried) {
    if (tried.size() > 1 && !is_alive(candidate)) {
      trouble = unreachable(candidate, "it does not answer");
      continue;
    }
    if (auto answer = ask_from(candidate, method, path, body, trouble)) return std::move(*answer);
  }
  // Of an ensemble another one may lead by now.
  leader_.clear();
  return Error{ErrorCode::unavailable, trouble};
}

Result<std::string> Api::ask(const std::string& method, const std::string& path,
                             const std::string& body) {
  Duration waited;
  Duration pause = kFirstPause;
  while (true) {
    auto answer = ask_once(method, path, body);
    if (answer.ok() || answer.error().code != ErrorCode::unavailable || waited >= patience_) {
      return answer;
    }
    if (on_waiting_ && waited == Duration{}) on_waiting_(answer.error());
    const Duration drawn{std::uniform_int_distribution<std::int64_t>(pause.ns / 2, pause.ns)(rng_)};
    if (!wait(drawn)) return answer;
    waited = waited + drawn;
    pause = std::min(pause + pause, kMostPause);
  }
}

Status Api::call(const std::string& json, mesos::v1::master::Response& response) {
  auto body = call(json);
  if (!body.ok()) return body.error();
  return codec::from_json(body.value(), response, answer_bounds());
}

Status Api::call(const std::string& json, mesos::v1::master::Response& response,
                 operator_extension::Response& extension) {
  auto body = call(json);
  if (!body.ok()) return body.error();
  const Status read = codec::from_json(body.value(), response, answer_bounds());
  return read.ok() ? codec::from_json(body.value(), extension, answer_bounds()) : read;
}

bool Api::wait(Duration span) {
  if (!watching_) {
    watching_ = true;
    signals_ = loop_.on_signals({SIGINT, SIGTERM}, [this](int) {
      interrupted_ = true;
      if (waiting_) loop_.stop();
    });
  }
  if (interrupted_) return false;
  waiting_ = true;
  (void)loop_.run_for(span);
  waiting_ = false;
  return !interrupted_;
}

std::string json_text(std::string_view text) {
  std::string out;
  codec::write_json_string(text, out);
  return out;
}

std::optional<int> answered_as_json(const Invocation& invocation, Api& api,
                                    const std::string& call) {
  if (!invocation.json()) return std::nullopt;
  const auto body = api.call(call);
  if (!body.ok()) return failed(body.error());
  std::printf("%s\n", body.value().c_str());
  return 0;
}

int call_and_say(const Invocation& invocation, Api& api, const std::string& call,
                 const std::string& done) {
  if (auto answer = api.call(call); !answer.ok()) return failed(answer.error());
  std::printf("%s\n", invocation.json() ? "{\"done\":true}" : done.c_str());
  return 0;
}

}  // namespace bourse::cli
