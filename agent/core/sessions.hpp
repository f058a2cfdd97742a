// Sessions: which programs operators run in the containers of this agent, and what may be asked of
// each (docs/decisions/0046-sessions.md). A pure machine beside the agent's core: it is told what
// happens and says what may happen; it is not stored, for no session outlives its agent. Ordered
// tables, so two agents that are told the same say the same. One thread: the shell's.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "agent/core/state.hpp"
#include "base/result.hpp"

namespace bourse::agent {

// "parent.id": a session has a name within the container it runs in.
struct SessionKey {
  ContainerId parent;
  std::string id;

  auto operator<=>(const SessionKey&) const = default;
};

enum class SessionPhase : std::uint8_t {
  starting,  // asked for
  running,   // its program runs
  ended,     // nothing of it is left; answers WAIT until it is removed
};

struct Session {
  SessionPhase phase = SessionPhase::starting;
  bool tied = false;            // ends with the connection that launched it
  bool tty = false;             // its program has a terminal
  bool input_attached = false;  // a connection writes its input
  bool input_ended = false;     // nobody may write any more
  std::uint32_t readers = 0;
  std::uint32_t waiters = 0;
  std::uint64_t ended_as = 0;               // in which order they ended
  std::optional<std::int32_t> wait_status;  // as wait(2); absent: not known
  std::string reason;                       // why it is not

  bool operator==(const Session&) const = default;
};

class Sessions {
 public:
  // One that is being launched; in the table from now on. Errors: not_found the parent, conflict it
  // does not run or the id is in use, invalid the id, full.
  Status launch(const AgentState& agent, const SessionKey& key, bool tied, bool tty);
  // It could not even be asked for: as if launch() had not been.
  void withdraw(const SessionKey& key);
  void started(const SessionKey& key);
  // The order of endings decides which is forgotten first.
  void ended(const SessionKey& key, std::optional<std::int32_t> wait_status, std::string reason);

  // Each is refused with not_found, or conflict when it is not the time for it.
  Status attach_input(const SessionKey& key);
  void detach_input(const SessionKey& key);
  // The input may be written; whoever ends it ends it for good.
  Status end_input(const SessionKey& key);
  Status attach_output(const SessionKey& key);
  void detach_output(const SessionKey& key);
  Status resize(const SessionKey& key, std::uint32_t rows, std::uint32_t columns) const;
  Status signal(const SessionKey& key, std::int32_t signal) const;
  // ok: waits, unless it has ended already. Each is followed by waited().
  Status wait(const SessionKey& key);
  void waited(const SessionKey& key);
  Status remove(const SessionKey& key);

  const Session* find(const SessionKey& key) const;
  const std::map<SessionKey, Session>& table() const { return table_; }

 private:
  Result<Session*> known(const SessionKey& key);
  void forget_ended(const AgentState& agent);

  std::map<SessionKey, Session> table_;
  std::size_t ended_ = 0;
  std::uint64_t endings_ = 0;
};

// The user whose right a session has: that of the container's own program. nullptr: no such
// container.
const std::string* user_of(const AgentState& agent, const ContainerId& parent);
// A terminal's size that can be one; `field` names where it stood.
Status check_tty(const std::string& field, std::uint32_t rows, std::uint32_t columns);

}  // namespace bourse::agent
