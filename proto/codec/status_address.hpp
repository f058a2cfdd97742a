// Where a task is reached: container_status.network_infos of its statuses. An agent tells its own
// address, for its tasks use the machine's network, unless the executor told another. Any thread.
#pragma once

#include <string>

#include "base/digest.hpp"
#include "model/task_status.hpp"

namespace bourse::codec {

// TaskStatus::extra of a status that has nothing more to say than this. `ip`: dotted IPv4 or IPv6.
Blob address_extra(const std::string& ip);
// Adds it to a status that names no address.
void add_address(const std::string& ip, TaskStatus& status);

}  // namespace bourse::codec
