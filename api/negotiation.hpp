// What a call of a v1 API is written in and what its answer shall be written in, by Mesos' rules.
// Values; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "proto/codec/encoding.hpp"
#include "runtime/http_message.hpp"

namespace bourse::api {

// Both encodings, or the refusal.
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
// Whether an Accept header takes this type, which is one of application/.
bool accepts(const std::string& accept, std::string_view type);

// The status of a refused call of a scheduler or executor: 400 unless something else is said.
int call_status(const Error& error);

runtime::HttpResponse refusal(const Error& error);
// JSON, or a call of the function that `?jsonp=NAME` names, for pages of other origins.
runtime::HttpResponse json_answer(const runtime::HttpRequest& request, std::string json);
// What /version says, of every daemon.
runtime::HttpResponse version_answer(const runtime::HttpRequest& request);
runtime::HttpResponse typed_body(std::string body, codec::Encoding encoding);

}  // namespace bourse::api
