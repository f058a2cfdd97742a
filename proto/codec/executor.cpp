#include "proto/codec/executor.hpp"

#include "proto/codec/body.hpp"
#include "proto/codec/canonical.hpp"
#include "proto/codec/executor_form.hpp"
#include "proto/v1/executor_call.pb.h"
#include "proto/v1/executor_event.pb.h"

namespace bourse::codec {

Result<ExecutorCall> decode_executor_call(Encoding encoding, std::string_view body) {
  thread_local mesos::v1::executor::Call message;
  recycle(message, body.size());
  if (Status ok = read_body(encoding, body, message); !ok) return ok.error();
  return read_executor_call(message);
}

std::string encode_executor_event(Encoding encoding, const ExecutorEvent& event) {
  mesos::v1::executor::Event message;
  write_executor_event(event, message);
  return write_body(encoding, message);
}

std::string encode_executor_call(Encoding encoding, const ExecutorCall& call) {
  mesos::v1::executor::Call message;
  write_executor_call(call, message);
  return write_body(encoding, message);
}

Result<ExecutorEvent> decode_executor_event(Encoding encoding, std::string_view body) {
  thread_local mesos::v1::executor::Event message;
  recycle(message, body.size());
  if (Status ok = read_body(encoding, body, message, limits::kMaxRecordIoBytes); !ok) {
    return ok.error();
  }
  return read_executor_event(message);
}

}  // namespace bourse::codec
