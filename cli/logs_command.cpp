// logs: what a task wrote, once or for as long as it writes.
#include <cstdio>

#include "cli/api.hpp"
#include "cli/find_task.hpp"
#include "cli/invocation.hpp"
#include "cli/table.hpp"
#include "model/task_state.hpp"
#include "proto/codec/json.hpp"
#include "proto/v1/master_response.pb.h"

namespace bourse::cli {

namespace {

namespace v1 = mesos::v1;
using v1::master::Response;

constexpr Duration kFollow = Duration::milliseconds(500);

struct Piece {
  std::string bytes;
  std::uint64_t size = 0;
  std::string json;  // as the API gave it
};

std::string sandbox_path(const v1::Task& task, const std::string& file) {
  const std::string executor =
      task.has_executor_id() ? task.executor_id().value() : task.task_id().value();
  const std::string known = container_of(task);
  const std::string container = known.empty() ? "latest" : known;
  return "/agents/" + task.agent_id().value() + "/sandbox/" + task.framework_id().value() + "/" +
         executor + "/" + container + "/" + file;
}

bool has_ended(const v1::Task& task) {
  const auto state = task_state_from(v1::TaskState_Name(task.state()));
  return state && is_terminal(*state);
}

// One file of one task's sandbox, from its beginning on.
class Reader {
 public:
  Reader(Api& api, v1::Task task, std::string file, bool json)
      : api_(api), task_(std::move(task)), file_(std::move(file)), json_(json) {}

  // Prints what there is now.
  Status print_rest() {
    while (true) {
      auto piece = read();
      if (!piece.ok()) return piece.error();
      waiting_ = false;
      if (piece->size < offset_) offset_ = 0;  // rotated: from its new start
      print(piece.value());
      offset_ += piece->bytes.size();
      if (piece->bytes.empty()) return {};
    }
  }

  // Prints until the task has ended and all is printed, or somebody interrupts.
  Status follow() {
    // Masters and agents that are away come back.
    api_.be_patient(Duration::max(), [this](const Error& why) { say_waiting(why); });
    while (true) {
      const Status printed = print_rest();
      if (!printed.ok() && printed.error().code == ErrorCode::unavailable)
        return {};  // interrupted
      if (!printed.ok() && !is_to_come(printed.error())) return printed;
      if (printed.ok() && ended_) return {};
      if (printed.ok()) {
        // Asked of a master that reaches the agent, which has told it then what it runs: a task
        // that this master does not know has ended.
        ended_ = look();
        if (ended_) continue;  // what it wrote between the last read and its end
      }
      if (!api_.wait(kFollow)) return {};
    }
  }

 private:
  Result<Piece> read() {
    auto json = api_.call(R"({"type":"READ_FILE","read_file":{"path":)" +
                          json_text(sandbox_path(task_, file_)) +
                          ",\"offset\":" + std::to_string(offset_) + "}}");
    if (!json.ok()) return json.error();
    Response response;
    if (const Status ok = codec::from_json(json.value(), response); !ok.ok()) return ok.error();
    return Piece{response.read_file().data(), response.read_file().size(), std::move(json).value()};
  }

  void print(const Piece& piece) const {
    if (piece.bytes.empty()) return;
    if (json_) {
      std::printf("%s\n", piece.json.c_str());
    } else {
      std::fwrite(piece.bytes.data(), 1, piece.bytes.size(), stdout);
    }
    std::fflush(stdout);
  }

  // A task that starts makes its file yet; what is not there once the task has ended never will be.
  bool is_to_come(const Error& error) {
    if (error.code != ErrorCode::not_found || ended_ || look()) return false;
    say_waiting(error);
    return true;
  }

  // Once, until something is read again.
  void say_waiting(const Error& why) {
    if (!waiting_) std::fprintf(stderr, "bourse: %s; waiting\n", printable(why.message).c_str());
    waiting_ = true;
  }

  // Whether it has ended, as far as the master says.
  bool look() {
    auto found = find_task(api_, task_.task_id().value(), task_.framework_id().value());
    if (!found.ok()) return found.error().code == ErrorCode::not_found;
    const std::string ours = container_of(task_);
    const std::string now = container_of(*found);
    if (!ours.empty() && !now.empty() && ours != now) return true;  // the id is used once more
    if (ours.empty()) task_ = *found;
    return has_ended(*found);
  }

  Api& api_;
  v1::Task task_;
  std::string file_;
  bool json_;
  bool ended_ = false;
  bool waiting_ = false;  // and it has been said why
  std::uint64_t offset_ = 0;
};

}  // namespace

int logs_command(const Arguments& arguments) {
  Invocation invocation("logs", "What a task wrote.");
  bool follow = false;
  bool errors = false;
  std::string framework, file;
  std::vector<std::string> ids;
  invocation.flags().add("follow", follow, "go on as it writes, until it has ended (also -f)");
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
  if (file.empty()) file = errors ? "stderr" : "stdout";
  Reader reader(api, std::move(task).value(), file, invocation.json());
  const Status done = follow ? reader.follow() : reader.print_rest();
  return done.ok() ? 0 : failed(done.error());
}

}  // namespace bourse::cli
