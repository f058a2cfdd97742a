// Small bodies and the rules of negotiation of the operator API. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "master/view/answers.hpp"
#include "proto/codec/encoding.hpp"
#include "proto/codec/scheduler.hpp"
#include "runtime/http_message.hpp"

namespace bourse::master {

// What a call is written in and what its answer shall be written in, or the refusal.
class Negotiated {
 public:
  codec::Encoding in = codec::Encoding::json;
  codec::Encoding out = codec::Encoding::json;

  bool ok() const { return !refusal_; }
  const runtime::HttpResponse& error() const { return *refusal_; }
  static Negotiated refused(int status, std::string sentence);

 private:
  std::optional<runtime::HttpResponse> refusal_;
};
// The order and the codes of Mesos: Content-Type absent 400, other 415, Accept 406. Where a call is
// judged between the two, `read_content_type` comes first and `read_accept` completes it.
Negotiated negotiate(const runtime::HttpRequest& request);
Negotiated read_content_type(const runtime::HttpRequest& request);
Negotiated read_accept(const runtime::HttpRequest& request, Negotiated so_far);

runtime::HttpResponse refusal(const Error& error);
runtime::HttpResponse typed_body(std::string body, codec::Encoding encoding);
runtime::HttpResponse snapshot_body(const Metrics& metrics);    // /metrics/snapshot
runtime::HttpResponse prometheus_body(const Metrics& metrics);  // /metrics

std::string version_json();
std::string health_body(codec::Encoding encoding);
std::string version_body(codec::Encoding encoding);
std::string master_body(const codec::MasterDescription& master, codec::Encoding encoding);
// READ_FILE of a whole document in memory.
std::string file_body(const std::string& document, std::uint64_t offset,
                      std::optional<std::uint64_t> length, codec::Encoding encoding);

}  // namespace bourse::master
