// The batch executor: an executor process whose tasks are workers on batch streams. Each launched
// task gets a thread with a loop of its own, a BatchServer on the first port of the task's
// resources (any free one if it has none), and a handler that the program makes for it. The task's
// RUNNING update carries the stream's endpoint in `data`, so that a scheduler knows where to send
// work.
//
// A program is its handler and one line of main():
//   int main() { return bourse::batch::run_batch_executor(make_handler); }
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "bourse/executor.hpp"
#include "executors/batch/batch_stream.hpp"
#include "runtime/loop.hpp"

namespace bourse::batch {

// Works on items. Made, called and destroyed on its task's loop; may answer from other threads.
class WorkHandler {
 public:
  virtual ~WorkHandler() = default;
  // The payload is valid during the call only. Not answering keeps the item and its credit.
  virtual void on_item(WorkHandle work, std::string_view payload) = 0;
  // Nobody waits for the item any more.
  virtual void on_cancel(std::uint64_t client, std::uint64_t id) {
    (void)client;
    (void)id;
  }
};

struct WorkerContext {
  sdk::LaunchedTask task;
  runtime::Loop& loop;
  std::string ip;  // the address that this worker is reached at
};

// An error fails the task with its message.
using HandlerFactory =
    std::function<Result<std::unique_ptr<WorkHandler>>(const WorkerContext& context)>;

enum class BatchLife : std::uint8_t {
  until_shut_down,      // stays for further tasks
  while_it_has_a_task,  // ends, and frees what it holds, with the last task it had
};

// Runs until the agent ends the executor, or as `life` says. The process's exit code.
int run_batch_executor(HandlerFactory factory, StreamLimits limits = {},
                       BatchLife life = BatchLife::until_shut_down);

}  // namespace bourse::batch
