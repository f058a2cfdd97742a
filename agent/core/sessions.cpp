#include "agent/core/sessions.hpp"

#include <algorithm>

#include "model/session_limits.hpp"

namespace bourse::agent {

namespace {

std::string quoted(const std::string& text) {
  return "'" + text.substr(0, limits::kMaxSessionIdBytes) + "'";
}

const Executor* executor_in(const AgentState& agent, const ContainerId& parent) {
  const auto at = agent.by_container.find(parent);
  if (at == agent.by_container.end()) return nullptr;
  const auto executor = agent.executors.find(at->second);
  return executor == agent.executors.end() ? nullptr : &executor->second;
}

Status check_id(const std::string& id) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  if (!id.empty() && id.size() <= limits::kMaxSessionIdBytes && id[0] != '.' &&
      std::all_of(id.begin(), id.end(), allowed)) {
    return {};
  }
  return invalid("container_id.value: " + quoted(id) +
                 " must be 1 to 128 of A-Z a-z 0-9 . _ - and not start with a dot");
}

Error full(const std::string& what, std::size_t most) {
  return {ErrorCode::full, "container_id: " + what + " has " + std::to_string(most) +
                               " sessions, its most; end one, or wait"};
}

Error ended_already(const SessionKey& key) {
  return {ErrorCode::conflict, "container_id: session " + quoted(key.id) + " has ended"};
}

}  // namespace

const std::string* user_of(const AgentState& agent, const ContainerId& parent) {
  const Executor* executor = executor_in(agent, parent);
  if (executor == nullptr) return nullptr;
  if (!executor->facet->user.empty()) return &executor->facet->user;
  const auto at = agent.frameworks.find(agent.by_container.at(parent).first);
  return at == agent.frameworks.end() ? nullptr : &at->second.facet->user;
}

Status Sessions::launch(const AgentState& agent, const SessionKey& key, bool tied, bool tty) {
  if (Status named = check_id(key.id); !named.ok()) return named;
  const Executor* executor = executor_in(agent, key.parent);
  if (executor == nullptr || user_of(agent, key.parent) == nullptr) {
    return Error{ErrorCode::not_found, "container_id.parent: no container " +
                                           quoted(key.parent.raw()) + " on this agent"};
  }
  const bool runs = (executor->phase == ExecutorPhase::subscribing ||
                     executor->phase == ExecutorPhase::running) &&
                    executor->pid.has_value();
  if (!runs) {
    return Error{ErrorCode::conflict,
                 "container_id.parent: container " + quoted(key.parent.raw()) + " does not run"};
  }
  forget_ended(agent);
  if (table_.count(key) != 0) {
    return Error{ErrorCode::already_exists,
                 "container_id.value: " + quoted(key.id) + " is in use in container " +
                     quoted(key.parent.raw()) + "; take another, or remove that one"};
  }
  const auto of_parent = std::count_if(table_.begin(), table_.end(), [&](const auto& entry) {
    return entry.first.parent == key.parent && entry.second.phase != SessionPhase::ended;
  });
  if (static_cast<std::size_t>(of_parent) >= limits::kMaxSessionsPerContainer) {
    return full("container " + quoted(key.parent.raw()), limits::kMaxSessionsPerContainer);
  }
  if (table_.size() - ended_ >= limits::kMaxSessionsPerAgent) {
    return full("this agent", limits::kMaxSessionsPerAgent);
  }
  Session session;
  session.tied = tied;
  session.tty = tty;
  table_[key] = session;
  return {};
}

void Sessions::withdraw(const SessionKey& key) {
  table_.erase(key);
}

void Sessions::started(const SessionKey& key) {
  const auto at = table_.find(key);
  if (at != table_.end() && at->second.phase == SessionPhase::starting) {
    at->second.phase = SessionPhase::running;
  }
}

void Sessions::ended(const SessionKey& key, std::optional<std::int32_t> wait_status,
                     std::string reason) {
  const auto at = table_.find(key);
  if (at == table_.end() || at->second.phase == SessionPhase::ended) return;
  Session& session = at->second;
  session.phase = SessionPhase::ended;
  session.wait_status = wait_status;
  session.reason = std::move(reason);
  session.ended_as = ++endings_;
  ++ended_;
  if (ended_ <= limits::kMaxEndedSessions) return;
  auto oldest = table_.end();
  for (auto it = table_.begin(); it != table_.end(); ++it) {
    if (it->second.phase != SessionPhase::ended || it->first == key) continue;
    if (oldest == table_.end() || it->second.ended_as < oldest->second.ended_as) oldest = it;
  }
  if (oldest == table_.end()) return;
  table_.erase(oldest);
  --ended_;
}

// What ended in a container that is gone is nobody's concern any more.
void Sessions::forget_ended(const AgentState& agent) {
  for (auto it = table_.begin(); it != table_.end();) {
    if (it->second.phase == SessionPhase::ended && it->second.waiters == 0 &&
        agent.by_container.count(it->first.parent) == 0) {
      it = table_.erase(it);
      --ended_;
    } else {
      ++it;
    }
  }
}

Result<Session*> Sessions::known(const SessionKey& key) {
  const auto at = table_.find(key);
  if (at != table_.end()) return &at->second;
  return Error{ErrorCode::not_found, "container_id: no session " + quoted(key.id) +
                                         " in container " + quoted(key.parent.raw())};
}

const Session* Sessions::find(const SessionKey& key) const {
  const auto at = table_.find(key);
  return at == table_.end() ? nullptr : &at->second;
}

Status Sessions::attach_input(const SessionKey& key) {
  auto session = known(key);
  if (!session.ok()) return session.error();
  if (session.value()->phase == SessionPhase::ended) return ended_already(key);
  if (session.value()->input_attached) {
    return Error{ErrorCode::conflict, "container_id: the input of session " + quoted(key.id) +
                                          " is being written by another connection"};
  }
  if (session.value()->input_ended) {
    return Error{ErrorCode::conflict,
                 "container_id: the input of session " + quoted(key.id) + " has ended"};
  }
  session.value()->input_attached = true;
  return {};
}

void Sessions::detach_input(const SessionKey& key) {
  const auto at = table_.find(key);
  if (at != table_.end()) at->second.input_attached = false;
}

Status Sessions::end_input(const SessionKey& key) {
  auto session = known(key);
  if (!session.ok()) return session.error();
  if (session.value()->phase == SessionPhase::ended) return ended_already(key);
  // Of a terminal it is a character that its program may read past.
  session.value()->input_ended = !session.value()->tty;
  return {};
}

Status Sessions::attach_output(const SessionKey& key) {
  auto session = known(key);
  if (!session.ok()) return session.error();
  if (session.value()->phase == SessionPhase::ended) return ended_already(key);
  if (session.value()->readers >= limits::kMaxReadersPerSession) {
    return Error{ErrorCode::full, "container_id: session " + quoted(key.id) + " has " +
                                      std::to_string(limits::kMaxReadersPerSession) +
                                      " readers, its most"};
  }
  ++session.value()->readers;
  return {};
}

void Sessions::detach_output(const SessionKey& key) {
  const auto at = table_.find(key);
  if (at != table_.end() && at->second.readers > 0) --at->second.readers;
}

Status Sessions::resize(const SessionKey& key, std::uint32_t rows, std::uint32_t columns) const {
  const Session* session = find(key);
  if (session == nullptr || session->phase == SessionPhase::ended) return ended_already(key);
  if (!session->tty) {
    return invalid("process_io.control.tty_info: session " + quoted(key.id) +
                   " has no terminal; launch it with container.tty_info");
  }
  return check_tty("process_io.control.tty_info", rows, columns);
}

Status Sessions::signal(const SessionKey& key, std::int32_t signal) const {
  const Session* session = find(key);
  if (session == nullptr) {
    return Error{ErrorCode::not_found, "container_id: no session " + quoted(key.id) +
                                           " in container " + quoted(key.parent.raw())};
  }
  if (session->phase == SessionPhase::ended) return ended_already(key);
  if (signal < 1 || signal > 64) {
    return invalid("signal: " + std::to_string(signal) + " is not between 1 and 64");
  }
  return {};
}

Status Sessions::wait(const SessionKey& key) {
  auto session = known(key);
  if (!session.ok()) return session.error();
  if (session.value()->waiters >= limits::kMaxWaitersPerSession) {
    return Error{ErrorCode::full, "container_id: " + std::to_string(limits::kMaxWaitersPerSession) +
                                      " calls wait for session " + quoted(key.id) + ", its most"};
  }
  ++session.value()->waiters;
  return {};
}

void Sessions::waited(const SessionKey& key) {
  const auto at = table_.find(key);
  if (at != table_.end() && at->second.waiters > 0) --at->second.waiters;
}

Status Sessions::remove(const SessionKey& key) {
  auto session = known(key);
  if (!session.ok()) return session.error();
  if (session.value()->phase != SessionPhase::ended) {
    return Error{ErrorCode::conflict,
                 "container_id: session " + quoted(key.id) + " has not ended; kill it first"};
  }
  table_.erase(key);
  --ended_;
  return {};
}

Status check_tty(const std::string& field, std::uint32_t rows, std::uint32_t columns) {
  if (rows >= 1 && rows <= limits::kMaxTtySide && columns >= 1 && columns <= limits::kMaxTtySide) {
    return {};
  }
  return invalid(field + ".window_size: " + std::to_string(rows) + " rows and " +
                 std::to_string(columns) + " columns; each must be 1 to " +
                 std::to_string(limits::kMaxTtySide));
}

}  // namespace bourse::agent
