#include "runtime/huge_pages.hpp"

#include <sys/mman.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <fstream>
#include <string>

#include "tests/unit/runtime/wait_for.hpp"

namespace bourse::runtime {
namespace {

constexpr std::size_t kBytes = std::size_t{96} << 20;

bool kernel_gives_any() {
  std::ifstream file("/sys/kernel/mm/transparent_hugepage/enabled");
  std::string line;
  std::getline(file, line);
  return !line.empty() && line.find("[never]") == std::string::npos;
}

// Touched page by page, as a heap grows.
struct Region {
  char* begin = static_cast<char*>(
      ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  Region() { std::memset(begin, 7, kBytes); }
  ~Region() { ::munmap(begin, kBytes); }
};

TEST_CASE("a large mapping is gathered into huge pages and keeps what it holds") {
  const Region region;
  const std::uint64_t bytes = use_huge_pages();
  REQUIRE((bytes >= kBytes / 2) == kernel_gives_any());
  for (std::size_t i = 0; i < kBytes; i += 4096) REQUIRE(region.begin[i] == 7);
}

TEST_CASE("a small process keeps its small pages, one that grew is looked at again") {
  HugePages pages;
  pages.on_resident_bytes(std::uint64_t{63} << 20);
  REQUIRE(pages.bytes() == 0);
  if (!kernel_gives_any()) return;
  const Region region;
  REQUIRE(resident_bytes() >= kBytes);
  pages.on_resident_bytes(resident_bytes());
  pages.on_resident_bytes(resident_bytes());
  Loop loop;
  REQUIRE(test::run_until(loop, [&] { return pages.bytes() >= kBytes / 2; }));
}

TEST_CASE("a process that grows is left alone until it has come to rest") {
  if (!kernel_gives_any()) return;
  const Region region;
  HugePages pages;
  std::uint64_t grown = resident_bytes();
  for (int i = 0; i < 10; ++i) pages.on_resident_bytes(grown += grown / 8);
  REQUIRE_FALSE(pages.busy());
  REQUIRE(pages.bytes() == 0);
  pages.on_resident_bytes(grown + grown / 20);
  Loop loop;
  REQUIRE(test::run_until(loop, [&] { return pages.bytes() >= kBytes / 2; }));
}

}  // namespace
}  // namespace bourse::runtime
