#include "executors/batch/batch_executor.hpp"

#include <cstdio>
#include <cstdlib>
#include <map>
#include <thread>

namespace bourse::batch {

namespace {

std::string own_ip() {
  const char* endpoint = std::getenv("MESOS_AGENT_ENDPOINT");
  if (endpoint == nullptr) return "127.0.0.1";
  const std::string text(endpoint);
  return text.substr(0, text.rfind(':'));
}

// One task's thread. The driver's methods may be called from it.
class Worker {
 public:
  Worker(sdk::ExecutorDriver& driver, sdk::LaunchedTask task, HandlerFactory factory,
         StreamLimits limits, std::function<void()> on_failed)
      : driver_(driver),
        task_(std::move(task)),
        factory_(std::move(factory)),
        limits_(limits),
        on_failed_(std::move(on_failed)) {
    thread_ = std::thread([this] { run(); });
  }
  ~Worker() {
    loop_.stop();
    thread_.join();
  }

 private:
  void run() {
    const std::string ip = own_ip();
    WorkerContext context{task_, loop_, ip};
    auto handler = factory_(context);
    if (!handler.ok()) return fail(handler.error().message);
    const std::uint32_t port =
        task_.resources.ports.empty() ? 0 : task_.resources.ports.front().begin;
    BatchServerHandlers handlers;
    WorkHandler* raw = handler.value().get();
    handlers.on_item = [raw](WorkHandle work, std::string_view payload) {
      raw->on_item(std::move(work), payload);
    };
    handlers.on_cancel = [raw](std::uint64_t client, std::uint64_t id) {
      raw->on_cancel(client, id);
    };
    auto server = BatchServer::listen(loop_, "tcp://" + ip + ":" + std::to_string(port), limits_,
                                      std::move(handlers));
    if (!server.ok()) return fail(server.error().message);
    driver_.update(task_.id, sdk::TaskState::running, "", server.value()->endpoint());
    loop_.run();
    server.value().reset();
  }

  void fail(const std::string& reason) {
    driver_.update(task_.id, sdk::TaskState::failed, reason);
    driver_.after(0, on_failed_);  // not here: it ends this thread
  }

  sdk::ExecutorDriver& driver_;
  const sdk::LaunchedTask task_;
  const HandlerFactory factory_;
  const StreamLimits limits_;
  const std::function<void()> on_failed_;
  runtime::Loop loop_;
  std::thread thread_;
};

class BatchExecutor : public sdk::Executor {
 public:
  BatchExecutor(HandlerFactory factory, StreamLimits limits, BatchLife life)
      : factory_(std::move(factory)), limits_(limits), life_(life) {}

  void on_launch(sdk::ExecutorDriver& driver, const sdk::LaunchedTask& task) override {
    driver.update(task.id, sdk::TaskState::starting);
    workers_[task.id] =
        std::make_unique<Worker>(driver, task, factory_, limits_, [this, &driver, id = task.id] {
          workers_.erase(id);
          end_if_over(driver);
        });
  }
  void on_kill(sdk::ExecutorDriver& driver, const std::string& task_id, std::int64_t) override {
    if (workers_.erase(task_id) == 0) return;
    driver.update(task_id, sdk::TaskState::killed);
    end_if_over(driver);
  }
  void on_shutdown(sdk::ExecutorDriver& driver) override {
    for (const auto& [id, worker] : workers_) driver.update(id, sdk::TaskState::killed);
    workers_.clear();
  }
  void on_error(sdk::ExecutorDriver&, const std::string& message) override {
    std::fprintf(stderr, "batch executor: %s\n", message.c_str());
  }

 private:
  void end_if_over(sdk::ExecutorDriver& driver) {
    if (workers_.empty() && life_ == BatchLife::while_it_has_a_task) driver.stop();
  }

  const HandlerFactory factory_;
  const StreamLimits limits_;
  const BatchLife life_;
  std::map<std::string, std::unique_ptr<Worker>> workers_;
};

}  // namespace

int run_batch_executor(HandlerFactory factory, StreamLimits limits, BatchLife life) {
  BatchExecutor executor(std::move(factory), limits, life);
  sdk::ExecutorDriver driver(executor);
  if (driver.run()) return 0;
  std::fprintf(stderr, "batch executor: %s\n", driver.error().c_str());
  return 1;
}

}  // namespace bourse::batch
