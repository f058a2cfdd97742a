// Credit-based flow control of a batch stream, as two pure halves. The receiver says how much it
// has room for in all (cumulative counts of items and bytes, never shrinking); the sender sends
// while it is below both. Counts instead of increments: a repeated credit message changes nothing.
//
// A sender may overshoot the byte credit by at most one item, so an item larger than the whole
// window still gets through, alone. Values; one owner each.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/assert.hpp"

namespace bourse::executor {

struct BatchCredit {
  std::uint64_t items = 0;
  std::uint64_t bytes = 0;

  bool operator==(const BatchCredit&) const = default;
};

class BatchSender {
 public:
  void on_credit(BatchCredit credit) {
    credit_.items = std::max(credit_.items, credit.items);
    credit_.bytes = std::max(credit_.bytes, credit.bytes);
  }
  bool may_send() const { return sent_.items < credit_.items && sent_.bytes < credit_.bytes; }
  std::uint64_t items_left() const { return may_send() ? credit_.items - sent_.items : 0; }
  // REQUIRES may_send().
  void on_sent(std::uint64_t bytes) {
    ASSERT(may_send());
    ++sent_.items;
    sent_.bytes += bytes;
  }

 private:
  BatchCredit credit_;
  BatchCredit sent_;
};

class BatchReceiver {
 public:
  explicit BatchReceiver(BatchCredit window) : window_(window), granted_(window) {}

  // Whether the sender kept to its credit. False: it is broken or hostile.
  bool on_item(std::uint64_t bytes) {
    if (received_.items >= granted_.items || received_.bytes >= granted_.bytes) return false;
    ++received_.items;
    received_.bytes += bytes;
    return true;
  }
  // An item is done with; its room is free again.
  void on_done(std::uint64_t bytes) {
    ++done_.items;
    done_.bytes += bytes;
    ASSERT(done_.items <= received_.items && done_.bytes <= received_.bytes);
  }
  // A smaller window takes back nothing that was granted: it only grants later.
  void set_window(BatchCredit window) { window_ = window; }

  // Whether the sender should be told of new credit now: when a quarter of the window is free
  // again, or when it has nothing left.
  bool credit_due() const {
    const BatchCredit next = wanted();
    const auto worth = [](std::uint64_t more, std::uint64_t window, bool starved) {
      return more > 0 && (starved || more >= std::max<std::uint64_t>(window / 4, 1));
    };
    return worth(next.items - granted_.items, window_.items, received_.items >= granted_.items) ||
           worth(next.bytes - granted_.bytes, window_.bytes, received_.bytes >= granted_.bytes);
  }
  BatchCredit grant() {
    const BatchCredit next = wanted();
    granted_.items = next.items;
    granted_.bytes = next.bytes;
    return granted_;
  }

  std::uint64_t items_held() const { return received_.items - done_.items; }
  std::uint64_t bytes_held() const { return received_.bytes - done_.bytes; }

 private:
  BatchCredit wanted() const {
    return {std::max(granted_.items, done_.items + window_.items),
            std::max(granted_.bytes, done_.bytes + window_.bytes)};
  }

  BatchCredit window_;
  BatchCredit granted_;
  BatchCredit received_;
  BatchCredit done_;
};

}  // namespace bourse::executor
