#include "cli/api.hpp"

#include <csignal>
#include <optional>

#include "proto/codec/json.hpp"
#include "proto/v1/master_response.pb.h"
#include "runtime/http_client.hpp"

namespace bourse::cli {

namespace {

constexpr std::size_t kMostAnswerBytes = 512u << 20;

}  // namespace

Api::Api(std::string master) : master_(std::move(master)) {
  if (master_.find("://") == std::string::npos) master_ = "http://" + master_;
  while (!master_.empty() && master_.back() == '/') master_.pop_back();
}

Result<std::string> Api::request(const std::string& method, const std::string& url,
                                 const std::string& body) {
  runtime::HttpClientRequest out;
  out.method = method;
  out.url = url;
  out.max_body_bytes = kMostAnswerBytes;
  if (!body.empty()) out.headers.add("Content-Type", "application/json");
  out.headers.add("Accept", "application/json");
  out.body = body;
  std::optional<Result<std::string>> answer;
  runtime::HttpClientCallbacks callbacks;
  callbacks.on_response = [&](runtime::HttpResponse response) {
    if (response.status / 100 == 2) {
      answer = std::string(response.bytes());
    } else {
      answer =
          Error{response.status == 404 ? ErrorCode::not_found : ErrorCode::invalid,
                response.body.empty() ? "HTTP " + std::to_string(response.status) : response.body};
    }
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

Result<std::string> Api::call(const std::string& json) {
  auto answer = request("POST", master_ + "/api/v1", json);
  if (!answer.ok() && answer.error().code == ErrorCode::unavailable) {
    return Error{ErrorCode::unavailable,
                 "no master at " + master_ + " (" + answer.error().message +
                     "); give its address with --master=HOST:PORT or BOURSE_MASTER"};
  }
  return answer;
}

Status Api::call(const std::string& json, mesos::v1::master::Response& response) {
  auto body = call(json);
  if (!body.ok()) return body.error();
  codec::JsonLimits bounds;
  bounds.bytes = kMostAnswerBytes;
  bounds.elements = 100'000'000;
  return codec::from_json(body.value(), response, bounds);
}

bool Api::wait(Duration span) {
  bool interrupted = false;
  const auto signals = loop_.on_signals({SIGINT, SIGTERM}, [&](int) {
    interrupted = true;
    loop_.stop();
  });
  (void)loop_.run_for(span);
  return !interrupted;
}

std::string json_text(std::string_view text) {
  std::string out;
  codec::write_json_string(text, out);
  return out;
}

}  // namespace bourse::cli
