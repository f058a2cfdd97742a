// The definition of an app, from the flags of `bourse app run` or from a file, as the service
// scheduler's API takes it. What it means the scheduler judges. Main thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "runtime/flags.hpp"

namespace bourse::cli {

struct AppFlags {
  std::string file;
  std::string command;
  std::vector<std::string> arguments;
  std::vector<std::string> env;          // NAME=VALUE
  std::vector<std::string> labels;       // KEY=VALUE
  std::vector<std::string> constraints;  // ATTRIBUTE:OPERATOR[:VALUE]
  std::string check;                     // http:/PATH, tcp or command:LINE
  std::string health_check;              // likewise
  std::uint32_t check_port_index = 0;    // of both
  double check_interval = 10;            // of both
  double health_grace = 10;
  std::uint32_t health_failures = 3;
  std::string user;
  double cpus = 0.1;
  std::int64_t mem = 64;
  std::int64_t disk = 0;
  std::int64_t gpus = 0;
  std::uint32_t ports = 0;
  std::uint32_t instances = 1;
  std::uint32_t max_unavailable = 1;
  std::uint32_t max_surge = 1;
  double ready_after = 5;
  double kill_grace = 10;
};

void add_app_flags(runtime::Flags& flags, AppFlags& out);
// JSON. invalid: a flag that cannot be read. `id` may come from the file.
Result<std::string> app_document(const AppFlags& flags, std::string& id);

}  // namespace bourse::cli
