// Checks of a task, between its description, its container and the core. Pure; any thread.
#pragma once

#include <map>
#include <string>

#include "agent/core/event.hpp"
#include "agent/isolation/container.hpp"
#include "base/result.hpp"

namespace mesos::v1 {
class TaskInfo;
}

namespace bourse::agent {

// `env`: the task's own, which its checks have too. invalid: the sentence says which field.
Status fill_checks(const mesos::v1::TaskInfo& task, const std::map<std::string, std::string>& env,
                   isolation::ContainerSpec& spec);

// `extra`: of every status of this agent.
TaskChecked task_checked(const isolation::ContainerChecked& checked, const Blob& extra);

}  // namespace bourse::agent
