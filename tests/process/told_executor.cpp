// told-executor: an executor for tests with real processes whose tasks run until they are killed.
// What it has come to stands as files in its sandbox, for a test to wait for: "subscribed", and for
// each task "launched-ID".
#include <bourse/executor.hpp>
#include <cstdio>
#include <fstream>

using namespace bourse::sdk;

namespace {

void mark(const std::string& name) {
  std::ofstream(name) << "\n";
}

class Told : public Executor {
 public:
  void on_registered(ExecutorDriver&, const ExecutorRegistration&) override { mark("subscribed"); }
  void on_launch(ExecutorDriver& driver, const LaunchedTask& task) override {
    mark("launched-" + task.id);
    driver.update(task.id, TaskState::running);
  }
  void on_kill(ExecutorDriver& driver, const std::string& task_id, std::int64_t) override {
    driver.update(task_id, TaskState::killed);
  }
};

}  // namespace

int main() {
  Told told;
  ExecutorDriver driver(told);
  if (driver.run()) return 0;
  std::fprintf(stderr, "told-executor: %s\n", driver.error().c_str());
  return 1;
}
