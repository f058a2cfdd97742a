// kill, teardown: doing something about one task or framework.
#include <cstdio>

#include "cli/api.hpp"
#include "cli/invocation.hpp"
#include "cli/table.hpp"

namespace bourse::cli {

namespace {

void tell(const Invocation& invocation, const char* field, const std::string& id,
          const char* what) {
  if (invocation.json()) {
    std::printf("{\"%s\":%s}\n", field, json_text(id).c_str());
  } else {
    std::printf("%s %s\n", printable(id).c_str(), what);
  }
}

}  // namespace

int kill_command(const Arguments& arguments) {
  Invocation invocation("kill", "Kills a task as its framework could.");
  std::string framework;
  double grace_seconds = -1;
  std::vector<std::string> ids;
  invocation.flags().add("framework", framework, "the task's framework, if the id is used twice");
  invocation.flags().add("grace", grace_seconds,
                         "seconds from SIGTERM to SIGKILL; its own if less than 0");
  invocation.flags().positional("TASK", ids, "id of the task");
  if (const auto code = invocation.parse(arguments)) return *code;
  if (ids.size() != 1) {
    std::fputs("bourse kill: give one task id (bourse tasks lists them)\n", stderr);
    return 2;
  }
  std::string call =
      R"({"type":"KILL_TASK","kill_task":{"task_id":{"value":)" + json_text(ids.front()) + "}";
  if (!framework.empty()) call += ",\"framework_id\":{\"value\":" + json_text(framework) + "}";
  if (grace_seconds >= 0) call += ",\"grace_seconds\":" + std::to_string(grace_seconds);
  Api api(invocation);
  auto done = api.call(call + "}}");
  if (!done.ok()) return failed(done.error());
  tell(invocation, "task_id", ids.front(), "is being killed");
  return 0;
}

int teardown_command(const Arguments& arguments) {
  Invocation invocation("teardown", "Ends a framework and kills its tasks.");
  std::vector<std::string> ids;
  invocation.flags().positional("FRAMEWORK", ids, "id of the framework");
  if (const auto code = invocation.parse(arguments)) return *code;
  if (ids.size() != 1) {
    std::fputs("bourse teardown: give one framework id (bourse frameworks lists them)\n", stderr);
    return 2;
  }
  Api api(invocation);
  auto done = api.call(R"({"type":"TEARDOWN","teardown":{"framework_id":{"value":)" +
                       json_text(ids.front()) + "}}}");
  if (!done.ok()) return failed(done.error());
  tell(invocation, "framework_id", ids.front(), "is torn down");
  return 0;
}

}  // namespace bourse::cli
