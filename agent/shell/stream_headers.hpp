// How a call of the agent's operator API and its answer are written, by Mesos' rules: besides the
// two encodings, ATTACH_CONTAINER_INPUT comes as a stream of records, ATTACH_CONTAINER_OUTPUT and
// LAUNCH_NESTED_CONTAINER_SESSION are answered by one. Which headers fit is judged here whether or
// not the call is served. Pure; any thread.
#pragma once

#include <optional>

#include "base/result.hpp"
#include "proto/codec/encoding.hpp"
#include "proto/v1/agent_call.pb.h"
#include "runtime/http_message.hpp"

namespace bourse::agent {

struct CallForm {
  bool streamed_in = false;                     // the body is records
  bool streamed_out = false;                    // the answer shall be
  codec::Encoding in = codec::Encoding::json;   // of the body, or of each record
  codec::Encoding out = codec::Encoding::json;  // likewise
  std::optional<runtime::HttpResponse> refusal = std::nullopt;
};

// What the headers say: 400 Content-Type or Message-Content-Type is missing, 415 they do not fit,
// 406 Accept or Message-Accept do not.
CallForm form_of(const runtime::HttpRequest& request);
// The call: the body, or one record of it. It says its type and has what it is about.
Status parse_call(const CallForm& form, std::string_view text, mesos::v1::agent::Call& call);
// Whether the call may come and be answered so.
std::optional<runtime::HttpResponse> refused_form(const CallForm& form,
                                                  const mesos::v1::agent::Call& call);

}  // namespace bourse::agent
