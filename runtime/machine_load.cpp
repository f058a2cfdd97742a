#include "runtime/machine_load.hpp"

#include <sys/sysinfo.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

namespace bourse::runtime {

std::vector<std::pair<std::string, double>> machine_load() {
  std::vector<std::pair<std::string, double>> out;
  std::array<double, 3> load{};
  if (::getloadavg(load.data(), 3) == 3) {
    out.emplace_back("system/load_1min", load[0]);
    out.emplace_back("system/load_5min", load[1]);
    out.emplace_back("system/load_15min", load[2]);
  }
  struct sysinfo info {};
  if (::sysinfo(&info) == 0) {
    out.emplace_back("system/mem_total_bytes", static_cast<double>(info.totalram) * info.mem_unit);
    out.emplace_back("system/mem_free_bytes", static_cast<double>(info.freeram) * info.mem_unit);
  }
  out.emplace_back("system/cpus_total", static_cast<double>(::sysconf(_SC_NPROCESSORS_ONLN)));
  return out;
}

}  // namespace bourse::runtime
