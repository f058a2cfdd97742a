#include "frameworks/service/shell/scheduler_link.hpp"

#include <utility>

#include "runtime/entropy.hpp"
#include "runtime/log.hpp"

namespace bourse::service {

SchedulerLink::SchedulerLink(runtime::Loop& loop, sdk::SchedulerOptions options, Feed feed,
                             OnEnd on_end)
    : loop_(loop),
      options_(std::move(options)),
      feed_(std::move(feed)),
      on_end_(std::move(on_end)) {}

SchedulerLink::~SchedulerLink() {
  if (driver_) driver_->stop(true);
  if (waiter_.joinable()) waiter_.join();
}

void SchedulerLink::subscribe(const std::string& framework_id) {
  options_.framework_id = framework_id;
  auto masters = coordination::parse_masters_or_ensemble(options_.master, "--master");
  if (!masters.ok()) return on_end_(masters.error().message);
  if (!masters->ensemble) return start(options_.master);
  // All ZooKeeper sessions of a process belong to one thread, so this one watches for the driver.
  watch_ = std::make_unique<coordination::LeaderWatch>(
      loop_, *masters->ensemble, runtime::random_u64(), coordination::LeaderAddress::link,
      [this](const std::string& leader) { learned(leader); });
  if (const Status started = watch_->start(); !started.ok()) on_end_(started.error().message);
}

void SchedulerLink::learned(const std::string& leader) {
  if (driver_) return driver_->learn_master(leader);
  if (!leader.empty()) start(leader);
}

void SchedulerLink::start(const std::string& masters) {
  options_.master = masters;
  driver_ = std::make_unique<sdk::SchedulerDriver>(*this, options_);
  if (!driver_->start()) return on_end_(driver_->error());
  waiter_ = std::thread([this] {
    if (driver_->join()) return;
    loop_.post([this, reason = driver_->error()] { on_end_(reason); });
  });
}

void SchedulerLink::reconcile(const Reconcile& effect) {
  if (effect.tasks.empty()) return driver_->reconcile();
  driver_->reconcile_placed(effect.tasks);
}

void SchedulerLink::suppress() {
  if (driver_) driver_->suppress();
}

void SchedulerLink::revive() {
  if (driver_) driver_->revive();
}

void SchedulerLink::post(decltype(Event::body) body) {
  loop_.post([this, body = std::move(body)]() mutable { feed_(std::move(body)); });
}

void SchedulerLink::on_registered(sdk::SchedulerDriver&, const std::string& framework_id, bool) {
  post(Registered{framework_id});
}

void SchedulerLink::on_offers(sdk::SchedulerDriver&, const std::vector<sdk::Offer>& offers) {
  post(Offered{offers});
}

void SchedulerLink::on_update(sdk::SchedulerDriver&, const sdk::TaskUpdate& update) {
  post(Updated{update});
}

void SchedulerLink::on_disconnected(sdk::SchedulerDriver&, const std::string& reason) {
  runtime::log_warning("disconnected", {{"reason", reason}});
  post(Disconnected{});
}

void SchedulerLink::on_error(sdk::SchedulerDriver&, const std::string& message) {
  runtime::log_warning("framework", {{"error", message}});
}

}  // namespace bourse::service
