// ProcessMetrics: what the master knows about its own process, and the pages it lives in. sample()
// on the I/O thread, read() from any.
#pragma once

#include <mutex>

#include "base/time.hpp"
#include "master/shell/core_runner.hpp"
#include "master/shell/link_server.hpp"
#include "master/shell/scheduler_api.hpp"
#include "master/view/answers.hpp"
#include "runtime/huge_pages.hpp"

namespace bourse::master {

class ProcessMetrics {
 public:
  // `recorder` may be null.
  ProcessMetrics(Instant started, const CoreRunner& core, const LinkServer& links,
                 const SchedulerApi& schedulers, const Recorder* recorder);

  void sample();
  Metrics read() const;

 private:
  const Instant started_;
  const CoreRunner& core_;
  const LinkServer& links_;
  const SchedulerApi& schedulers_;
  runtime::HugePages huge_pages_;
  const Recorder* const recorder_;
  mutable std::mutex mutex_;
  LinkStats link_stats_;  // guarded by mutex_, as is the next
  SchedulerStats scheduler_stats_;
};

}  // namespace bourse::master
