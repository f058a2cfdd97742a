// bourse: what a cluster is doing and why, from a terminal.
#include <cstdio>
#include <string>
#include <vector>

#include "cli/commands.hpp"
#include "cli/words.hpp"
#include "model/version.hpp"

namespace {

enum class Asks { master, service, nobody };

struct Command {
  const char* name;
  int (*run)(const bourse::cli::Arguments&);
  const char* what;
  Asks asks = Asks::master;
};

constexpr Command kCommands[] = {
    {"state", bourse::cli::state_command, "the cluster in a few lines"},
    {"agents", bourse::cli::agents_command, "agents and how much of each is used"},
    {"frameworks", bourse::cli::frameworks_command, "frameworks and what each holds"},
    {"why", bourse::cli::why_command, "what keeps a framework from offers, and what would help"},
    {"tasks", bourse::cli::tasks_command, "tasks, newest first"},
    {"logs", bourse::cli::logs_command, "what a task wrote; -f goes on"},
    {"exec", bourse::cli::exec_command, "runs a program beside a task, in its container"},
    {"kill", bourse::cli::kill_command, "kills a task"},
    {"teardown", bourse::cli::teardown_command, "ends a framework and its tasks"},
    {"crawl", bourse::cli::crawl_command, "watches and operates a running crawl"},
    {"quota", bourse::cli::quota_command, "what roles are guaranteed and may have at most"},
    {"maintenance", bourse::cli::maintenance_command, "what is planned with machines"},
    {"weight", bourse::cli::weight_command, "how much of what is shared a role gets"},
    {"reserve", bourse::cli::reserve_command, "resources of an agent, for a role"},
    {"unreserve", bourse::cli::unreserve_command, "gives them back"},
    {"volume", bourse::cli::volume_command,
     "disk that outlives tasks: make, grow, shrink, destroy"},
    {"operations", bourse::cli::operations_command, "operations that are under way"},
    {"app", bourse::cli::app_command, "long-running apps: run, list, show, scale, restart, delete",
     Asks::service},
    {"registry", bourse::cli::registry_command,
     "exports, imports and checks what a master must not forget", Asks::nobody},
    {"replay", bourse::cli::replay_command, "what happened to a master, played again",
     Asks::nobody},
};

void tell_flags(std::FILE* to, Asks whom, const char* flags) {
  std::fprintf(to, "\n  %s\n   ", flags);
  for (const Command& command : kCommands) {
    if (command.asks == whom) std::fprintf(to, " %s", command.name);
  }
}

int usage(std::FILE* to) {
  std::fputs("usage: bourse COMMAND [FLAGS]\n\n", to);
  for (const Command& command : kCommands) {
    std::fprintf(to, "  %-11s %s\n", command.name, command.what);
  }
  std::fputs("\n--version tells which build this is. Every command takes --help, and", to);
  tell_flags(to, Asks::master, "--master=HOST:PORT (or BOURSE_MASTER) and --json:");
  tell_flags(to, Asks::service, "--service=HOST:PORT (or BOURSE_SERVICE) and --json:");
  std::fputs("\n", to);
  return to == stdout ? 0 : 2;
}

}  // namespace

int main(int argc, char** argv) {
  const auto said = bourse::cli::spoken(std::vector<std::string>(argv + 1, argv + argc));
  if (!said.ok()) {
    std::fprintf(stderr, "bourse: %s\n", said.error().message.c_str());
    return 2;
  }
  const std::string& name = said->command;
  if (name.empty()) return usage(stderr);
  if (name == "--version" || name == "version") {
    std::printf("%s\n", bourse::kVersion);
    return 0;
  }
  if (name == "help" || name == "--help" || name == "-h") return usage(stdout);
  for (const Command& command : kCommands) {
    if (name == command.name) {
      return command.run(said->arguments);
    }
  }
  std::fprintf(stderr, "bourse: '%s' is no command\n\n", name.c_str());
  return usage(stderr);
}
