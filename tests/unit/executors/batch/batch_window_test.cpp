#include "executors/core/batch_window.hpp"

#include <catch2/catch.hpp>

#include "base/prng.hpp"

using namespace bourse;
using namespace bourse::executor;

TEST_CASE("a sender stays below the credit of a random receiver and never starves") {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Prng prng(seed);
    const BatchCredit window{1 + prng.below(8), 1 + prng.below(1000)};
    BatchReceiver receiver(window);
    BatchSender sender;
    sender.on_credit(window);
    std::vector<std::uint64_t> held;
    std::uint64_t passed = 0;
    for (int step = 0; step < 400; ++step) {
      if (sender.may_send() && prng.chance(2, 3)) {
        const std::uint64_t bytes = prng.below(1500);
        sender.on_sent(bytes);
        REQUIRE(receiver.on_item(bytes));
        held.push_back(bytes);
        REQUIRE(receiver.items_held() <= window.items);
        REQUIRE(receiver.bytes_held() < window.bytes + 1500);
      } else if (!held.empty()) {
        receiver.on_done(held.back());
        held.pop_back();
        ++passed;
      }
      if (receiver.credit_due()) sender.on_credit(receiver.grant());
      if (held.empty()) REQUIRE(sender.may_send());
    }
    REQUIRE(passed > 50);
  }
}

TEST_CASE("a sender beyond its credit is noticed") {
  BatchReceiver receiver({2, 100});
  REQUIRE(receiver.on_item(10));
  REQUIRE(receiver.on_item(500));  // one may overshoot the bytes
  REQUIRE_FALSE(receiver.on_item(1));
}

TEST_CASE("an old credit message takes nothing back") {
  BatchSender sender;
  sender.on_credit({5, 100});
  sender.on_credit({2, 10});
  REQUIRE(sender.items_left() == 5);
}

TEST_CASE("a smaller window grants later, not less") {
  BatchReceiver receiver({4, 1000});
  for (int i = 0; i < 4; ++i) REQUIRE(receiver.on_item(1));
  receiver.set_window({1, 1000});
  receiver.on_done(1);
  receiver.on_done(1);
  receiver.on_done(1);
  REQUIRE_FALSE(receiver.credit_due());
  receiver.on_done(1);
  REQUIRE(receiver.credit_due());
  REQUIRE(receiver.grant().items == 5);
}
