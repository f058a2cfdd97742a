#include "master/shell/http_answers.hpp"

#include <algorithm>

#include "model/limits.hpp"
#include "proto/codec/facet_write.hpp"
#include "proto/codec/json.hpp"
#include "proto/v1/master_response.pb.h"

namespace bourse::master {

namespace {

using mesos::v1::master::Response;
using runtime::HttpResponse;

constexpr char kApiVersion[] = "1.11.0";  // of Mesos' API: digits and dots only
constexpr char kVersion[] = "0.1.0";

std::string body_of(const Response& response, codec::Encoding encoding) {
  return encoding == codec::Encoding::json ? codec::to_json(response)
                                           : response.SerializeAsString();
}

// Whether an Accept header takes this media type; "q=0" refuses.
bool accepts(const std::string& accept, std::string_view type) {
  std::size_t begin = 0;
  while (begin <= accept.size()) {
    const std::size_t end = std::min(accept.find(',', begin), accept.size());
    std::string entry = accept.substr(begin, end - begin);
    begin = end + 1;
    std::erase(entry, ' ');
    const std::size_t semicolon = entry.find(';');
    const std::string name = entry.substr(0, semicolon);
    const bool refused = semicolon != std::string::npos &&
                         (entry.find(";q=0") != std::string::npos) &&
                         entry.find(";q=0.") == std::string::npos;
    if (refused) continue;
    if (name == type || name == "*/*" || name == "application/*") return true;
  }
  return false;
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

HttpResponse refusal(const Error& error) {
  return HttpResponse::text(runtime::http_status_of(error), error.message);
}

HttpResponse typed_body(std::string body, codec::Encoding encoding) {
  HttpResponse out;
  out.headers.add("Content-Type", std::string(codec::media_type(encoding)));
  out.body = std::move(body);
  return out;
}

HttpResponse snapshot_body(const Metrics& metrics) {
  std::string json = "{";
  for (const auto& [name, value] : metrics) {
    if (json.size() > 1) json += ',';
    codec::write_json_string(name, json);
    json += ':';
    codec::write_json_double(value, json);
  }
  return HttpResponse::json(json + "}");
}

HttpResponse prometheus_body(const Metrics& metrics) {
  std::string text;
  for (const auto& [name, value] : metrics) {
    std::string flat = name.rfind("bourse/", 0) == 0 ? name : "bourse_mesos/" + name;
    for (char& c : flat) {
      const bool plain =
          (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
      if (!plain) c = '_';
    }
    text += flat + ' ';
    codec::write_json_double(value, text);
    text += '\n';
  }
  HttpResponse out = HttpResponse::text(200, std::move(text));
  return out;
}

std::string version_json() {
  return std::string("{\"version\":\"") + kApiVersion + "\",\"bourse_version\":\"" + kVersion +
         "\"}";
}

std::string health_body(codec::Encoding encoding) {
  Response response;
  response.set_type(Response::GET_HEALTH);
  response.mutable_get_health()->set_healthy(true);
  return body_of(response, encoding);
}

std::string version_body(codec::Encoding encoding) {
  Response response;
  response.set_type(Response::GET_VERSION);
  response.mutable_get_version()->mutable_version_info()->set_version(kApiVersion);
  return body_of(response, encoding);
}

std::string master_body(const codec::MasterDescription& master, codec::Encoding encoding) {
  Response response;
  response.set_type(Response::GET_MASTER);
  codec::write_master(master, *response.mutable_get_master()->mutable_master_info());
  return body_of(response, encoding);
}

std::string file_body(const std::string& document, std::uint64_t offset,
                      std::optional<std::uint64_t> length, codec::Encoding encoding) {
  Response response;
  response.set_type(Response::READ_FILE);
  auto& file = *response.mutable_read_file();
  file.set_size(document.size());
  const std::size_t from = std::min<std::uint64_t>(offset, document.size());
  const std::uint64_t most = std::min<std::uint64_t>(length.value_or(limits::kMaxFileReadBytes),
                                                     limits::kMaxFileReadBytes);
  file.set_data(document.substr(from, most));
  return body_of(response, encoding);
}

}  // namespace bourse::master
