// Effect: everything a master core wants done, as one value. The effect runner (master/shell) and
// the simulator perform them in order.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "model/agent_link.hpp"
#include "model/change.hpp"
#include "model/framework_link.hpp"
#include "model/ids.hpp"
#include "model/note.hpp"
#include "model/registry_command.hpp"

namespace bourse::master {

struct Effect;

struct SendToAgent {
  PeerId peer;
  MasterToAgent message;
};
// The codec shapes the event by the framework's capabilities.
struct SendToFramework {
  PeerId stream;
  Capabilities capabilities;
  MasterToFramework message;
};
// After what was sent before has left.
struct ClosePeer {
  PeerId peer;
  std::string reason;
};
// Store, in order of issue; `after` may leave only once it is stored, and then before the Stored
// event's own effects. Rejected: `after` never leaves.
struct Persist {
  PersistId id;
  RegistryCommand command;
  std::vector<Effect> after;
};
// The answer to a request that waits (HTTP call or operator call). `sequence`: the Change that made
// it true; a read that follows is served when the view has reached it.
struct Answer {
  RequestId request;
  Status status;
  std::uint64_t sequence = 0;
};
// This process must not go on leading (registry lost, fenced): it exits with the reason.
struct Abdicate {
  std::string reason;
};

struct Effect {
  std::variant<SendToAgent, SendToFramework, ClosePeer, Persist, Answer, Abdicate> body;
};

// What one step produced, in order. The caller clears and reuses it.
struct Effects {
  std::vector<Effect> list;
  std::vector<Change> changes;
  std::vector<Note> notes;

  void clear() {
    list.clear();
    changes.clear();
    notes.clear();
  }
};

}  // namespace bourse::master
