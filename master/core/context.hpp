// Context: what a handler works with during one step: the state, the config, the time and who asks,
// and where effects go. Made by MasterCore::step for one event; never kept.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "master/allocator/allocate.hpp"
#include "master/core/config.hpp"
#include "master/core/effect.hpp"
#include "master/core/event.hpp"
#include "master/core/state.hpp"

namespace bourse::master {

// Memory that a round of allocation reuses; no state.
struct RoundMemory {
  allocator::Scratch scratch;
  allocator::Output output;
  std::vector<std::int64_t> rows;
  std::vector<std::uint32_t> places;        // by framework
  std::vector<std::uint32_t> first_grants;  // by agent
  // Of the room whose grants are being opened: what is left of parts that quotas cut.
  std::uint32_t cut_room = allocator::kNone;
  std::map<std::uint32_t, Resources> cut_parts;
};

struct Context {
  MasterState& state;
  const MasterConfig& config;
  RoundMemory& memory;
  Stamp stamp;
  Effects& out;

  void emit(Effect effect) { out.list.push_back(std::move(effect)); }

  template <typename Body>
  void publish(Body body) {
    out.changes.push_back(Change{++state.sequence, std::move(body)});
  }

  void note(Note::Level level, std::string code,
            std::vector<std::pair<std::string, std::string>> fields) {
    out.notes.push_back({level, std::move(code), std::move(fields)});
  }

  void arm(DeadlineKey::Kind kind, AgentSlot slot, Instant at) {
    state.deadlines.arm({kind, slot.index, slot.generation}, at);
  }
  void arm(DeadlineKey::Kind kind, FrameworkSlot slot, Instant at) {
    state.deadlines.arm({kind, slot.index, slot.generation}, at);
  }
  void disarm(DeadlineKey::Kind kind, AgentSlot slot) {
    state.deadlines.disarm({kind, slot.index, slot.generation});
  }
  void disarm(DeadlineKey::Kind kind, FrameworkSlot slot) {
    state.deadlines.disarm({kind, slot.index, slot.generation});
  }

  void answer(RequestId request, Status status) {
    if (!request.empty()) emit({Answer{request, std::move(status), state.sequence}});
  }
};

// -- sending (link.cpp)
// Numbers the message and sends it; dropped when the agent has no session: registration
// reconciles whatever that may have been.
template <typename Body>
void send_to_agent(Context& c, Agent& agent, Body body, bool sequenced = true) {
  if (agent.session.peer.empty()) return;
  Session& session = agent.session;
  LinkHeader header{session.number, sequenced ? session.sender.next() : 0, c.state.epoch};
  c.emit({SendToAgent{session.peer, {header, std::move(body)}}});
}
// To a peer that has no session yet, or not any more.
template <typename Body>
void send_to_peer(Context& c, PeerId peer, std::uint64_t session, Body body) {
  c.emit({SendToAgent{peer, {LinkHeader{session, 0, c.state.epoch}, std::move(body)}}});
}
// Dropped when the framework is not connected: it reconciles when it comes back.
void send_to_framework(Context& c, Framework& framework, SchedulerEvent event);
void send_framework_heartbeat(Context& c, Framework& framework);
Duration heartbeat_interval(const Context& c, bool http);

PersistId persist(Context& c, RegistryCommand command, PendingWrite what,
                  std::vector<Effect> after = {});

// Marks rows that the invariants are checked for at the end of the step.
void touch_agent(Context& c, AgentSlot slot);
void touch_framework(Context& c, FrameworkSlot slot);

void publish_agent(Context& c, const Agent& agent);
void publish_framework(Context& c, const Framework& framework);

}  // namespace bourse::master
