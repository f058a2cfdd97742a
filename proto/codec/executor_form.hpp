// Executor calls and events between their public messages and the model; executor.hpp and links.hpp
// put bytes around them. Private to the codec; any thread.
#pragma once

#include "base/result.hpp"
#include "model/executor_link.hpp"

namespace mesos::v1::executor {
class Call;
class Event;
}  // namespace mesos::v1::executor

namespace bourse::codec {

// The read functions take what they need out of the message and leave it unspecified. Required
// fields must be there.
Result<ExecutorCall> read_executor_call(mesos::v1::executor::Call& message);
Result<ExecutorEvent> read_executor_event(mesos::v1::executor::Event& message);

void write_executor_call(const ExecutorCall& call, mesos::v1::executor::Call& out);
void write_executor_event(const ExecutorEvent& event, mesos::v1::executor::Event& out);

}  // namespace bourse::codec
