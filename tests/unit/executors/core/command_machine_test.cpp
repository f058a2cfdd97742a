#include "executors/core/command_machine.hpp"

#include <catch2/catch.hpp>
#include <csignal>
#include <string>

namespace bourse::executor {
namespace {

std::string text_of(const CommandEffects& effects) {
  std::string text;
  for (const CommandEffect& effect : effects) {
    if (!text.empty()) text += ' ';
    if (const auto* signal = std::get_if<SignalTask>(&effect)) {
      text += "signal:" + std::to_string(signal->signal);
    } else if (std::holds_alternative<DestroyPass>(effect)) {
      text += "destroy";
    } else if (std::holds_alternative<StoreExit>(effect)) {
      text += "store";
    } else if (std::holds_alternative<ReportStarted>(effect)) {
      text += "report-started";
    } else if (std::holds_alternative<ReportOom>(effect)) {
      text += "report-oom";
    } else if (std::holds_alternative<ReportExited>(effect)) {
      text += "report-exited";
    } else {
      text += "finish";
    }
  }
  return text;
}

struct CommandBench {
  CommandMachine machine;
  std::int64_t now_ms = 0;

  std::string operator()(decltype(CommandEvent::kind) kind) {
    CommandEffects effects;
    machine.step({Instant{now_ms * 1'000'000}, kind}, effects);
    return text_of(effects);
  }
  // Moves to the deadline and ticks.
  std::string tick() {
    REQUIRE(machine.next_deadline() != Instant::max());
    now_ms = machine.next_deadline().ns / 1'000'000;
    return (*this)(Ticked{});
  }
  std::int64_t deadline_ms() const { return machine.next_deadline().ns / 1'000'000; }
  void run() {
    (*this)(AgentConnected{});
    REQUIRE((*this)(TaskStarted{}) == "report-started");
  }
};

KillRequested kill_in(std::int64_t grace_ms) {
  return {Duration::milliseconds(grace_ms)};
}

}  // namespace

TEST_CASE("a task that ends by itself is cleaned up, stored and then reported") {
  CommandBench on;
  CHECK(on(AgentConnected{}) == "");
  CHECK(on(TaskStarted{}) == "report-started");
  CHECK(on(TaskExited{0x300}) == "destroy");
  CHECK(on(DestroyPassed{true}) == "store");
  CHECK(on(ExitStored{}) == "report-exited finish");
  CHECK(on.machine.outcome().launched);
  CHECK(on.machine.outcome().wait_status == 0x300);
  CHECK(on.machine.outcome().durable);
  CHECK_FALSE(on.machine.outcome().killed);
  CHECK(on(TaskExited{1}) == "");
}

TEST_CASE("a kill sends SIGTERM and after the grace destroys the whole tree") {
  CommandBench on;
  on.run();
  on.now_ms = 100;
  CHECK(on(kill_in(5000)) == "signal:" + std::to_string(SIGTERM));
  CHECK(on.deadline_ms() == 5100);
  on.now_ms = 5099;
  CHECK(on(Ticked{}) == "");
  CHECK(on.tick() == "destroy");
  CHECK(on(DestroyPassed{false}) == "");
  CHECK(on(TaskExited{SIGKILL}) == "destroy");
  CHECK(on(DestroyPassed{true}) == "store");
  CHECK(on(ExitStored{}) == "report-exited finish");
  CHECK(on.machine.outcome().killed);
}

TEST_CASE("the grace of a kill holds while the agent is away") {
  CommandBench on;
  on.run();
  CHECK(on(kill_in(1000)) == "signal:15");
  CHECK(on(AgentLost{}) == "");
  CHECK(on.tick() == "destroy");
  CHECK(on(TaskExited{9}) == "destroy");
  CHECK(on(DestroyPassed{true}) == "store");
  CHECK(on(ExitStored{}) == "finish");
}

TEST_CASE("a second kill may shorten the grace but never lengthen it") {
  CommandBench on;
  on.run();
  on(kill_in(10'000));
  CHECK(on(kill_in(60'000)) == "");
  CHECK(on.deadline_ms() == 10'000);
  CHECK(on(kill_in(2'000)) == "");
  CHECK(on.deadline_ms() == 2'000);
  CHECK(on(kill_in(0)) == "destroy");
  CHECK(on(kill_in(0)) == "");
}

TEST_CASE("a kill before the task has started destroys at once") {
  CommandBench on;
  CHECK(on(kill_in(5000)) == "destroy");
  CHECK(on(DestroyPassed{false}) == "");
  CHECK(on(TaskStarted{}) == "");
  CHECK(on(TaskExited{9}) == "destroy");
  CHECK(on(DestroyPassed{true}) == "store");
}

TEST_CASE("an empty tree is not the end before the task's status is known") {
  CommandBench on;
  on.run();
  on(kill_in(0));
  CHECK(on(DestroyPassed{true}) == "");
  CHECK(on(TaskExited{9}) == "destroy");
  CHECK(on(DestroyPassed{true}) == "store");
}

TEST_CASE("a tree that does not die is tried again with growing pauses and then declared leaked") {
  CommandBench on;
  on.run();
  on(kill_in(0));
  on(TaskExited{9});
  std::int64_t before = 0;
  int passes = 0;
  while (on(DestroyPassed{false}) == "") {
    const std::int64_t pause = on.deadline_ms() - on.now_ms;
    CHECK(pause <= 100);
    before = pause;
    REQUIRE(on.tick() == "destroy");
    REQUIRE(++passes < 1000);
  }
  CHECK(before > 1);
  CHECK(passes > 100);
  CHECK(on.now_ms == 30'000);
  CHECK(on.machine.phase() == CommandPhase::storing);
  CHECK(on.machine.outcome().leaked);
}

TEST_CASE("hitting the memory limit ends the whole container and is reported first") {
  CommandBench on;
  on.run();
  CHECK(on(OomHit{}) == "report-oom destroy");
  CHECK(on(OomHit{}) == "");
  CHECK(on(TaskExited{9}) == "destroy");
  CHECK(on(DestroyPassed{true}) == "store");
  CHECK(on.machine.outcome().oom);
}

TEST_CASE("an oom that is only noticed after the task's death still counts") {
  CommandBench on;
  on.run();
  CHECK(on(TaskExited{9}) == "destroy");
  CHECK(on(OomHit{}) == "");
  CHECK(on.machine.outcome().oom);
}

TEST_CASE("an exit status that cannot be stored is reported as such and held until acknowledged") {
  CommandBench on;
  on.run();
  on(TaskExited{0});
  CHECK(on(ExitAcknowledged{}) == "");
  CHECK(on(DestroyPassed{true}) == "store");
  CHECK(on(ExitNotStored{}) == "report-exited");
  CHECK_FALSE(on.machine.outcome().durable);
  CHECK(on(AgentLost{}) == "");
  CHECK(on.tick() == "store");
  CHECK(on(ExitNotStored{}) == "");
  CHECK(on(AgentConnected{}) == "report-exited");
  CHECK(on(ExitAcknowledged{}) == "finish");
}

TEST_CASE("an exit status that can be stored later ends the wait") {
  CommandBench on;
  on.run();
  on(TaskExited{0});
  on(DestroyPassed{true});
  on(ExitNotStored{});
  CHECK(on.tick() == "store");
  CHECK(on(ExitStored{}) == "report-exited finish");
}

TEST_CASE("a launch that fails is cleaned up, stored and reported like an exit") {
  CommandBench on;
  on(AgentConnected{});
  CHECK(on(LaunchFailed{12, 2}) == "destroy");
  CHECK(on(TaskExited{127 << 8}) == "");
  CHECK(on(DestroyPassed{true}) == "store");
  CHECK(on(ExitStored{}) == "report-exited finish");
  CHECK_FALSE(on.machine.outcome().launched);
  CHECK(on.machine.outcome().launch_step == 12);
  CHECK(on.machine.outcome().launch_errno == 2);
}

TEST_CASE("a returning agent hears again that the task runs") {
  CommandBench on;
  CHECK(on(TaskStarted{}) == "");
  CHECK(on(AgentConnected{}) == "report-started");
  CHECK(on(AgentLost{}) == "");
  CHECK(on(AgentConnected{}) == "report-started");
}

TEST_CASE("signals reach a task that runs and nobody else") {
  CommandBench on;
  CHECK(on(SignalRequested{SIGHUP}) == "");
  on.run();
  CHECK(on(SignalRequested{SIGHUP}) == "signal:1");
  on(kill_in(1000));
  CHECK(on(SignalRequested{SIGUSR2}) == "signal:12");
  on(TaskExited{0});
  CHECK(on(SignalRequested{SIGHUP}) == "");
}

}  // namespace bourse::executor
