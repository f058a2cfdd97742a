// MessageCounts: how many messages of each kind reached the core, under the names that Mesos counts
// them by (master/messages_...). Counted on the core's thread, read on any.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "master/core/event.hpp"
#include "master/view/answers.hpp"

namespace bourse::master {

class MessageCounts {
 public:
  void count(const FromFramework& event);
  void count(const FromAgent& event);
  template <typename Other>
  void count(const Other&) {}

  // All of them, those that never came too.
  void read(Metrics& out) const;

 private:
  enum Kind : std::uint8_t {
    register_framework,
    reregister_framework,
    unregister_framework,
    decline_offers,
    revive_offers,
    suppress_offers,
    launch_tasks,
    kill_task,
    status_update_acknowledgement,
    operation_status_update_acknowledgement,
    reconcile_tasks,
    reconcile_operations,
    framework_to_executor,
    resource_request,
    register_slave,
    reregister_slave,
    update_slave,
    status_update,
    operation_status_update,
    executor_to_framework,
    exited_executor,
    kKinds,
  };
  struct OfCall;
  struct OfAgent;

  void add(Kind kind) { counts_[kind].fetch_add(1, std::memory_order_relaxed); }

  std::array<std::atomic<std::uint64_t>, kKinds> counts_{};
};

}  // namespace bourse::master
