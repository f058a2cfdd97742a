// What goes to the master, in batches, and waits while its connection takes no more.
#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "gateway/core/gateway_core.hpp"

namespace bourse::gateway {

namespace {

constexpr Duration kRetry = Duration::milliseconds(5);

}  // namespace

void GatewayCore::put(const Envelope& envelope, Effects& effects) {
  const std::size_t bytes = envelope.bytes.size() + kEnvelopeHeadBytes;
  if (batched_ == limits::kMaxEnvelopes || batch_.size() + bytes > limits::kMaxEnvelopesBytes) {
    flush(effects);
  }
  append_envelope(envelope, batch_);
  ++batched_;
  if (batch_.size() >= limits::kGatewayBatchBytes) flush(effects);
}

void GatewayCore::flush(Effects& effects) {
  batched_ = 0;
  if (batch_.empty()) return;
  if (stuck_) {
    backlog_.push_back(std::exchange(batch_, {}));
  } else {
    effects.list.emplace_back(ToMaster{std::exchange(batch_, {})});
  }
}

// Nothing more is read from agents, so that what waits is at most what one turn brought.
void GatewayCore::on(const MasterFull& event, Effects& effects) {
  if (!joined()) return;
  backlog_.insert(backlog_.begin(), event.messages.begin(), event.messages.end());
  retry_at_ = now_ + kRetry;
  if (std::exchange(stuck_, true)) return;
  ++counts_.times_paused;
  effects.list.emplace_back(SetReading{false});
}

void GatewayCore::on(const TurnEnded&, Effects& effects) {
  flush(effects);
}

void GatewayCore::tick_master(Effects& effects) {
  if (now_ >= heard_ + kGatewaySilence) {
    return give_up("it said nothing for " + std::to_string(kGatewaySilence.ms() / 1000) + " s",
                   effects);
  }
  if (now_ >= ping_at_) {
    ping_at_ = now_ + kGatewayPing;
    put({Envelope::Kind::ping}, effects);
    flush(effects);
  }
  if (now_ < retry_at_) return;
  // What is given back comes with MasterFull; once a try leaves nothing, agents are read again.
  retry_at_ = now_ + kRetry;
  if (backlog_.empty()) {
    stuck_ = false;
    retry_at_ = Instant::max();
    effects.list.emplace_back(SetReading{true});
  }
  for (std::string& message : backlog_) effects.list.emplace_back(ToMaster{std::move(message)});
  backlog_.clear();
}

void GatewayCore::count_lost(std::string_view message) {
  const auto envelopes = decode_envelopes(message);
  ASSERT(envelopes.ok());
  counts_.dropped_with_master += static_cast<std::uint64_t>(std::count_if(
      envelopes->begin(), envelopes->end(),
      [](const Envelope& envelope) { return envelope.kind == Envelope::Kind::said; }));
}

}  // namespace bourse::gateway
