// call::Publish between its public form, which Mesos does not know (docs/http-api.md), and the
// model. Private to the codec; any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "model/scheduler_call.hpp"
#include "proto/codec/encoding.hpp"

namespace bourse::codec {

// What every way to the master has to check of it.
Result<call::Publish> read_publish(std::string name, std::string content);

// Whether a call of a type that the public parser does not know is this one.
bool is_publish_call(Encoding encoding, std::string_view body);
// REQUIRES is_publish_call().
Result<SchedulerCall> read_publish_call(Encoding encoding, std::string_view body);
std::string write_publish_call(Encoding encoding, const FrameworkId& framework_id,
                               const call::Publish& publish);

}  // namespace bourse::codec
