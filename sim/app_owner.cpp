#include "sim/app_owner.hpp"

#include <string>
#include <utility>

#include "sim/judge.hpp"

namespace bourse::sim {

namespace {

AppId app_id(std::size_t index) {
  return AppId("app" + std::to_string(index));
}

}  // namespace

service::AppDefinition AppOwner::definition_of(std::size_t app) const {
  const AppPlan& plan = env_.plan.service.apps[app];
  service::AppDefinition out;
  out.task.shell = "serve";
  out.task.cpu_milli = plan.task.cpu_milli;
  out.task.memory_mb = 32;
  out.task.ports = plan.task.wants_port ? 1 : 0;
  out.task.kill_grace = Duration::seconds(2);
  out.policy.instances = plan.instances;
  return out;
}

void AppOwner::start() {
  look_around();
}

void AppOwner::look_around() {
  env_.schedule.in(env_.between_ms(2'000, 5'000), [this] { look_around(); });
  const service::Book& book = env_.judge->services().book();
  for (std::size_t i = 0; i < env_.plan.service.apps.size(); ++i) {
    const auto it = book.apps.find(app_id(i));
    const bool there = it != book.apps.end() && !it->second.removing;
    if (there == !removing_) continue;
    if (removing_) {
      ask(service::change::RemoveApp{app_id(i)});
    } else {
      ask(service::change::PutApp{app_id(i), definition_of(i)});
    }
  }
}

void AppOwner::ask(service::AppChange change) {
  for (const auto& scheduler : schedulers_) {
    if (scheduler->leads()) return scheduler->ask(std::move(change), nullptr);
  }
}

void AppOwner::change(Prng& dice) {
  if (removing_) return;
  const std::size_t app = dice.below(env_.plan.service.apps.size());
  const AppId id = app_id(app);
  const std::uint64_t what = dice.below(8);
  env_.trace("people", "change " + id.raw() + ", way " + std::to_string(what));
  if (what < 3) {
    ask(service::change::ScaleApp{id, static_cast<std::uint32_t>(dice.between(0, 3))});
  } else if (what < 5) {
    ask(service::change::RestartApp{id, std::nullopt});
  } else if (what < 7) {
    service::AppDefinition other = definition_of(app);
    other.task.environment["REVISION"] = std::to_string(dice.below(1'000));
    ask(service::change::PutApp{id, std::move(other)});
  } else {
    ask(service::change::RemoveApp{id});
  }
}

void AppOwner::remove_all() {
  removing_ = true;
}

std::string AppOwner::missing() const {
  const service::Book& book = env_.judge->services().book();
  if (removing_) {
    if (book.apps.empty()) return "";
    std::string out = book.apps.begin()->first.raw() + " is not removed yet, instances:";
    for (const auto& [number, instance] : book.apps.begin()->second.instances) {
      out += " " + std::to_string(number);
    }
    return out;
  }
  for (std::size_t i = 0; i < env_.plan.service.apps.size(); ++i) {
    const auto it = book.apps.find(app_id(i));
    if (it == book.apps.end() || it->second.removing) return app_id(i).raw() + " is not defined";
  }
  return env_.judge->services().missing();
}

}  // namespace bourse::sim
