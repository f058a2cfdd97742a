#include "sim/coordination_node.hpp"

#include <algorithm>

#include "sim/words.hpp"

namespace bourse::sim {

using namespace coordination;

namespace {

bool is_transaction(const Effect& effect) {
  const auto* ask = std::get_if<ZkRequest>(&effect.body);
  return ask != nullptr && std::holds_alternative<zk::Multi>(ask->request);
}

}  // namespace

void CoordinationNode::start(CoordinationConfig config, Handlers handlers) {
  ++life_;
  handlers_ = std::move(handlers);
  config.seed = env_.rng.next();
  coordinator_ = std::make_unique<Coordinator>(std::move(config));
  armed_ = Instant::max();
  refusals_told_ = 0;
  feed(Started{});
}

void CoordinationNode::stop(bool politely) {
  ++life_;
  coordinator_.reset();
  events_.clear();
  written_.clear();
  stepping_ = false;
  if (handle_ == 0) return;
  zookeeper_.pause(handle_, false);
  if (politely) {
    zookeeper_.close(handle_);
  } else {
    zookeeper_.kill(handle_);
  }
  handle_ = 0;
}

void CoordinationNode::freeze(bool frozen) {
  if (handle_ != 0) zookeeper_.pause(handle_, frozen);
}

bool CoordinationNode::may_act() const {
  return coordinator_ != nullptr && coordinator_->may_act(clock_.here(env_.schedule.now()));
}

void CoordinationNode::write(Changes changes, Written written) {
  const PersistId id(++writes_);
  written_.emplace(id.raw(), std::move(written));
  events_.emplace_back(Write{id, std::move(changes), refusals_told_});
  // Not from here: the answer of an earlier write may be under way.
  if (stepping_) return;
  env_.schedule.in({}, [this, life = life_] {
    process_.run([this, life] {
      if (life == life_) drain();
    });
  });
}

void CoordinationNode::feed(EventBody body) {
  events_.push_back(std::move(body));
  drain();
}

void CoordinationNode::drain() {
  if (stepping_) return;
  const std::uint64_t life = life_;
  stepping_ = true;
  while (life == life_ && coordinator_ && !events_.empty() && !process_.frozen()) {
    const Event event{clock_.stamp(env_.schedule.now()), std::move(events_.front())};
    events_.pop_front();
    env_.count_event(name_, 100 + event.body.index());
    Effects effects;
    coordinator_->step(event, effects);
    if (env_.tracing) {
      for (const Note& note : effects.notes) env_.trace(name_, "  note " + text_of(note));
    }
    if (handlers_.on_transaction &&
        std::any_of(effects.list.begin(), effects.list.end(), is_transaction)) {
      handlers_.on_transaction();
    }
    for (Effect& effect : effects.list) {
      process_.run([this, life, effect = std::move(effect)] {
        if (life == life_) perform(effect);
      });
    }
  }
  if (life != life_) return;
  stepping_ = false;
  if (process_.frozen() && !events_.empty()) {
    process_.run([this, life] {
      if (life == life_) drain();
    });
  }
  arm();
}

void CoordinationNode::perform(const Effect& effect) {
  if (const auto* opened = std::get_if<OpenSession>(&effect.body)) {
    open(opened->session);
  } else if (const auto* ask = std::get_if<ZkRequest>(&effect.body)) {
    if (env_.tracing) env_.trace(name_, "  -> zookeeper " + text_of(ask->request));
    zookeeper_.request(handle_, ask->id, ask->request);
  } else if (const auto* became = std::get_if<BecameLeader>(&effect.body)) {
    handlers_.on_lead(*became);
  } else if (const auto* leader = std::get_if<Leader>(&effect.body)) {
    handlers_.on_leader(*leader);
  } else if (const auto* stored = std::get_if<Stored>(&effect.body)) {
    answer(stored->id, {});
  } else if (const auto* refused = std::get_if<Refused>(&effect.body)) {
    ++refusals_told_;
    answer(refused->id, Error{ErrorCode::full, refused->reason});
  } else if (const auto* down = std::get_if<StepDown>(&effect.body)) {
    handlers_.on_end(down->reason);
  }
}

void CoordinationNode::open(SessionNumber session) {
  if (handle_ != 0) zookeeper_.close(handle_);
  handle_ = zookeeper_.open(session, session_timeout_, [this, life = life_](EventBody body) {
    process_.run([this, life, body = std::move(body)] {
      if (life == life_) feed(body);
    });
  });
}

void CoordinationNode::answer(PersistId id, const Status& status) {
  const auto it = written_.find(id.raw());
  if (it == written_.end()) return;
  const Written written = std::move(it->second);
  written_.erase(it);
  written(status);
}

void CoordinationNode::arm() {
  if (!coordinator_) return;
  const Instant next = coordinator_->next_deadline();
  if (next == armed_ || next == Instant::max()) return;
  armed_ = next;
  env_.schedule.at(clock_.world(next), [this, next, life = life_] {
    process_.run([this, next, life] {
      if (life != life_ || armed_ != next) return;
      armed_ = Instant::max();
      feed(Tick{});
    });
  });
}

}  // namespace bourse::sim
