// bourse-shim: one small static program with three faces, started by the agent, never by hand.
//   bourse-shim --launcher [CGROUP...]   starts shims for an agent
//   bourse-shim --container ID           runs one container
//   bourse-shim --version                for whoever asks which build it is
//   bourse-shim --session ID             runs a program of an operator in one that runs already
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

#include "executors/shim/launcher.hpp"
#include "executors/shim/session.hpp"
#include "executors/shim/shim.hpp"
#include "model/version.hpp"

int main(int argc, char** argv) {
  if (argc >= 2 && std::strcmp(argv[1], "--launcher") == 0) {
    return bourse::shim::run_launcher(std::vector<std::string>(argv + 2, argv + argc), argv);
  }
  if (argc == 3 && std::strcmp(argv[1], "--container") == 0) {
    return bourse::shim::run_shim(argv[2]);
  }
  if (argc == 2 && std::strcmp(argv[1], "--version") == 0) {
    const std::string line = std::string(bourse::kVersion) + "\n";
    return ::write(STDOUT_FILENO, line.data(), line.size()) > 0 ? 0 : 1;
  }
  if (argc == 3 && std::strcmp(argv[1], "--session") == 0) return bourse::shim::run_session();
  static const char kUsage[] =
      "bourse-shim is started by bourse-agent, one per container; it is not run by hand\n";
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, kUsage, sizeof kUsage - 1);
  return 2;
}
