#include "base/probe.hpp"

namespace bourse {

std::map<std::string, std::uint64_t>& probe_counts() {
  thread_local std::map<std::string, std::uint64_t> counts;
  return counts;
}

void count_probe(const char* name) {
  ++probe_counts()[name];
}

}  // namespace bourse
