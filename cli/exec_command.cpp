// exec: a program of the operator's in the container of a task.
#include <sys/wait.h>

#include <algorithm>
#include <cstdio>

#include "cli/api.hpp"
#include "cli/find_task.hpp"
#include "cli/invocation.hpp"
#include "cli/session_client.hpp"
#include "proto/v1/master_response.pb.h"
#include "runtime/loop.hpp"

namespace bourse::cli {

namespace {

using mesos::v1::master::Response;

// "host:port" of the agent, as it told the master.
Result<std::string> address_of(Api& api, const std::string& agent_id) {
  Response response;
  if (Status ok = api.call(R"({"type":"GET_AGENTS"})", response); !ok.ok()) return ok.error();
  for (const auto& agent : response.get_agents().agents()) {
    if (agent.agent_info().id().value() != agent_id) continue;
    const std::string& pid = agent.pid();
    const std::size_t at = pid.find('@');
    if (at != std::string::npos) return pid.substr(at + 1);
  }
  return Error{ErrorCode::not_found, "its agent " + agent_id + " is not registered now"};
}

Result<SessionRequest> request_for(Api& api, const std::string& id, const std::string& framework) {
  auto task = find_task(api, id, framework);
  if (!task.ok()) return task.error();
  SessionRequest request;
  request.container = container_of(*task);
  if (request.container.empty() || task->state() != mesos::v1::TASK_RUNNING) {
    return Error{ErrorCode::conflict, "task '" + id + "' is " +
                                          mesos::v1::TaskState_Name(task->state()) +
                                          "; a program can be run beside one that is TASK_RUNNING"};
  }
  auto agent = address_of(api, task->agent_id().value());
  if (!agent.ok()) return agent.error();
  request.agent = std::move(agent).value();
  return request;
}

}  // namespace

int exec_command(const Arguments& arguments) {
  Invocation invocation("exec",
                        "Runs a program in the container of a task: bourse exec TASK -- PROGRAM "
                        "[WORDS...]. The exit code is the program's, or 128 and the signal that "
                        "ended it.");
  bool tty = false;
  std::string framework;
  std::vector<std::string> ids;
  invocation.flags().add("tty", tty, "with a terminal of its own (also -t)");
  invocation.flags().add("framework", framework, "the task's framework, if the id is used twice");
  invocation.flags().positional("TASK", ids, "id of the task");
  const auto dashes = std::find(arguments.begin(), arguments.end(), "--");
  Arguments ours(arguments.begin(), dashes);
  for (std::string& argument : ours) {
    if (argument == "-t") argument = "--tty";
  }
  if (const auto code = invocation.parse(ours)) return *code;
  if (ids.size() != 1 || arguments.end() - dashes < 2) {
    std::fputs("bourse exec: give one task id, --, and the program: bourse exec TASK -- ls -l\n",
               stderr);
    return 2;
  }
  runtime::ignore_sigpipe();
  Api api(invocation);
  auto request = request_for(api, ids.front(), framework);
  if (!request.ok()) return failed(request.error());
  request->command.assign(dashes + 1, arguments.end());
  request->tty = tty;
  request->authorization = invocation.authorization();
  const auto status = run_session(*request);
  if (!status.ok()) return failed(status.error());
  if (WIFEXITED(*status)) return WEXITSTATUS(*status);
  return WIFSIGNALED(*status) ? 128 + WTERMSIG(*status) : 1;
}

}  // namespace bourse::cli
