// Huge pages for a large heap: a master's rows are visited in no order, and with pages of 4 KiB
// most of the time goes into finding out where they are. Any thread; the mappings it advises may be
// in use meanwhile.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>

namespace bourse::runtime {

// Advises every private writable mapping of this process without a file that holds at least one
// huge page, and asks the kernel to gather at once what is there. Returns the bytes in huge pages
// afterwards: 0 where the kernel has none to give ("never" in
// /sys/kernel/mm/transparent_hugepage/enabled), which is no error.
std::uint64_t use_huge_pages();

// Calls it, on a thread of its own, once the process has grown by half since the last time and has
// come to rest, from 64 MiB on: small processes keep their small pages, and one that a whole
// cluster comes back to has better things to do than to wait for copies of its memory. One owner,
// one thread.
class HugePages {
 public:
  HugePages() = default;
  HugePages(const HugePages&) = delete;
  HugePages& operator=(const HugePages&) = delete;
  ~HugePages();

  // To be called about once a second.
  void on_resident_bytes(std::uint64_t resident_bytes);
  bool busy() const { return busy_.load(); }
  std::uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  std::uint64_t last_resident_bytes_ = 0;
  std::uint64_t seen_bytes_ = 0;  // a second ago
  std::atomic<std::uint64_t> bytes_{0};
  std::atomic<bool> busy_{false};
  std::thread worker_;
};

// What this process has in memory at present.
std::uint64_t resident_bytes();

}  // namespace bourse::runtime
