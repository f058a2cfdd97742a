#include "api/negotiation.hpp"

#include <algorithm>

#include "model/version.hpp"

namespace bourse::api {

namespace {

using runtime::HttpResponse;

// Whether the parameters of an entry say "q=0", with as many noughts as may follow.
bool refuses(std::string_view parameters) {
  const std::size_t q = parameters.find(";q=");
  if (q == std::string_view::npos) return false;
  std::string_view value = parameters.substr(q + 3);
  value = value.substr(0, value.find(';'));
  return value.starts_with('0') && value.find_first_not_of("0.") == std::string_view::npos;
}

}  // namespace

Negotiated Negotiated::refused(int status, std::string sentence) {
  Negotiated out;
  out.refusal_ = HttpResponse::text(status, std::move(sentence));
  return out;
}

Negotiated negotiate(const runtime::HttpRequest& request) {
  Negotiated out = read_content_type(request);
  return out.ok() ? read_accept(request, std::move(out)) : out;
}

Negotiated read_content_type(const runtime::HttpRequest& request) {
  Negotiated out;
  const std::string_view type = request.headers.get("Content-Type");
  if (type.empty()) {
    return Negotiated::refused(400, "Content-Type: is missing; give application/json");
  }
  if (type == codec::media_type(codec::Encoding::protobuf)) {
    out.in = codec::Encoding::protobuf;
  } else if (type != codec::media_type(codec::Encoding::json)) {
    return Negotiated::refused(415, "Content-Type: '" + std::string(type) +
                                        "' is neither application/json nor application/x-protobuf");
  }
  return out;
}

Negotiated read_accept(const runtime::HttpRequest& request, Negotiated out) {
  const std::string* accept = request.headers.find("Accept");
  if (accept == nullptr || accepts(*accept, codec::media_type(codec::Encoding::json))) return out;
  if (!accepts(*accept, codec::media_type(codec::Encoding::protobuf))) {
    return Negotiated::refused(406, "Accept: '" + *accept +
                                        "' takes neither application/json nor "
                                        "application/x-protobuf");
  }
  out.out = codec::Encoding::protobuf;
  return out;
}

bool accepts(const std::string& accept, std::string_view type) {
  std::size_t begin = 0;
  while (begin <= accept.size()) {
    const std::size_t end = std::min(accept.find(',', begin), accept.size());
    std::string entry = accept.substr(begin, end - begin);
    begin = end + 1;
    std::erase_if(entry, [](char c) { return c == ' ' || c == '\t'; });
    const std::size_t name_ends = std::min(entry.find(';'), entry.size());
    const std::string_view name = std::string_view(entry).substr(0, name_ends);
    if (refuses(std::string_view(entry).substr(name_ends))) continue;
    if (name == type || name == "*/*" || name == "application/*") return true;
  }
  return false;
}

int call_status(const Error& error) {
  switch (error.code) {
    case ErrorCode::denied:
    case ErrorCode::conflict:  // not subscribed
      return 403;
    case ErrorCode::too_large:
      return 413;
    case ErrorCode::unsupported:
      return 501;
    case ErrorCode::unavailable:
    case ErrorCode::full:
    case ErrorCode::timeout:
      return 503;
    default:
      return 400;
  }
}

HttpResponse refusal(const Error& error) {
  return HttpResponse::text(runtime::http_status_of(error), error.message);
}

HttpResponse json_answer(const runtime::HttpRequest& request, std::string json) {
  const std::string name(request.query_value("jsonp"));
  if (name.empty()) return HttpResponse::json(std::move(json));
  constexpr std::string_view kName =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.$";
  if (name.find_first_not_of(kName) != std::string::npos) {
    return HttpResponse::text(400, "jsonp: is no name of a function (letters, digits, '_', '.')");
  }
  HttpResponse out;
  out.headers.add("Content-Type", "text/javascript");
  out.body = name + "(" + json + ");";
  return out;
}

HttpResponse version_answer(const runtime::HttpRequest& request) {
  return json_answer(request, std::string("{\"version\":\"") + kApiVersion +
                                  "\",\"bourse_version\":\"" + kVersion + "\"}");
}

HttpResponse typed_body(std::string body, codec::Encoding encoding) {
  HttpResponse out;
  out.headers.add("Content-Type", std::string(codec::media_type(encoding)));
  out.body = std::move(body);
  return out;
}

}  // namespace bourse::api
