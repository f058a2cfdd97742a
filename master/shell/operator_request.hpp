// One call of the operator API on its way through the threads. Private to the room.
#pragma once

#include "api/negotiation.hpp"
#include "master/shell/operator_api.hpp"

namespace bourse::master {

struct OperatorApi::Request {
  runtime::HttpRequest http;
  runtime::HttpResponder responder;
  codec::Encoding in = codec::Encoding::json;
  codec::Encoding out = codec::Encoding::json;
  Queries queries;
  FrameworkId explained;     // not empty: it asks why
  int done_status = 202;     // of a write that was done
  int unknown_status = 404;  // of one about something that is not known
  bool force = false;        // of a drain
  std::optional<Duration> max_wait = std::nullopt;

  void refuse(const Error& error) const { responder.respond(api::refusal(error)); }
  void refuse_write(const Error& error) const {
    runtime::HttpResponse refusal = api::refusal(error);
    if (error.code == ErrorCode::not_found) refusal.status = unknown_status;
    responder.respond(std::move(refusal));
  }
  void answer(std::string body) const { responder.respond(api::typed_body(std::move(body), out)); }
};

}  // namespace bourse::master
