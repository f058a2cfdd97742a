#include "runtime/loop.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "runtime/bounded_queue.hpp"
#include "runtime/clock.hpp"
#include "runtime/entropy.hpp"
#include "tests/unit/runtime/wait_for.hpp"

namespace bourse::runtime {
namespace {

using test::run_until;

TEST_CASE("tasks posted from another thread run on the loop in their order") {
  Loop loop;
  std::vector<int> seen;
  std::thread::id ran_on;
  std::thread poster([&] {
    for (int i = 0; i < 1000; ++i) {
      loop.post([&, i] {
        seen.push_back(i);
        ran_on = std::this_thread::get_id();
        if (i == 999) loop.stop();
      });
    }
  });
  loop.run();
  poster.join();
  REQUIRE(seen.size() == 1000);
  REQUIRE(std::is_sorted(seen.begin(), seen.end()));
  REQUIRE(ran_on == std::this_thread::get_id());
}

TEST_CASE("a stop before run makes run return at once, and the loop can run again") {
  Loop loop;
  loop.stop();
  loop.run();
  bool ran = false;
  loop.post([&] {
    ran = true;
    loop.stop();
  });
  loop.run();
  REQUIRE(ran);
}

TEST_CASE("a posted task may own a move-only value") {
  Loop loop;
  auto value = std::make_unique<std::string>(1000, 'x');
  std::size_t size = 0;
  loop.post([&size, held = std::move(value)] { size = held->size(); });
  REQUIRE(run_until(loop, [&] { return size == 1000; }));
}

TEST_CASE("timers fire in the order of their deadlines and never early") {
  Loop loop;
  const Instant start = monotonic_now();
  std::vector<int> order;
  Timer late = loop.after(Duration::milliseconds(30), [&] { order.push_back(2); });
  Timer soon = loop.after(Duration::milliseconds(10), [&] { order.push_back(1); });
  REQUIRE(late.armed());
  REQUIRE(run_until(loop, [&] { return order.size() == 2; }));
  REQUIRE(order == std::vector<int>{1, 2});
  REQUIRE(monotonic_now() - start >= Duration::milliseconds(30));
  REQUIRE_FALSE(late.armed());
}

TEST_CASE("a cancelled or destroyed timer never fires") {
  Loop loop;
  int fired = 0;
  Timer cancelled = loop.after(Duration::milliseconds(1), [&] { ++fired; });
  cancelled.cancel();
  {
    Timer destroyed = loop.after(Duration::milliseconds(1), [&] { ++fired; });
  }
  Timer replaced = loop.after(Duration::milliseconds(1), [&] { ++fired; });
  replaced = loop.after(Duration::milliseconds(1), [&] { fired += 100; });
  REQUIRE(run_until(loop, [&] { return fired >= 100; }));
  loop.run_for(Duration::milliseconds(10));
  REQUIRE(fired == 100);
}

TEST_CASE("a timer whose deadline has passed does not fire if cancelled before its turn") {
  Loop loop;
  int fired = 0;
  Timer second;
  Timer first = loop.after(Duration::milliseconds(1), [&] {
    ++fired;
    second.cancel();
  });
  second = loop.after(Duration::milliseconds(1), [&] { ++fired; });
  std::this_thread::sleep_for(std::chrono::milliseconds(5));  // both are due in one turn
  loop.run_for(Duration::milliseconds(20));
  REQUIRE(fired == 1);
}

TEST_CASE("a repeating timer repeats until it cancels itself") {
  Loop loop;
  int fired = 0;
  Timer timer;
  timer = loop.every(Duration::milliseconds(2), [&] {
    if (++fired == 3) timer.cancel();
  });
  REQUIRE(run_until(loop, [&] { return fired == 3; }));
  loop.run_for(Duration::milliseconds(20));
  REQUIRE(fired == 3);
}

TEST_CASE("a watch reports readable as long as bytes are there and can be switched off") {
  Loop loop;
  int fds[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
  int calls = 0;
  std::string got;
  FdWatch watch;
  watch = loop.watch(fds[0], {.readable =
                                  [&] {
                                    ++calls;
                                    char c = 0;  // one byte per call: level-triggered
                                    if (::read(fds[0], &c, 1) == 1) got.push_back(c);
                                  },
                              .writable = {}});
  REQUIRE(::write(fds[1], "abc", 3) == 3);
  REQUIRE(run_until(loop, [&] { return got == "abc"; }));
  REQUIRE(calls == 3);
  watch.set_readable(false);
  REQUIRE(::write(fds[1], "d", 1) == 1);
  loop.run_for(Duration::milliseconds(10));
  REQUIRE(got == "abc");
  watch.set_readable(true);
  REQUIRE(run_until(loop, [&] { return got == "abcd"; }));
  watch.cancel();
  REQUIRE(::write(fds[1], "e", 1) == 1);  // the fd is still open: its owner closes it
  ::close(fds[0]);
  ::close(fds[1]);
}

TEST_CASE("a watch reports writable once the peer has read") {
  Loop loop;
  int fds[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
  std::string block(65536, 'x');
  while (::write(fds[0], block.data(), block.size()) > 0) {
  }
  bool writable = false;
  FdWatch watch = loop.watch(fds[0], {.readable = {}, .writable = [&] {
                                        writable = true;
                                        loop.stop();
                                      }});
  loop.run_for(Duration::milliseconds(10));
  REQUIRE_FALSE(writable);
  while (::read(fds[1], block.data(), block.size()) > 0) {
  }
  loop.run_for(Duration::seconds(5));
  REQUIRE(writable);
  watch.cancel();
  ::close(fds[0]);
  ::close(fds[1]);
}

TEST_CASE("a signal arrives as a callback with its number") {
  Loop loop;
  std::vector<int> got;
  SignalWatch watch =
      loop.on_signals({SIGUSR1, SIGUSR2}, [&](int number) { got.push_back(number); });
  std::raise(SIGUSR2);
  REQUIRE(run_until(loop, [&] { return got.size() == 1; }));
  std::raise(SIGUSR1);
  REQUIRE(run_until(loop, [&] { return got.size() == 2; }));
  REQUIRE(got == std::vector<int>{SIGUSR2, SIGUSR1});
}

TEST_CASE("posting to a loop that is gone drops the task and says so") {
  LoopRef ref;
  {
    Loop loop;
    ref = loop.ref();
    REQUIRE(ref.post([] {}));
  }
  REQUIRE_FALSE(ref.post([] {}));
}

TEST_CASE("the clocks move forward and the wall clock is after 2026") {
  const Stamp first = stamp_now();
  const Stamp second = stamp_now();
  REQUIRE(second.now >= first.now);
  REQUIRE(first.wall.ns > 1'700'000'000LL * 1'000'000'000);
}

TEST_CASE("random ids are distinct and uuids have the version 4 form") {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::string text = random_uuid_text();
    REQUIRE(text.size() == 36);
    REQUIRE(text[14] == '4');
    REQUIRE(std::string("89ab").find(text[19]) != std::string::npos);
    seen.insert(text);
  }
  REQUIRE(seen.size() == 1000);
  REQUIRE(random_hex(16).size() == 32);
  REQUIRE(random_u64() != random_u64());
}

TEST_CASE("a bounded queue hands over batches in order and wakes the loop once per batch") {
  Loop loop;
  std::vector<int> got;
  int batches = 0;
  BoundedQueue<int> queue(loop, {.items = 100, .bytes = 1000}, [&](std::vector<int>&& batch) {
    ++batches;
    got.insert(got.end(), batch.begin(), batch.end());
  });
  for (int i = 0; i < 50; ++i) REQUIRE(queue.push(i, 1) == PushOutcome::accepted);
  REQUIRE(run_until(loop, [&] { return got.size() == 50; }));
  REQUIRE(batches == 1);
  REQUIRE(std::is_sorted(got.begin(), got.end()));
}

TEST_CASE("a bounded queue says when it is three quarters full, refuses when full, and recovers") {
  Loop loop;
  std::size_t received = 0;
  int relieved = 0;
  BoundedQueue<int> queue(
      loop, {.items = 8, .bytes = 1000},
      [&](std::vector<int>&& batch) { received += batch.size(); }, [&] { ++relieved; });
  for (int i = 0; i < 5; ++i) REQUIRE(queue.push(i, 1) == PushOutcome::accepted);
  REQUIRE(queue.push(5, 1) == PushOutcome::accepted_nearly_full);
  REQUIRE(queue.nearly_full());
  REQUIRE(queue.push(6, 1) == PushOutcome::accepted_nearly_full);
  REQUIRE(queue.push(7, 1) == PushOutcome::accepted_nearly_full);
  REQUIRE(queue.push(8, 1) == PushOutcome::full);
  REQUIRE(run_until(loop, [&] { return relieved == 1; }));
  REQUIRE(received == 8);
  REQUIRE_FALSE(queue.nearly_full());
  REQUIRE(queue.push(9, 1000) == PushOutcome::accepted_nearly_full);
  REQUIRE(queue.push(10, 1) == PushOutcome::full);  // by bytes
}

TEST_CASE("a bounded queue takes many at once, in order, or none of them") {
  Loop loop;
  std::vector<int> got;
  BoundedQueue<int> queue(loop, {.items = 8, .bytes = 1000}, [&](std::vector<int>&& batch) {
    got.insert(got.end(), batch.begin(), batch.end());
  });
  REQUIRE(queue.push_all({}, 0) == PushOutcome::accepted);
  REQUIRE(queue.push_all({1, 2}, 2) == PushOutcome::accepted);
  REQUIRE(queue.push(3, 1) == PushOutcome::accepted);
  REQUIRE(queue.push_all({4, 5}, 2) == PushOutcome::accepted);
  REQUIRE(queue.push_all({6, 7, 8, 9}, 4) == PushOutcome::full);
  REQUIRE(queue.push_all({6}, 996) == PushOutcome::full);  // by bytes
  REQUIRE(queue.push_all({6}, 1) == PushOutcome::accepted_nearly_full);
  REQUIRE(run_until(loop, [&] { return got.size() == 6; }));
  REQUIRE(got == std::vector<int>{1, 2, 3, 4, 5, 6});
}

TEST_CASE("a queue with marks lets its producers go on while what it held is worked on") {
  Loop loop;
  std::vector<std::string> order;
  BoundedQueue<int> queue(
      loop,
      {.items = 100, .bytes = 1000, .marked_items = 2, .marked_bytes = 50, .relieve_early = true},
      [&](std::vector<int>&& batch) { order.push_back(std::to_string(batch.size())); },
      [&] { order.push_back("relieved"); });
  REQUIRE(queue.push(1, 1) == PushOutcome::accepted);
  REQUIRE(queue.push(2, 1) == PushOutcome::accepted_nearly_full);
  REQUIRE(queue.push(3, 1) == PushOutcome::accepted_nearly_full);
  REQUIRE(run_until(loop, [&] { return order.size() == 2; }));
  REQUIRE(order == std::vector<std::string>{"relieved", "3"});
  REQUIRE(queue.push(4, 50) == PushOutcome::accepted_nearly_full);  // by bytes
}

TEST_CASE("a sender that outlives its queue is told that it is closed") {
  Loop loop;
  BoundedQueue<int>::Sender sender;
  int batches = 0;
  {
    BoundedQueue<int> queue(loop, {.items = 8, .bytes = 8}, [&](std::vector<int>&&) { ++batches; });
    sender = queue.sender();
    REQUIRE(sender.push(1, 1) == PushOutcome::accepted);
  }
  REQUIRE(sender.push(2, 1) == PushOutcome::closed);
  loop.run_for(Duration::milliseconds(5));
  REQUIRE(batches == 0);
}

TEST_CASE("a bounded queue loses and doubles nothing between threads") {
  Loop loop;
  constexpr int kPerThread = 20000;
  std::vector<int> next(3, 0);
  std::size_t total = 0;
  BoundedQueue<std::pair<int, int>> queue(loop, {.items = 64, .bytes = 1 << 20},
                                          [&](std::vector<std::pair<int, int>>&& batch) {
                                            for (const auto& [thread, value] : batch) {
                                              if (value != next[static_cast<std::size_t>(thread)]++)
                                                total += 1'000'000;
                                              ++total;
                                            }
                                          });
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([t, sender = queue.sender()] {
      for (int i = 0; i < kPerThread; ++i) {
        while (sender.push({t, i}, 8) == PushOutcome::full) std::this_thread::yield();
      }
    });
  }
  const bool done = run_until(loop, [&] { return total >= 3 * kPerThread; });
  for (auto& thread : threads) thread.join();
  REQUIRE(done);
  REQUIRE(total == 3 * kPerThread);
}

}  // namespace
}  // namespace bourse::runtime
