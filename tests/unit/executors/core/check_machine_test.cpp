#include "executors/core/check_machine.hpp"

#include <catch2/catch.hpp>
#include <string>

namespace bourse::executor {
namespace {

// One letter an effect: Look, Abandon, Tell, End.
struct Bench {
  explicit Bench(CheckOptions options) : machine(options) {}

  CheckMachine machine;
  std::int64_t now_ms = 0;

  std::string operator()(decltype(CheckEvent::kind) kind) {
    CheckEffects effects;
    machine.step({Instant{now_ms * 1'000'000}, kind}, effects);
    std::string text;
    for (const CheckEffect& effect : effects) text += "LATE"[effect.index()];
    return text;
  }
  // What comes of letting its time pass; when that was is in now_ms then.
  std::string pass() {
    REQUIRE(machine.next_deadline() != Instant::max());
    now_ms = machine.next_deadline().ns / 1'000'000;
    return (*this)(CheckTicked{});
  }
};

CheckOptions options(bool judges) {
  CheckOptions made;
  made.judges = judges;
  made.delay = Duration::seconds(2);
  made.interval = Duration::seconds(3);
  made.timeout = Duration::seconds(1);
  made.grace = Duration::seconds(10);
  made.failures_most = 3;
  return made;
}

TEST_CASE("a check looks after its delay and then as long after each look as its interval says") {
  Bench bench(options(true));
  CHECK(bench.machine.next_deadline() == Instant::max());
  CHECK(bench(CheckBegun{}).empty());
  CHECK(bench(CheckTicked{}).empty());
  CHECK(bench.pass() == "L");
  CHECK(bench.now_ms == 2'000);
  bench.now_ms += 400;
  CHECK(bench(LookEnded{true, 0}) == "T");
  CHECK(bench.pass() == "L");
  CHECK(bench.now_ms == 5'400);
  CHECK(bench(LookEnded{true, 0}).empty());  // it is well as before
  CHECK(bench.machine.health() == true);
}

TEST_CASE("failures within the grace of a task that was never well do not count") {
  Bench bench(options(true));
  bench(CheckBegun{});
  for (const std::int64_t at : {2'000, 5'000, 8'000}) {
    CHECK(bench.pass() == "L");
    CHECK(bench.now_ms == at);
    CHECK(bench(LookEnded{false, 1}).empty());
  }
  CHECK_FALSE(bench.machine.health());
  CHECK(bench.pass() == "L");
  CHECK(bench(LookEnded{false, 1}) == "T");  // at 11 s
  CHECK(bench.machine.health() == false);
  CHECK(bench.machine.failures() == 1);

  Bench well(options(true));
  well(CheckBegun{});
  well.pass();
  CHECK(well(LookEnded{true, 0}) == "T");
  well.pass();
  CHECK(well(LookEnded{false, 1}) == "T");  // it was well: nobody waits for it to come up
}

TEST_CASE("as many failures in a row as agreed end the task once and nothing is looked at again") {
  CheckOptions three = options(true);
  three.grace = Duration{};
  Bench bench(three);
  bench(CheckBegun{});
  for (int turn = 0; turn < 2; ++turn) {
    bench.pass();
    CHECK(bench(LookEnded{false, 1}) == (turn == 0 ? "T" : ""));
  }
  bench.pass();
  CHECK(bench(LookEnded{true, 0}) == "T");  // the row is broken
  bench.pass();
  CHECK(bench(LookEnded{false, 1}) == "T");
  bench.pass();
  CHECK(bench(LookEnded{false, 1}).empty());
  bench.pass();
  CHECK(bench(LookEnded{false, 1}) == "E");
  CHECK(bench.machine.failures() == 3);
  CHECK(bench.machine.next_deadline() == Instant::max());
  CHECK(bench(LookEnded{false, 1}).empty());
  CHECK(bench(CheckHalted{}).empty());
}

TEST_CASE("a look that takes longer than its timeout is given up and has failed") {
  CheckOptions one = options(true);
  one.grace = Duration{};
  one.failures_most = 1;
  Bench bench(one);
  bench(CheckBegun{});
  CHECK(bench.pass() == "L");
  CHECK(bench.pass() == "ATE");
  CHECK(bench.now_ms == 3'000);
  CHECK(bench(LookEnded{true, 0}).empty());  // too late

  CheckOptions patient = one;
  patient.timeout = Duration{};
  Bench waits(patient);
  waits(CheckBegun{});
  waits.pass();
  CHECK(waits.machine.next_deadline() == Instant::max());
}

TEST_CASE("a check that judges nothing tells each value that is another than the one before") {
  Bench bench(options(false));
  bench(CheckBegun{});
  bench.pass();
  CHECK(bench(LookEnded{true, 200}) == "T");
  bench.pass();
  CHECK(bench(LookEnded{true, 200}).empty());
  bench.pass();
  CHECK(bench(LookEnded{false, 503}) == "T");
  CHECK(bench.machine.value() == 503);
  bench.pass();
  CHECK(bench.pass() == "AT");  // none could be had
  CHECK_FALSE(bench.machine.value());
  CHECK_FALSE(bench.machine.health());
}

TEST_CASE("a task that ends is not looked at, and a look under way is given up") {
  Bench bench(options(true));
  bench(CheckBegun{});
  bench.pass();
  CHECK(bench(CheckHalted{}) == "A");
  CHECK(bench.machine.next_deadline() == Instant::max());
  CHECK(bench(CheckBegun{}).empty());
  CHECK(bench.machine.next_deadline() == Instant::max());
}

TEST_CASE("an interval of nothing still leaves a tenth of a second between two looks") {
  CheckOptions restless = options(true);
  restless.interval = Duration{};
  Bench bench(restless);
  bench(CheckBegun{});
  bench.pass();
  bench(LookEnded{true, 0});
  CHECK(bench.machine.next_deadline() - Instant{bench.now_ms * 1'000'000} == kLeastCheckInterval);
}

}  // namespace
}  // namespace bourse::executor
