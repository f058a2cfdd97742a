// A GatewayCore for tests, with its clock and what it did.
#pragma once

#include <catch2/catch.hpp>
#include <string>
#include <utility>
#include <vector>

#include "gateway/core/gateway_core.hpp"
#include "model/leader_finder.hpp"
#include "model/link_session.hpp"

namespace bourse::gateway {

using Kind = Envelope::Kind;

inline std::string message(const std::vector<Envelope>& envelopes) {
  std::string out;
  for (const Envelope& envelope : envelopes) append_envelope(envelope, out);
  return out;
}

// A gateway, its clock, and what it did since it was last asked.
struct Box {
  template <typename Body>
  void tell(Body body) {
    core.step({now, std::move(body)}, effects);
  }
  void end_turn() { tell(TurnEnded{}); }
  void join() {
    tell(MasterThere{});
    tell(MasterSaid{message({{Kind::welcome}})});
  }

  template <typename T>
  std::vector<T> take() {
    std::vector<T> out;
    std::erase_if(effects.list, [&](Effect& effect) {
      auto* one = std::get_if<T>(&effect);
      if (one != nullptr) out.push_back(std::move(*one));
      return one != nullptr;
    });
    return out;
  }
  // Envelopes to the master, with their bytes.
  std::vector<std::pair<Envelope, std::string>> to_master() {
    end_turn();
    std::vector<std::pair<Envelope, std::string>> out;
    for (const ToMaster& sent : take<ToMaster>()) {
      const auto read = decode_envelopes(sent.bytes);
      REQUIRE(read.ok());
      for (const Envelope& envelope : read.value()) {
        out.emplace_back(envelope, envelope.bytes);
        out.back().first.bytes = {};
      }
    }
    return out;
  }
  std::vector<std::string> to_peer(PeerId peer) {
    std::vector<std::string> out;
    for (const ToPeer& sent : take<ToPeer>()) {
      if (sent.peer == peer) out.push_back(sent.bytes);
    }
    return out;
  }

  Instant now{1'000'000'000};
  GatewayCore core;
  Effects effects;
};

inline const PeerId kOne(1);
inline const PeerId kTwo(2);
inline const std::string kNobody(kElsewherePreamble);
inline const std::string kPreamble(kAgentPreamble);

}  // namespace bourse::gateway
