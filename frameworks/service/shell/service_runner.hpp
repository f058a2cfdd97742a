// ServiceRunner: steps the service core: events in, effects to the store, the master and those who
// asked. Decides nothing.
//
// Ownership and thread: belongs to its loop's thread; sinks are called there, after a step.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "frameworks/service/core/service_core.hpp"
#include "frameworks/service/shell/book_store.hpp"
#include "frameworks/service/shell/scheduler_link.hpp"
#include "runtime/loop.hpp"

namespace bourse::service {

struct RunnerSinks {
  std::function<void(const Answer&)> answer;
  std::function<void(const std::string& reason)> end;
};

class ServiceRunner {
 public:
  using EventBody = decltype(Event::body);

  // Everything given must outlive this.
  ServiceRunner(runtime::Loop& loop, BookStore& store, SchedulerLink& link, RunnerSinks sinks);

  void lead(Book book, bool new_framework);
  // Dropped while this process does not lead.
  void feed(EventBody body);
  // Null: does not lead.
  const ServiceCore* core() const { return core_.get(); }

 private:
  struct Perform;

  void perform(const std::vector<Effect>& effects);
  void persist(const Persist& effect);
  void arm();
  void end(const std::string& reason);

  runtime::Loop& loop_;
  BookStore& store_;
  SchedulerLink& link_;
  RunnerSinks sinks_;
  std::unique_ptr<ServiceCore> core_;
  Effects effects_;
  std::vector<Answer> answers_;
  runtime::Timer timer_;
  bool ended_ = false;
};

}  // namespace bourse::service
