// StageHandler: what the three stages share: the open Configure of the scheduler and the load
// reported on it. Runs on its task's loop (see executors/batch/batch_executor.hpp).
#pragma once

#include <cstdint>
#include <string>

#include "examples/crawler/wire/messages.hpp"
#include "executors/batch/batch_executor.hpp"

namespace bourse::crawler {

class StageHandler : public batch::WorkHandler {
 public:
  explicit StageHandler(runtime::Loop& loop);

  void on_item(batch::WorkHandle work, std::string_view payload) final;

 protected:
  // Work that is not a Configure. The message is of whatever kind the peer sent.
  virtual void on_work(batch::WorkHandle work, StageMessage message) = 0;
  virtual void on_configured() = 0;
  virtual StageLoad load() const = 0;

  const Configure& config() const { return config_; }
  // Work may come before the scheduler's first Configure, from the stage before: without it nobody
  // knows where to, so it waits, as it does while the stage is paused.
  bool holds() const { return !configured_ || config_.paused; }
  runtime::Loop& loop() { return loop_; }

 private:
  void report_load();
  void say_load();

  runtime::Loop& loop_;
  Configure config_;
  bool configured_ = false;
  batch::WorkHandle configured_by_;  // unanswered until the next Configure
  StageLoad said_;
  runtime::Timer report_timer_;
  runtime::Timer say_timer_;
};

}  // namespace bourse::crawler
