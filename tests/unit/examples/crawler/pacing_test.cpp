#include "examples/crawler/frontier/pacing.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

#include "base/prng.hpp"

using namespace bourse;
using namespace bourse::crawler;

TEST_CASE("no window as the server sees it holds more than the pace, whatever the delays") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Prng prng(seed);
    const auto rate = static_cast<std::uint32_t>(prng.between(1, 8));
    Pacer pacer(Pace{rate, Duration::seconds(1)});
    Instant now{};
    std::vector<Instant> arrivals;
    struct Open {
      OrderId order;
      Instant seen;
      Instant answered;
    };
    std::vector<Open> open;
    for (OrderId order = 1; order <= 150; ++order) {
      while (pacer.next(now) > now) {
        Instant to = pacer.next(now);
        for (const Open& one : open) to = std::min(to, one.answered);
        REQUIRE(to != Instant::max());
        now = std::max(now + Duration::microseconds(1), to);
        std::erase_if(open, [&](const Open& one) {
          if (one.answered > now) return false;
          // The report may say late when the server saw it, never too early.
          pacer.seen(one.order, prng.chance(1, 2) ? one.seen : now);
          return true;
        });
      }
      pacer.sent(order, now);
      // Up to 300 ms to the server, now and then two seconds; the answer takes its own time.
      const Duration there = Duration::microseconds(prng.chance(1, 20) ? prng.between(0, 2'000'000)
                                                                       : prng.between(0, 300'000));
      const Instant seen = now + there;
      arrivals.push_back(seen);
      open.push_back({order, seen, seen + Duration::microseconds(prng.between(0, 100'000))});
    }
    std::sort(arrivals.begin(), arrivals.end());
    for (std::size_t i = rate; i < arrivals.size(); ++i) {
      INFO("seed " << seed << " rate " << rate << " request " << i);
      REQUIRE(arrivals[i] - arrivals[i - rate] >= Duration::seconds(1));
    }
  }
}

TEST_CASE("a prompt host gets nearly its whole pace") {
  Pacer pacer(Pace{8, Duration::seconds(1)});
  Instant now{};
  const Duration latency = Duration::milliseconds(5);
  std::vector<std::pair<OrderId, Instant>> open;
  std::uint64_t sent = 0;
  while (now < Instant{} + Duration::seconds(10)) {
    if (pacer.next(now) <= now) {
      pacer.sent(++sent, now);
      open.emplace_back(sent, now + latency);
    }
    now = now + Duration::milliseconds(1);
    std::erase_if(open, [&](const auto& one) {
      if (one.second > now) return false;
      pacer.seen(one.first, one.second);
      return true;
    });
  }
  CHECK(sent >= 76);
  CHECK(sent <= 88);
}

TEST_CASE("a hold and a request that was never sent move the next one") {
  Pacer pacer(Pace{1, Duration::seconds(1)});
  const Instant start{};
  pacer.hold(start + Duration::seconds(3));
  CHECK(pacer.next(start) == start + Duration::seconds(3));
  const Instant at = start + Duration::seconds(3);
  pacer.sent(1, at);
  CHECK(pacer.next(at) == Instant::max());
  pacer.never_sent(1);
  CHECK(pacer.next(at) == at + Duration::seconds(1));
}
