#include "frameworks/service/shell/service_runner.hpp"

#include <algorithm>
#include <utility>

#include "link/notes.hpp"
#include "runtime/clock.hpp"

namespace bourse::service {

ServiceRunner::ServiceRunner(runtime::Loop& loop, BookStore& store, SchedulerLink& link,
                             RunnerSinks sinks)
    : loop_(loop), store_(store), link_(link), sinks_(std::move(sinks)) {}

void ServiceRunner::lead(Book book, bool new_framework) {
  core_ = std::make_unique<ServiceCore>(ServiceConfig{});
  feed(Start{std::move(book), new_framework});
}

void ServiceRunner::feed(EventBody body) {
  if (!core_ || ended_) return;
  effects_.clear();
  core_->step(Event{runtime::stamp_now(), std::move(body)}, effects_);
  link::write_notes(effects_.notes);
  perform(effects_.list);
  // Only now: an answer shows what the step has left.
  for (const Answer& answer : std::exchange(answers_, {})) sinks_.answer(answer);
  arm();
}

struct ServiceRunner::Perform {
  ServiceRunner& runner;

  void operator()(const Subscribe& e) const { runner.link_.subscribe(e.framework_id); }
  void operator()(const Launch& e) const { runner.link_.launch(e); }
  void operator()(const Decline& e) const { runner.link_.decline(e); }
  void operator()(const Kill& e) const { runner.link_.kill(e); }
  void operator()(const Acknowledge& e) const { runner.link_.acknowledge(e); }
  void operator()(const Reconcile& e) const { runner.link_.reconcile(e); }
  void operator()(const Suppress&) const { runner.link_.suppress(); }
  void operator()(const Revive&) const { runner.link_.revive(); }
  void operator()(const Persist& e) const { runner.persist(e); }
  void operator()(const Answer& e) const { runner.answers_.push_back(e); }
};

void ServiceRunner::perform(const std::vector<Effect>& effects) {
  if (!effects.empty() && !store_.may_act(runtime::monotonic_now())) {
    end("the lease of this leadership is over: another scheduler may lead by now");
  }
  for (const Effect& effect : effects) {
    if (ended_) return;
    std::visit(Perform{*this}, effect.body);
  }
}

void ServiceRunner::persist(const Persist& effect) {
  store_.store(effect.commands,
               [this, id = effect.id, after = effect.after](const runtime::WriteResult& result) {
                 if (ended_) return;
                 switch (result.outcome) {
                   case runtime::WriteOutcome::stored:
                     perform(after);
                     return feed(Stored{id});
                   case runtime::WriteOutcome::rejected:
                     return feed(Rejected{id, result.status.error().message});
                   case runtime::WriteOutcome::unknown:
                     // Whether it is stored is open: only a restart, which reads the store, can
                     // tell.
                     return end("store: " + result.status.error().message);
                 }
               });
}

void ServiceRunner::arm() {
  const Instant at = core_->next_deadline();
  if (ended_ || at == Instant::max()) return timer_.cancel();
  timer_ =
      loop_.after(std::max(at - runtime::monotonic_now(), Duration{}), [this] { feed(Tick{}); });
}

// What is under way is left as it is: another may lead already.
void ServiceRunner::end(const std::string& reason) {
  if (std::exchange(ended_, true)) return;
  timer_.cancel();
  answers_.clear();
  sinks_.end(reason);
}

}  // namespace bourse::service
