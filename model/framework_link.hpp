// The SDK's link to a master: the public scheduler messages in frames with a LinkHeader. Value.
// SUBSCRIBE opens a session (header.session); calls of an older session are dropped by the master.
#pragma once

#include <variant>

#include "model/link_session.hpp"
#include "model/scheduler_call.hpp"
#include "model/scheduler_event.hpp"

namespace bourse {

struct FrameworkToMaster {
  LinkHeader header;
  // A heartbeat from the SDK is a monostate; header.sequence then is the last number sent.
  std::variant<std::monostate, SchedulerCall> body;
};

struct MasterToFramework {
  LinkHeader header;
  // event::Heartbeat travels unsequenced; header.sequence then is the last number sent.
  SchedulerEvent body;
};

}  // namespace bourse
