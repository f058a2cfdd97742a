// Filler: fills tables of hundreds of thousands. It steps the core alone, without the sweep that
// follows each step of the harness, and stores at once. What the core said of offers is in
// offers(). One owner, one thread.
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/master/core/harness.hpp"

namespace bourse::master::test {

class Filler {
 public:
  explicit Filler(Harness& harness) : h_(harness) {}
  // From now on the harness steps again.
  ~Filler() { h_.changes.push_back({h_.core.state().sequence, {}}); }
  Filler(const Filler&) = delete;
  Filler& operator=(const Filler&) = delete;

  void step(decltype(Event::body) body) {
    Effects effects;
    h_.core.step(Event{h_.now, std::move(body)}, effects);
    for (Note& note : effects.notes) h_.notes.push_back(std::move(note));
    for (const Effect& effect : effects.list) perform(effect);
  }
  AgentId register_agent(const std::string& host, const Resources& total) {
    AgentFacet facet;
    facet.hostname = host;
    facet.http = {host, "127.0.0.1", 5051};
    facet.total = total;
    to_master::Register message;
    message.agent = std::make_shared<const AgentFacet>(facet);
    message.incarnation = 1;
    step(FromAgent{PeerId(next_peer_++), {}, {LinkHeader{1, 0, 0}, std::move(message)}});
    return registered_;
  }
  void call(FakeFramework& f, decltype(SchedulerCall::body) body) {
    const LinkHeader header{f.session, f.sender.next(), 0};
    step(FromFramework{f.stream, {}, {header, SchedulerCall{f.facet.id, std::move(body)}}, {}});
  }
  std::vector<OfferFacet> offers(Duration within = Duration::milliseconds(5)) {
    const Instant end = h_.now.now + within;
    while (h_.core.next_deadline() <= end) {
      h_.now.now = std::max(h_.now.now, h_.core.next_deadline());
      step(Tick{});
    }
    h_.now.now = end;
    return std::exchange(offered_, {});
  }
  std::size_t updates() const { return updates_; }

 private:
  void perform(const Effect& effect) {
    if (const auto* write = std::get_if<Persist>(&effect.body)) {
      REQUIRE(apply(h_.registry, write->command).ok());
      for (const Effect& after : write->after) perform(after);
      step(Stored{write->id});
    } else if (const auto* to_agent = std::get_if<SendToAgent>(&effect.body)) {
      const auto* m = std::get_if<to_agent::Registered>(&to_agent->message.body);
      if (m != nullptr) registered_ = m->agent_id;
    } else if (const auto* to_framework = std::get_if<SendToFramework>(&effect.body)) {
      const SchedulerEvent& body = to_framework->message.body;
      if (const auto* more = std::get_if<event::Offers>(&body)) {
        offered_.insert(offered_.end(), more->offers.begin(), more->offers.end());
      }
      if (std::holds_alternative<event::Update>(body)) ++updates_;
    }
  }

  Harness& h_;
  AgentId registered_;
  std::vector<OfferFacet> offered_;
  std::size_t updates_ = 0;
  std::uint64_t next_peer_ = 1'000'000;
};

}  // namespace bourse::master::test
