// What is read below /proc: a container may have chosen names in it.
#include "agent/isolation/cgroup_discovery.hpp"
#include "agent/isolation/kernel_file.hpp"
#include "agent/isolation/process_identity.hpp"
#include "fuzz.hpp"

using namespace bourse::isolation;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text(data, size);
  const auto split = text.find('\0');  // mountinfo, then the own cgroups
  const auto mounts = parse_mountinfo(text.substr(0, split));
  parse_mount_points(text.substr(0, split));
  const auto own = parse_self_cgroup(split == text.npos ? text : text.substr(split + 1));
  (void)plan_cgroups(mounts, own, "", [](const std::string&) { return std::string("cpu memory"); });
  (void)parse_process_stat(text);
  (void)parse_number(text);
  return 0;
}
