// Event: everything that can happen to a coordinator, as one value. Shells and the simulator make
// them; nothing else reaches the core.
//
// Each ZooKeeper handle that a shell opens has a number (OpenSession); what comes from an older one
// is dropped, so that the last words of a lost session cannot be taken for news of the next.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/id.hpp"
#include "base/time.hpp"
#include "coordination/core/zk_request.hpp"
#include "model/ids.hpp"

namespace bourse::coordination {

using SessionNumber = NumberId<struct SessionTag>;

// First event.
struct Started {};

// The handle has a session, again or for the first time.
struct SessionConnected {
  SessionNumber session;
  std::uint64_t id = 0;  // as ephemeral nodes name their owner
  Duration timeout;      // as negotiated
};
// No server answers; the handle looks for one. What was under way is answered connection_loss.
struct SessionSuspended {
  SessionNumber session;
};
struct SessionExpired {
  SessionNumber session;
};
struct AuthFailed {
  SessionNumber session;
};

struct Replied {
  ZkRequestId id;
  zk::Reply reply;
};
// Once per watch that a request left. What happened is not said: the coordinator looks again.
struct WatchFired {
  SessionNumber session;
  std::string path;
};

// Store, all or nothing; without a value: forget the key. Answered by Stored or Refused, in the
// order in which writes were given. A value is often made from what earlier writes will have made
// of the key: so a write is refused when one before it with a key of its own was, unless its maker
// had been told.
struct Write {
  PersistId id;
  std::vector<std::pair<std::string, std::optional<std::string>>> changes;
  std::uint64_t refusals_told = 0;  // to its maker, when it was made
};

struct Tick {};

// Said to BecameLeader, before any write: its entries mean nothing to this build. Another candidate
// may read them, and this one looks again later, as often as it wins.
struct Declined {
  std::string reason;
};

using EventBody = std::variant<Started, SessionConnected, SessionSuspended, SessionExpired,
                               AuthFailed, Replied, WatchFired, Write, Tick, Declined>;

struct Event {
  Stamp stamp;
  EventBody body;
};

}  // namespace bourse::coordination
