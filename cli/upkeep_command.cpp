// agents drain|deactivate|reactivate|gone: taking an agent out of service and back.
#include <algorithm>
#include <cstdint>
#include <cstdio>

#include "cli/api.hpp"
#include "cli/invocation.hpp"
#include "cli/table.hpp"

namespace bourse::cli {

namespace {

constexpr double kMostGraceSeconds = 24.0 * 3600;  // what the master allows anyway

struct Upkeep {
  const char* word;
  const char* type;
  const char* field;
  const char* what;
  const char* done;
};

constexpr Upkeep kUpkeeps[] = {
    {"drain", "DRAIN_AGENT", "drain_agent", "Ends what runs on an agent and offers it no more.",
     "is draining"},
    {"deactivate", "DEACTIVATE_AGENT", "deactivate_agent",
     "Offers an agent no more; what runs there runs on.", "is deactivated"},
    {"reactivate", "REACTIVATE_AGENT", "reactivate_agent",
     "Offers an agent again that was deactivated or drained.", "is offered again"},
    {"gone", "MARK_AGENT_GONE", "mark_agent_gone",
     "Gives an agent up for ever: its tasks are told as ended, and it never comes back.",
     "is gone for ever"},
};

const Upkeep* find_upkeep(const std::string& word) {
  for (const Upkeep& upkeep : kUpkeeps) {
    if (word == upkeep.word) return &upkeep;
  }
  return nullptr;
}

}  // namespace

bool is_upkeep(const std::string& word) {
  return find_upkeep(word) != nullptr;
}

int upkeep_command(const Arguments& arguments) {
  const Upkeep& upkeep = *find_upkeep(arguments.front());
  const bool drains = arguments.front() == "drain";
  Invocation invocation("agents " + arguments.front(), upkeep.what);
  double max_grace = -1;
  double max_wait = -1;
  bool mark_gone = false;
  bool force = false;
  std::vector<std::string> ids;
  if (drains) {
    invocation.flags().add("max-grace", max_grace,
                           "no task gets more seconds to end; its own if less than 0");
    invocation.flags().add("max-wait", max_wait,
                           "waits no more seconds for budgets of frameworks; as long as it takes "
                           "if less than 0");
    invocation.flags().add("force", force, "whatever budgets of frameworks allow");
    invocation.flags().add("mark-gone", mark_gone, "once it is empty it is gone for ever");
  }
  invocation.flags().positional("AGENT", ids, "id of the agent");
  if (const auto code = invocation.parse({arguments.begin() + 1, arguments.end()})) return *code;
  if (ids.size() != 1) {
    std::fprintf(stderr, "bourse agents %s: give one agent id (bourse agents lists them)\n",
                 upkeep.word);
    return 2;
  }
  std::string call = std::string("{\"type\":\"") + upkeep.type + "\",\"" + upkeep.field +
                     "\":{\"agent_id\":{\"value\":" + json_text(ids.front()) + "}";
  if (max_grace >= 0) {
    const auto nanos = static_cast<std::int64_t>(std::min(max_grace, kMostGraceSeconds) * 1e9);
    call += ",\"max_grace_period\":{\"seconds\":" + std::to_string(nanos / 1'000'000'000) +
            ",\"nanos\":" + std::to_string(nanos % 1'000'000'000) + "}";
  }
  if (mark_gone) call += ",\"mark_gone\":true";
  if (force) call += ",\"force\":true";
  if (max_wait >= 0) call += ",\"max_wait_seconds\":" + std::to_string(max_wait);
  Api api(invocation);
  auto done = api.call(call + "}}");
  if (!done.ok()) return failed(done.error());
  if (invocation.json()) {
    std::printf("{\"agent_id\":%s}\n", json_text(ids.front()).c_str());
  } else {
    std::printf("%s %s\n", printable(ids.front()).c_str(), upkeep.done);
  }
  return 0;
}

}  // namespace bourse::cli
