#include "sim/channel.hpp"

#include <utility>

namespace bourse::sim {

Channel::Channel(Env& env, const Network& network, Hub::Kind kind, const NodeClock& clock,
                 Wire::Client client)
    : env_(env),
      network_(network),
      clock_(clock),
      client_(std::move(client)),
      wire_(env, kind,
            {[this] {
               step(finder::Connected{});
               stands_ = true;
               client_.connected();
             },
             [this] {
               lost();
               step(finder::Lost{});
             },
             [this](std::string_view bytes) { on_bytes(bytes); }}) {}

void Channel::start(std::vector<std::string> masters) {
  ++life_;
  finder_ = std::make_unique<LeaderFinder>(std::move(masters), env_.rng.next());
  stands_ = false;
  armed_ = Instant::max();
  step(finder::Started{});
}

void Channel::stop() {
  ++life_;
  ++connection_;
  stands_ = false;
  finder_.reset();
  wire_.hang_up();
}

void Channel::step(const FinderInput& input) {
  if (!finder_) return;
  const auto address = finder_->step(clock_.here(env_.schedule.now()), input);
  if (address) {
    // Not from inside a call of the wire that goes.
    env_.schedule.in({}, [this, address = *address, of = ++connection_] {
      if (of == connection_) dial(address);
    });
  }
  arm();
}

void Channel::arm() {
  const Instant next = finder_->next_deadline();
  if (next == armed_ || next == Instant::max()) return;
  armed_ = next;
  env_.schedule.at(clock_.world(next), [this, next, life = life_] {
    if (life != life_ || armed_ != next) return;
    armed_ = Instant::max();
    step(finder::Tick{});
  });
}

void Channel::dial(const std::string& address) {
  const std::uint64_t life = life_;
  lost();
  if (life == life_) wire_.dial(network_.find(address));
}

void Channel::on_bytes(std::string_view bytes) {
  if (!bytes.starts_with(kElsewherePreamble)) {
    // Said to one that was given up, or that stands by.
    if (stands_) client_.bytes(bytes);
    return;
  }
  const std::uint64_t life = life_;
  lost();
  if (life != life_) return;
  step(finder::Elsewhere{std::string(bytes.substr(kElsewherePreamble.size()))});
}

void Channel::lost() {
  if (std::exchange(stands_, false)) client_.lost();
}

void Channel::registered() {
  step(finder::Registered{});
}

void Channel::give_up() {
  stands_ = false;
  env_.schedule.in({}, [this, of = ++connection_] {
    if (of == connection_) wire_.hang_up();
  });
  step(finder::Lost{});
}

void Channel::learned(const std::string& leader) {
  step(finder::Learned{leader});
}

}  // namespace bourse::sim
