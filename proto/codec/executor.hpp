// The public executor API: bytes <-> ExecutorCall and ExecutorEvent, in protobuf and JSON. The
// token of a call is not in the body (it travels as an HTTP header): the shell sets it. Any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "model/executor_link.hpp"
#include "proto/codec/encoding.hpp"

namespace bourse::codec {

// agent side
Result<ExecutorCall> decode_executor_call(Encoding encoding, std::string_view body);
std::string encode_executor_event(Encoding encoding, const ExecutorEvent& event);

// executor side
std::string encode_executor_call(Encoding encoding, const ExecutorCall& call);
Result<ExecutorEvent> decode_executor_event(Encoding encoding, std::string_view body);

}  // namespace bourse::codec
