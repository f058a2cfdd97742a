// Effect: everything the service scheduler wants done, as one value. Its shell and tests perform
// them in order.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "bourse/types.hpp"
#include "model/ids.hpp"
#include "model/note.hpp"
#include "model/service_command.hpp"

namespace bourse::service {

struct Effect;

// Connect the driver. Empty: as a framework that no master knows.
struct Subscribe {
  std::string framework_id;
};
// Of one agent. An offer that is not held any more: each task comes back as dropped.
struct Launch {
  std::vector<std::string> offer_ids;
  std::vector<sdk::TaskSpec> tasks;
  Duration refuse;  // for what is left of the offers
};
struct Decline {
  std::vector<std::string> offer_ids;
  Duration refuse;
};
// Until the task has ended.
struct Kill {
  std::string task_id;
};
struct Acknowledge {
  sdk::TaskUpdate update;
};
// What became of these? Without any: of all that the master knows of.
struct Reconcile {
  std::vector<sdk::TaskPlace> tasks;
};
struct Suppress {};
struct Revive {};
// Store all of `commands` or none, in order of issue; `after` may leave only once they are stored,
// and then before the Stored event's own effects. Rejected: `after` never leaves.
struct Persist {
  PersistId id;
  std::vector<ServiceCommand> commands;
  std::vector<Effect> after;
};
// The answer to a request. `changed`: false if what was asked for was so already.
struct Answer {
  RequestId request;
  AppId app_id;
  Status status;
  bool changed = false;
};

struct Effect {
  std::variant<Subscribe, Launch, Decline, Kill, Acknowledge, Reconcile, Suppress, Revive, Persist,
               Answer>
      body;
};

// What one step produced, in order. The caller clears and reuses it.
struct Effects {
  std::vector<Effect> list;
  std::vector<Note> notes;

  void clear() {
    list.clear();
    notes.clear();
  }
};

}  // namespace bourse::service
