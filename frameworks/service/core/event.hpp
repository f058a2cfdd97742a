// Event: everything that can happen to the service scheduler, as one value. The shell and tests
// make them; nothing else reaches the core.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/time.hpp"
#include "bourse/types.hpp"
#include "model/authorization.hpp"
#include "model/ids.hpp"
#include "model/service_command.hpp"

namespace bourse::service {

// The first event: this process leads, and this is what its store says. Whatever runs goes on; each
// instance is asked for before anything is concluded about it.
struct Start {
  Book book;
  // Subscribe as a new framework: the one in the book is gone from the master, and its tasks too.
  bool new_framework = false;
};

// -- from the driver
struct Registered {
  std::string framework_id;
};
struct Disconnected {};
struct Offered {
  std::vector<sdk::Offer> offers;
};
struct Updated {
  sdk::TaskUpdate update;
};

// -- from the store, in the order of the writes
struct Stored {
  PersistId id;
};
struct Rejected {  // not stored, and never will be: disk full, too large
  PersistId id;
  std::string reason;
};

// -- from people
namespace change {
struct PutApp {
  AppId app_id;
  AppDefinition definition;
};
struct ScaleApp {
  AppId app_id;
  std::uint32_t instances = 0;
};
struct RestartApp {
  AppId app_id;
  std::optional<std::uint64_t> if_version;  // only if this is the newest: makes it repeatable
};
struct RemoveApp {
  AppId app_id;
};
}  // namespace change
using AppChange =
    std::variant<change::PutApp, change::ScaleApp, change::RestartApp, change::RemoveApp>;

struct FromClient {
  RequestId request;
  Principal principal;
  AppChange change;
};

// next_deadline() has come.
struct Tick {};

struct Event {
  Stamp stamp;
  std::variant<Start, Registered, Disconnected, Offered, Updated, Stored, Rejected, FromClient,
               Tick>
      body;
};

}  // namespace bourse::service
