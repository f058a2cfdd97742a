#include "api/negotiation.hpp"

#include "model/version.hpp"
#include "runtime/http_accept.hpp"

namespace bourse::api {

using runtime::HttpResponse;

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
  return runtime::header_accepts(accept, {type, "application/*", "*/*"});
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
