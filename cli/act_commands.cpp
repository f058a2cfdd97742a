// logs, kill, teardown: doing something about one task or framework.
#include <cstdio>
#include <optional>

#include "cli/api.hpp"
#include "cli/find_task.hpp"
#include "cli/invocation.hpp"
#include "cli/table.hpp"
#include "proto/codec/json.hpp"
#include "proto/v1/master_response.pb.h"

namespace bourse::cli {

namespace {

namespace v1 = mesos::v1;
using v1::master::Response;

constexpr Duration kFollow = Duration::milliseconds(500);

std::string sandbox_path(const v1::Task& task, const std::string& file) {
  const std::string executor =
      task.has_executor_id() ? task.executor_id().value() : task.task_id().value();
  const std::string known = container_of(task);
  const std::string container = known.empty() ? "latest" : known;
  return "/agents/" + task.agent_id().value() + "/sandbox/" + task.framework_id().value() + "/" +
         executor + "/" + container + "/" + file;
}

struct Piece {
  std::string bytes;
  std::uint64_t size = 0;
  std::string json;  // as the API gave it
};

Result<Piece> read_piece(Api& api, const std::string& path, std::uint64_t offset) {
  auto json = api.call(R"({"type":"READ_FILE","read_file":{"path":)" + json_text(path) +
                       ",\"offset\":" + std::to_string(offset) + "}}");
  if (!json.ok()) return json.error();
  Response response;
  if (const Status ok = codec::from_json(json.value(), response); !ok.ok()) return ok.error();
  return Piece{response.read_file().data(), response.read_file().size(), std::move(json).value()};
}

void print(const Piece& piece, bool json) {
  if (piece.bytes.empty()) return;
  if (json) {
    std::printf("%s\n", piece.json.c_str());
  } else {
    std::fwrite(piece.bytes.data(), 1, piece.bytes.size(), stdout);
  }
  std::fflush(stdout);
}

void tell(const Invocation& invocation, const char* field, const std::string& id,
          const char* what) {
  if (invocation.json()) {
    std::printf("{\"%s\":%s}\n", field, json_text(id).c_str());
  } else {
    std::printf("%s %s\n", printable(id).c_str(), what);
  }
}

}  // namespace

int logs_command(const Arguments& arguments) {
  Invocation invocation("logs", "What a task wrote.");
  bool follow = false;
  bool errors = false;
  std::string framework, file;
  std::vector<std::string> ids;
  invocation.flags().add("follow", follow, "go on as it writes (also -f)");
  invocation.flags().add("stderr", errors, "stderr instead of stdout");
  invocation.flags().add("file", file, "another file of its sandbox");
  invocation.flags().add("framework", framework, "the task's framework, if the id is used twice");
  invocation.flags().positional("TASK", ids, "id of the task");
  Arguments spelled = arguments;
  for (std::string& argument : spelled) {
    if (argument == "-f") argument = "--follow";
  }
  if (const auto code = invocation.parse(spelled)) return *code;
  if (ids.size() != 1) {
    std::fputs("bourse logs: give one task id (bourse tasks lists them)\n", stderr);
    return 2;
  }
  Api api(invocation);
  auto task = find_task(api, ids.front(), framework);
  if (!task.ok()) return failed(task.error());
  const std::string path = sandbox_path(task.value(), !file.empty() ? file
                                                      : errors      ? "stderr"
                                                                    : "stdout");
  std::uint64_t offset = 0;
  while (true) {
    auto piece = read_piece(api, path, offset);
    if (!piece.ok()) return failed(piece.error());
    if (piece->size < offset) offset = 0;  // rotated: from its new start
    print(piece.value(), invocation.json());
    offset += piece->bytes.size();
    if (!piece->bytes.empty()) continue;
    if (!follow || !api.wait(kFollow)) return 0;
  }
}

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
