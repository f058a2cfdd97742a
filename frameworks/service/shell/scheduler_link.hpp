// SchedulerLink: the service scheduler as a framework. What the SDK's driver says becomes events on
// the loop; what the core wants of the master goes to the driver. Decides nothing.
//
// Ownership and thread: belongs to its loop's thread; both callbacks run there. The driver's own
// thread only posts.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "bourse/scheduler.hpp"
#include "coordination/link/leader_watch.hpp"
#include "frameworks/service/core/effect.hpp"
#include "frameworks/service/core/event.hpp"
#include "runtime/loop.hpp"

namespace bourse::service {

class SchedulerLink final : public sdk::Scheduler {
 public:
  using Feed = std::function<void(decltype(Event::body))>;
  // The driver has ended by itself: with the master's or its own reason.
  using OnEnd = std::function<void(const std::string& reason)>;

  SchedulerLink(runtime::Loop& loop, sdk::SchedulerOptions options, Feed feed, OnEnd on_end);
  // Leaves the master; tasks go on.
  ~SchedulerLink() override;

  // Once. Where the ensemble names the masters, it may take until one leads.
  void subscribe(const std::string& framework_id);
  void launch(const Launch& effect) { driver_->launch(effect.offer_ids, effect.tasks, ms(effect)); }
  void decline(const Decline& effect) { driver_->decline(effect.offer_ids, ms(effect)); }
  void kill(const Kill& effect) { driver_->kill(effect.task_id); }
  void acknowledge(const Acknowledge& effect) { driver_->acknowledge(effect.update); }
  void reconcile(const Reconcile& effect);
  // Before there is a driver these mean nothing: who subscribes is offered everything.
  void suppress();
  void revive();

 private:
  template <typename WithRefusal>
  static std::int64_t ms(const WithRefusal& effect) {
    return effect.refuse.ms();
  }

  // On the driver's thread.
  void on_registered(sdk::SchedulerDriver&, const std::string& framework_id, bool) override;
  void on_offers(sdk::SchedulerDriver&, const std::vector<sdk::Offer>& offers) override;
  void on_update(sdk::SchedulerDriver&, const sdk::TaskUpdate& update) override;
  void on_disconnected(sdk::SchedulerDriver&, const std::string& reason) override;
  void on_error(sdk::SchedulerDriver&, const std::string& message) override;
  void post(decltype(Event::body) body);

  void learned(const std::string& leader);
  void start(const std::string& masters);

  runtime::Loop& loop_;
  sdk::SchedulerOptions options_;
  Feed feed_;
  OnEnd on_end_;
  std::unique_ptr<coordination::LeaderWatch> watch_;
  std::unique_ptr<sdk::SchedulerDriver> driver_;
  std::thread waiter_;
};

}  // namespace bourse::service
