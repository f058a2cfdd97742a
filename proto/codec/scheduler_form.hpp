// Scheduler calls and events between their public messages and the model; scheduler.hpp and
// links.hpp put bytes around them. Private to the codec; any thread.
#pragma once

#include "base/result.hpp"
#include "model/scheduler_call.hpp"
#include "model/scheduler_event.hpp"

namespace mesos::v1::scheduler {
class Call;
class Event;
}  // namespace mesos::v1::scheduler

namespace bourse::codec {

struct EventShape;

// The read functions take what they need out of the message and leave it unspecified. Required
// fields must be there.
Result<SchedulerCall> read_call(mesos::v1::scheduler::Call& message);
Result<SchedulerEvent> read_event(mesos::v1::scheduler::Event& message);

// REQUIRES not call::Publish, which has a form of its own (publish_form.hpp).
void write_call(const SchedulerCall& call, mesos::v1::scheduler::Call& out);
void write_event(const SchedulerEvent& event, const EventShape& shape,
                 mesos::v1::scheduler::Event& out);

}  // namespace bourse::codec
