// Effect: everything a coordinator wants done, as one value. A shell and the simulator perform them
// in order.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "coordination/core/event.hpp"
#include "coordination/core/zk_request.hpp"
#include "model/ids.hpp"
#include "model/note.hpp"

namespace bourse::coordination {

// Close the handle before, if there is one, and open another under this number.
struct OpenSession {
  SessionNumber session;
};
// Only asked while the session is connected. If it no longer is, answer connection_loss.
struct ZkRequest {
  ZkRequestId id;
  zk::Request request;
};
// The epoch is ours and the registry is read. Until StepDown, or until may_act says no.
struct BecameLeader {
  Epoch epoch = 0;
  std::string cluster_id;
  std::vector<std::pair<std::string, std::string>> entries;  // ordered by key
};
// Who leads, whenever that changes: the candidate's own words, or nothing when nobody is known to.
struct Leader {
  std::optional<std::string> info;
  bool ours = false;
};
struct Stored {
  PersistId id;
};
struct Refused {  // not stored, and never will be
  PersistId id;
  std::string reason;
};
// Leadership is lost, or cannot be trusted: exit with the reason. Writes not answered are unknown.
struct StepDown {
  std::string reason;
};

struct Effect {
  std::variant<OpenSession, ZkRequest, BecameLeader, Leader, Stored, Refused, StepDown> body;
};

struct Effects {
  std::vector<Effect> list;
  std::vector<Note> notes;

  void clear() {
    list.clear();
    notes.clear();
  }
};

}  // namespace bourse::coordination
