#include "runtime/huge_pages.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace bourse::runtime {

namespace {

constexpr std::uint64_t kHugePage = std::uint64_t{2} << 20;
constexpr std::uint64_t kWorthIt = std::uint64_t{64} << 20;
constexpr int kCollapse = 25;  // MADV_COLLAPSE of Linux 6.1, which older headers do not name

struct Mapping {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
};

// Read as a whole first: what is advised changes the list.
std::vector<Mapping> anonymous_mappings() {
  std::vector<Mapping> out;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    unsigned long begin = 0;
    unsigned long end = 0;
    unsigned long inode = 0;
    char rights[5] = {};
    if (std::sscanf(line.c_str(), "%lx-%lx %4s %*s %*s %lu", &begin, &end, rights, &inode) != 4) {
      continue;
    }
    const bool heap_or_nameless =
        line.find('[') == std::string::npos || line.find("[heap]") != std::string::npos;
    if (std::string_view(rights) != "rw-p" || inode != 0 || !heap_or_nameless) continue;
    const std::uintptr_t first = (begin + kHugePage - 1) / kHugePage * kHugePage;
    const std::uintptr_t last = end / kHugePage * kHugePage;
    if (first < last) out.push_back({first, last});
  }
  return out;
}

std::uint64_t huge_bytes() {
  std::ifstream rollup("/proc/self/smaps_rollup");
  for (std::string line; std::getline(rollup, line);) {
    unsigned long kib = 0;
    if (std::sscanf(line.c_str(), "AnonHugePages: %lu kB", &kib) == 1) {
      return std::uint64_t{kib} << 10;
    }
  }
  return 0;
}

}  // namespace

std::uint64_t use_huge_pages() {
  for (const Mapping& mapping : anonymous_mappings()) {
    void* begin = reinterpret_cast<void*>(mapping.begin);
    const std::size_t size = mapping.end - mapping.begin;
    // Advice: where it is refused, or the mapping is gone by now, everything goes on as before.
    if (::madvise(begin, size, MADV_HUGEPAGE) == 0) (void)::madvise(begin, size, kCollapse);
  }
  return huge_bytes();
}

std::uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t total_pages = 0;
  std::uint64_t resident_pages = 0;
  statm >> total_pages >> resident_pages;
  return resident_pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

HugePages::~HugePages() {
  if (worker_.joinable()) worker_.join();
}

void HugePages::on_resident_bytes(std::uint64_t resident_bytes) {
  const bool grows = resident_bytes > seen_bytes_ + seen_bytes_ / 16;
  seen_bytes_ = resident_bytes;
  if (grows) return;
  const std::uint64_t due = last_resident_bytes_ + last_resident_bytes_ / 2;
  if (resident_bytes < kWorthIt || resident_bytes < due || busy_.exchange(true)) return;
  if (worker_.joinable()) worker_.join();  // at its end already
  last_resident_bytes_ = resident_bytes;
  worker_ = std::thread([this] {
    bytes_.store(use_huge_pages(), std::memory_order_relaxed);
    busy_.store(false);
  });
}

}  // namespace bourse::runtime
