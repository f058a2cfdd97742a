// What the machine has and how busy it is, under the names of Mesos' metrics ("system/load_1min").
// Any thread; reads the kernel each time.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace bourse::runtime {

std::vector<std::pair<std::string, double>> machine_load();

}  // namespace bourse::runtime
