// The executor API of the Bourse SDK: derive from Executor, hand it to an ExecutorDriver, run. The
// driver finds its agent through the environment that the agent gave the process
// (BOURSE_EXECUTOR_*, MESOS_*). Threads and callbacks as in scheduler.hpp.
//
// Promise: an update is kept and repeated until the agent has stored it, over restarts of the
// agent; run() returns after stop() only once every update was stored (or a deadline passed).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "bourse/types.hpp"

namespace bourse::sdk {

class ExecutorDriver;

// A task as its executor gets it.
struct LaunchedTask {
  std::string id;
  std::string name;
  std::string agent_id;
  Resources resources;
  std::string data;
  std::optional<Command> command;
  std::map<std::string, std::string> labels;
};

// Who the agent says the executor is; told when it has taken the executor in.
struct ExecutorRegistration {
  std::string executor_id;
  std::string framework_id;
  std::string agent_id;
  std::string hostname;
  std::string container_id;
};

// What an executor author writes: answers to what the agent asks. Called on the driver's thread.
class Executor {
 public:
  virtual ~Executor() = default;

  // The agent has taken the executor in; again after each restart of the agent.
  virtual void on_registered(ExecutorDriver& driver, const ExecutorRegistration& registration);
  // Run this task: update() says when it runs and what it came to.
  virtual void on_launch(ExecutorDriver& driver, const LaunchedTask& task) = 0;
  // Must lead to a terminal update of the task. grace_ms: -1 when none was given.
  virtual void on_kill(ExecutorDriver& driver, const std::string& task_id,
                       std::int64_t grace_ms) = 0;
  // Bytes that the scheduler sent, at most once.
  virtual void on_message(ExecutorDriver& driver, const std::string& data);
  // The agent is away: tasks go on and updates wait, the driver looks for it again. An agent that
  // stays away for longer than the recovery timeout ends the driver.
  virtual void on_disconnected(ExecutorDriver& driver);
  // End now: run() returns after this callback. Killed if it takes longer than the grace.
  virtual void on_shutdown(ExecutorDriver& driver);
  // The agent refused something, or said what does not parse; in words for a log.
  virtual void on_error(ExecutorDriver& driver, const std::string& message);
};

// The connection to the agent: runs the executor, keeps its updates until they are acknowledged.
class ExecutorDriver {
 public:
  // Keeps a reference to `executor`: it must outlive the driver.
  explicit ExecutorDriver(Executor& executor);
  ~ExecutorDriver();
  ExecutorDriver(const ExecutorDriver&) = delete;
  ExecutorDriver& operator=(const ExecutorDriver&) = delete;

  // Starts the driver's thread. False if no agent started this process: see error().
  bool start();
  // Waits until the driver has stopped. True after stop() or on_shutdown(), false after an error.
  bool join();
  // Both: true after stop() or on_shutdown(), false after an error.
  bool run() { return start() && join(); }
  // Ends the driver once every update was stored, or a deadline passed.
  void stop();
  // Why start() or join() returned false; empty while nothing is wrong.
  std::string error() const;

  // Says where a task is in its life. Kept and repeated until the agent has stored it.
  void update(const std::string& task_id, TaskState state, const std::string& message = {},
              std::string data = {});
  // Bytes to the framework's scheduler. At most once; kilobytes, not pages.
  void send_message(std::string data);
  // Calls back on the driver's thread after delay_ms.
  void after(std::int64_t delay_ms, std::function<void()> callback);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace bourse::sdk
