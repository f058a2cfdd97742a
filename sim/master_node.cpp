#include "sim/master_node.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "proto/codec/links.hpp"
#include "proto/codec/records.hpp"
#include "sim/decode.hpp"
#include "sim/judge.hpp"
#include "sim/words.hpp"

namespace bourse::sim {

MasterNode::MasterNode(Env& env, Hub& hub)
    : env_(env), hub_(hub), disk_(env, env.plan.master_write_rejected) {
  hub_.on_bytes = [this](PeerId peer, Hub::Kind kind, std::string_view bytes) {
    on_bytes(peer, kind, bytes);
  };
  hub_.on_gone = [this](PeerId peer) { step(master::PeerGone{peer}); };
}

void MasterNode::start() {
  Registry registry;
  for (const std::string& bytes : disk_.records()) {
    const Result<RegistryCommand> command = codec::decode_registry_command(bytes);
    if (!command.ok()) {
      env_.judge->violate("S25", "a registry record does not parse: " + command.error().message);
      return;
    }
    if (const Status applied = apply(registry, *command); !applied.ok()) {
      env_.judge->violate("S5", "the registry does not replay: " + applied.error().message);
      return;
    }
  }
  ++life_;
  master::MasterConfig config = env_.plan.master;
  config.seed = env_.rng.next();
  core_ = std::make_unique<master::MasterCore>(config);
  armed_ = Instant::max();
  env_.judge->new_master();
  hub_.open();
  step(master::Lead{std::move(registry)});
}

void MasterNode::crash() {
  if (!core_) return;
  ++life_;
  core_.reset();
  disk_.crash();
  hub_.crash();
  env_.trace("master", "dies");
}

void MasterNode::crash_and_return(Duration away) {
  crash();
  env_.schedule.in(away, [this, life = life_] {
    if (life == life_ && !core_) start();
  });
}

void MasterNode::on_bytes(PeerId peer, Hub::Kind kind, std::string_view bytes) {
  if (kind == Hub::Kind::agent) {
    for (auto& message : decode_all(env_, bytes, codec::decode_agent_to_master)) {
      step(master::FromAgent{peer, {}, std::move(message)});
    }
    return;
  }
  for (auto& message : decode_all(env_, bytes, codec::decode_framework_to_master)) {
    step(master::FromFramework{peer, {}, std::move(message), {}});
  }
}

namespace {

// The connection that speaks for the framework of this call before the call is acted on.
PeerId speaker_of(const master::MasterState& state, const master::Event& event) {
  const auto* from = std::get_if<master::FromFramework>(&event.body);
  if (from == nullptr) return PeerId();
  const auto* call = std::get_if<SchedulerCall>(&from->message.body);
  if (call == nullptr) return PeerId();
  const auto it = state.framework_of.find(call->framework_id);
  return it == state.framework_of.end() ? PeerId() : state.frameworks.at(it->second).session.peer;
}

}  // namespace

template <typename Body>
void MasterNode::step(Body body) {
  if (!core_) return;
  const master::Event event{env_.stamp(), std::move(body)};
  env_.count_event("master", event.body.index());
  if (env_.tracing) env_.trace("master", text_of(event));
  const PeerId speaker = speaker_of(core_->state(), event);
  master::Effects effects;
  core_->step(event, effects);
  if (env_.plan.plant == Plant::leak_ledger) plant_leak(event);
  if (env_.tracing) {
    for (const Note& note : effects.notes) env_.trace("master", "  note " + text_of(note));
  }
  env_.judge->master_step(*core_, effects);
  check_old_instance(event, speaker, effects);
  const std::uint64_t life = life_;
  for (master::Effect& effect : effects.list) {
    if (life != life_) return;
    perform(effect);
  }
  if (life == life_) arm();
}

void MasterNode::check_old_instance(const master::Event& event, PeerId current,
                                    const master::Effects& effects) {
  const auto* from = std::get_if<master::FromFramework>(&event.body);
  if (from == nullptr || from->stream == current) return;
  for (const master::Effect& effect : effects.list) {
    const auto* send = std::get_if<master::SendToAgent>(&effect.body);
    if (send && (std::holds_alternative<to_agent::Launch>(send->message.body) ||
                 std::holds_alternative<to_agent::Kill>(send->message.body))) {
      env_.judge->violate("S17",
                          "a call of an instance that does not speak for its framework "
                          "was acted on");
    }
  }
}

void MasterNode::perform(master::Effect& effect) {
  if (auto* agent = std::get_if<master::SendToAgent>(&effect.body)) {
    std::string batch;
    if (codec::append_master_to_agent(agent->message, batch) == 0) {
      env_.judge->violate("codec", "a message to an agent cannot be sent");
    }
    if (env_.tracing) env_.trace("master", "  -> agent " + text_of(agent->message));
    hub_.send(agent->peer, std::move(batch));
  } else if (auto* framework = std::get_if<master::SendToFramework>(&effect.body)) {
    std::string batch;
    if (codec::append_master_to_framework(framework->message, {framework->capabilities, nullptr},
                                          batch) == 0) {
      env_.judge->violate("codec", "a message to a framework cannot be sent");
    }
    if (env_.tracing) env_.trace("master", "  -> framework " + text_of(framework->message));
    hub_.send(framework->stream, std::move(batch));
  } else if (auto* close = std::get_if<master::ClosePeer>(&effect.body)) {
    hub_.close(close->peer);
  } else if (auto* write = std::get_if<master::Persist>(&effect.body)) {
    persist(*write);
  } else if (auto* abdicate = std::get_if<master::Abdicate>(&effect.body)) {
    env_.trace("master", "abdicates: " + abdicate->reason);
    crash_and_return(env_.between_ms(100, 2'000));
  }
}

void MasterNode::persist(master::Persist& write) {
  const bool early = env_.plan.plant == Plant::early_promise;
  std::vector<master::Effect> after = std::move(write.after);
  if (early) {
    for (master::Effect& effect : after) perform(effect);
    after.clear();
  }
  // Removed while its process is away, perhaps by a master that dies before it can say so: what
  // its tasks still tell is acknowledged for nobody.
  std::optional<FrameworkId> removed;
  if (const auto* removal = std::get_if<registry::RemoveFramework>(&write.command)) {
    removed = removal->framework_id;
  }
  disk_.submit(
      {codec::encode_registry_command(write.command)},
      [this, id = write.id, after = std::move(after)](bool stored) mutable {
        if (!stored) return step(master::Rejected{id, "no space left on device"});
        for (master::Effect& effect : after) perform(effect);
        step(master::Stored{id});
      },
      [this, removed] {
        if (removed) env_.judge->framework_ended(*removed);
      });
}

void MasterNode::arm() {
  const Instant next = core_->next_deadline();
  if (next == armed_ || next == Instant::max()) return;
  armed_ = next;
  env_.schedule.at(next, [this, next, life = life_] {
    if (life != life_ || armed_ != next) return;
    armed_ = Instant::max();
    step(master::Tick{});
  });
}

// What a terminal update frees is used again by nobody.
void MasterNode::plant_leak(const master::Event& event) {
  const auto* from = std::get_if<master::FromAgent>(&event.body);
  if (from == nullptr) return;
  const auto* update = std::get_if<to_master::StatusUpdate>(&from->message.body);
  if (update == nullptr || !is_terminal(update->status->state)) return;
  auto& state = const_cast<master::MasterState&>(core_->state());
  const auto it = state.agent_of_peer.find(from->peer);
  if (it == state.agent_of_peer.end()) return;
  state.agents.at(it->second).ledger.use_anyway(Resources({Resource::scalar("cpus", 100)}));
}

}  // namespace bourse::sim
