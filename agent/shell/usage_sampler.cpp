#include "agent/shell/usage_sampler.hpp"

#include "agent/isolation/pressure.hpp"

namespace bourse::agent {

UsageSampled sample_usage(const isolation::ContainerRuntime& runtime,
                          const std::map<ContainerId, ExecutorKey>& containers) {
  UsageSampled out;
  for (const auto& [id, key] : containers) {
    const auto usage = runtime.usage(id.raw());
    if (usage.ok()) out.containers.push_back({id, usage->cpu_ns, usage->memory_bytes});
  }
  out.pressure.cpu_permille = isolation::machine_pressure("cpu");
  out.pressure.memory_permille = isolation::machine_pressure("memory");
  return out;
}

Status check_measurable(const OversubscriptionConfig& wanted,
                        const isolation::ContainerRuntime& runtime) {
  if (wanted.estimator == "none" && wanted.controller == "none") return {};
  constexpr isolation::Controllers kNeeded = isolation::kCpuacct | isolation::kMemory;
  const isolation::Controllers missing = kNeeded & ~runtime.controllers();
  if (missing == 0) return {};
  return Error{ErrorCode::unsupported,
               "--resource-estimator, --qos-controller: what containers use cannot be measured "
               "without these cgroup controllers: " +
                   isolation::describe_controllers(missing) +
                   "; run the agent as root with --cgroups, or leave both at none"};
}

}  // namespace bourse::agent
