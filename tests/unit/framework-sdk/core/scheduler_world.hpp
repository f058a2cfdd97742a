// Test support: a SchedulerMachine, what it was told and what it said.
#pragma once

#include <algorithm>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include "framework-sdk/core/scheduler_machine.hpp"

namespace bourse::sdk::test {

struct SchedulerWorld {
  SchedulerConfig config;
  std::unique_ptr<SchedulerMachine> machine;
  Stamp stamp{Instant{1'000'000'000}, WallTime{1}};
  std::vector<SchedulerOutput> out;
  std::uint64_t sequence = 0;
  std::uint64_t session = 0;
  Duration heartbeat = Duration::seconds(5);  // as the master says

  void start(const char* id = "") {
    machine = std::make_unique<SchedulerMachine>(config);
    FrameworkFacet framework;
    framework.id = FrameworkId(id);
    framework.roles = {"*"};
    step(scheduler_event::Start{framework, {}, 5});
  }
  template <typename Body>
  void step(Body body) {
    machine->step(SchedulerInput{stamp, std::move(body)}, out);
  }
  void subscribe() {
    step(scheduler_event::Connected{});
    answer_subscribe();
  }
  void answer_subscribe() {
    session = sent().back().header.session;
    sequence = 0;
    from_master(event::Subscribed{FrameworkId("F1"), heartbeat});
  }
  void from_master(SchedulerEvent event) {
    step(scheduler_event::FromMaster{{LinkHeader{session, ++sequence, 1}, std::move(event)}});
  }
  template <typename Body>
  void call(Body body) {
    step(scheduler_event::Call{{FrameworkId(), std::move(body)}});
  }
  void pass(Duration span) {
    const Instant target = stamp.now + span;
    while (machine->next_deadline() <= target) {
      stamp.now = std::max(stamp.now, machine->next_deadline());
      step(scheduler_event::Tick{});
    }
    stamp.now = target;
  }
  void keep_alive(Duration span) {
    for (Duration passed; passed < span; passed = passed + Duration::seconds(5)) {
      pass(Duration::seconds(5));
      step(scheduler_event::FromMaster{{LinkHeader{session, sequence, 1}, event::Heartbeat{}}});
    }
  }

  std::vector<FrameworkToMaster> sent() const {
    std::vector<FrameworkToMaster> list;
    for (const auto& output : out) {
      if (const auto* send = std::get_if<scheduler_effect::Send>(&output)) {
        list.push_back(send->message);
      }
    }
    return list;
  }
  template <typename Body>
  std::vector<Body> calls() const {
    std::vector<Body> list;
    for (const FrameworkToMaster& message : sent()) {
      const auto* call = std::get_if<SchedulerCall>(&message.body);
      if (call == nullptr) continue;
      if (const auto* body = std::get_if<Body>(&call->body)) list.push_back(*body);
    }
    return list;
  }
  template <typename Event>
  std::size_t delivered() const {
    std::size_t count = 0;
    for (const auto& output : out) {
      const auto* deliver = std::get_if<scheduler_effect::Deliver>(&output);
      if (deliver != nullptr && std::holds_alternative<Event>(deliver->event)) ++count;
    }
    return count;
  }
  template <typename Effect>
  std::size_t count() const {
    std::size_t count = 0;
    for (const auto& output : out) count += std::holds_alternative<Effect>(output) ? 1 : 0;
    return count;
  }
};

}  // namespace bourse::sdk::test
