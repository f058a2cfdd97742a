// The scheduler driver: one thread, one loop, one way to the master around a SchedulerMachine. It
// decides nothing: every outcome is the machine's.
#include <unistd.h>

#include <map>
#include <mutex>
#include <thread>

#include "bourse/scheduler.hpp"
#include "framework-sdk/core/scheduler_machine.hpp"
#include "framework-sdk/link/framework_form.hpp"
#include "framework-sdk/link/master_transport.hpp"
#include "framework-sdk/link/offer_pool.hpp"
#include "framework-sdk/link/task_form.hpp"
#include "framework-sdk/link/user_timers.hpp"
#include "runtime/clock.hpp"
#include "runtime/loop.hpp"

namespace bourse::sdk {

namespace {

// How long a TEARDOWN may take to be seen by the master before the driver ends anyway.
constexpr Duration kSchedulerFarewell = Duration::seconds(3);

}  // namespace

struct SchedulerDriver::Impl : std::enable_shared_from_this<SchedulerDriver::Impl> {
  Impl(Scheduler& scheduler_arg, SchedulerOptions options_arg, SchedulerDriver& driver_arg)
      : scheduler(scheduler_arg), driver(driver_arg), options(std::move(options_arg)) {}

  Scheduler& scheduler;
  SchedulerDriver& driver;
  const SchedulerOptions options;

  // Any thread.
  runtime::Loop loop;
  std::thread thread;
  mutable std::mutex mutex;
  std::string error_text;  // guarded by mutex
  bool failed = false;     // guarded by mutex

  // The loop's thread only.
  std::unique_ptr<SchedulerMachine> machine;
  std::unique_ptr<MasterTransport> transport;
  runtime::Timer deadline;
  runtime::Timer farewell;
  UserTimers user_timers{loop};
  std::vector<SchedulerOutput> outputs;
  bool stopping = false;
  bool tearing_down = false;
  struct Held {
    std::string agent_id;
    std::string role;
    bourse::Resources resources;
  };
  std::map<std::string, Held> held;  // offers

  void fail(const std::string& message) {
    const std::lock_guard lock(mutex);
    error_text = message;
    failed = true;
  }

  // -- the machine

  template <typename Body>
  void input(Body body) {
    if (!machine) return;
    std::vector<SchedulerOutput> mine;
    mine.swap(outputs);
    mine.clear();
    machine->step(SchedulerInput{runtime::stamp_now(), std::move(body)}, mine);
    for (const SchedulerOutput& output : mine) perform(output);
    outputs.swap(mine);
    arm();
  }

  void arm() {
    const Instant at = machine->next_deadline();
    if (at == Instant::max()) {
      deadline.cancel();
      return;
    }
    const Duration wait = std::max(at - runtime::monotonic_now(), Duration{});
    deadline = loop.after(wait, [this] { input(scheduler_event::Tick{}); });
  }

  void perform(const SchedulerOutput& output) {
    if (const auto* send = std::get_if<scheduler_effect::Send>(&output)) {
      if (transport) transport->send(send->message);
    } else if (const auto* deliver = std::get_if<scheduler_effect::Deliver>(&output)) {
      show(deliver->event);
    } else if (std::holds_alternative<scheduler_effect::SubscribedAgain>(output)) {
      return;  // on_registered told
    } else if (const auto* gone = std::get_if<scheduler_effect::Disconnected>(&output)) {
      held.clear();
      scheduler.on_disconnected(driver, gone->reason);
    } else if (std::holds_alternative<scheduler_effect::Reconnect>(output)) {
      loop.post([this] { give_up(); });
    } else if (const auto* refused = std::get_if<scheduler_effect::Refused>(&output)) {
      scheduler.on_error(driver, refused->reason);
    } else {
      finish();
    }
  }

  bool registered_before = false;

  void show(const SchedulerEvent& event) {
    if (const auto* subscribed = std::get_if<event::Subscribed>(&event)) {
      held.clear();
      const bool again = registered_before || !options.framework_id.empty();
      registered_before = true;
      scheduler.on_registered(driver, subscribed->framework_id.raw(), again);
    } else if (const auto* offered = std::get_if<event::Offers>(&event)) {
      std::vector<Offer> offers;
      for (const OfferFacet& offer : offered->offers) {
        offers.push_back(public_offer(offer));
        held[offers.back().id] = {offers.back().agent_id, offers.back().role, offer.resources};
      }
      scheduler.on_offers(driver, offers);
    } else if (const auto* rescinded = std::get_if<event::Rescind>(&event)) {
      held.erase(rescinded->offer_id.raw());
      scheduler.on_rescinded(driver, rescinded->offer_id.raw());
    } else if (const auto* inverse = std::get_if<event::InverseOffers>(&event)) {
      std::vector<InverseOffer> offers;
      for (const InverseOfferFacet& offer : inverse->offers) {
        offers.push_back(public_inverse_offer(offer));
      }
      scheduler.on_inverse_offers(driver, offers);
    } else if (const auto* withdrawn = std::get_if<event::RescindInverse>(&event)) {
      scheduler.on_inverse_rescinded(driver, withdrawn->offer_id.raw());
    } else if (const auto* update = std::get_if<event::Update>(&event)) {
      scheduler.on_update(driver, public_update(update->status));
    } else if (const auto* operation = std::get_if<event::UpdateOperation>(&event)) {
      scheduler.on_operation(driver, public_operation(operation->status));
    } else if (const auto* message = std::get_if<event::Message>(&event)) {
      scheduler.on_message(driver, message->agent_id.raw(), message->executor_id.raw(),
                           message->data);
    } else if (const auto* failure = std::get_if<event::Failure>(&event)) {
      scheduler.on_failure(driver, failure->agent_id.raw(), failure->executor_id.raw());
    } else if (const auto* error = std::get_if<event::Error>(&event)) {
      if (stopping) return;
      fail(error->message);
      scheduler.on_error(driver, error->message);
    }
  }

  void finish() {
    if (!tearing_down) {
      loop.stop();
      return;
    }
    // Until the master has closed the stream, or long enough.
    farewell = loop.after(kSchedulerFarewell, [this] { loop.stop(); });
  }

  // -- the wire

  TransportHandlers handlers() {
    TransportHandlers out;
    out.on_connected = [this] { input(scheduler_event::Connected{}); };
    out.on_message = [this](MasterToFramework message) {
      input(scheduler_event::FromMaster{std::move(message)});
      if (machine->subscribed()) transport->registered();
    };
    out.on_lost = [this](const std::string& reason, bool told) {
      input(scheduler_event::Lost{reason, told});
      if (stopping) loop.stop();
    };
    out.on_refused = [this](const std::string& reason) { scheduler.on_error(driver, reason); };
    return out;
  }

  void give_up() {
    if (stopping) return;
    transport->give_up();
    input(scheduler_event::Lost{});
  }

  // -- calls of the author

  template <typename Body>
  void post_call(Body body) {
    loop.post([this, body = std::move(body)]() mutable {
      input(scheduler_event::Call{{FrameworkId(), std::move(body)}});
    });
  }

  struct Use {  // of offers
    std::vector<Operation> operations;
    std::vector<TaskSpec> tasks;
  };

  // An accept that was not sent: each task and operation is told, as an author waits for them.
  void drop(const Use& wanted, const std::string& invalid_id, const std::string& message) {
    scheduler.on_error(driver, message);
    for (const Operation& operation : wanted.operations) {
      if (operation.id.empty()) continue;
      OperationUpdate update;
      update.operation_id = operation.id;
      update.message = message;
      update.state = operation.id == invalid_id ? OperationState::error : OperationState::dropped;
      scheduler.on_operation(driver, update);
    }
    drop_tasks(wanted.tasks, invalid_id, message);
  }

  void drop_tasks(const std::vector<TaskSpec>& tasks, const std::string& invalid_id,
                  const std::string& message) {
    for (const TaskSpec& task : tasks) {
      TaskUpdate update;
      update.task_id = task.id;
      update.message = message;
      const bool invalid = !invalid_id.empty() && task.id == invalid_id;
      update.state = invalid ? TaskState::error : TaskState::dropped;
      update.reason = invalid ? "REASON_TASK_INVALID" : "REASON_INVALID_OFFERS";
      scheduler.on_update(driver, update);
    }
  }

  void accept(const std::vector<std::string>& offer_ids, const Use& wanted,
              std::int64_t refuse_ms) {
    call::Accept accept;
    accept.filters.refuse = Duration::milliseconds(std::max<std::int64_t>(refuse_ms, 0));
    std::string agent_id;
    std::string role;
    bourse::Resources offered;
    for (const std::string& id : offer_ids) {
      const auto it = held.find(id);
      if (it == held.end()) {
        return drop(wanted, "", "offer_id: '" + id + "' is not held (used, rescinded or lapsed)");
      }
      if (!agent_id.empty() && agent_id != it->second.agent_id) {
        return drop(wanted, "",
                    "offer_ids: '" + id + "' is of another agent; use the offers of " +
                        "one agent together");
      }
      agent_id = it->second.agent_id;
      role = it->second.role;
      offered.add(it->second.resources);
      accept.offer_ids.push_back(OfferId(id));
    }
    OfferPool pool(role, options.principal);
    pool.add(offered);
    for (const Operation& operation : wanted.operations) {
      auto formed = pool.apply(operation);
      if (!formed.ok()) {
        return drop(wanted, operation.id,
                    "operation '" + operation.id + "': " + formed.error().message);
      }
      accept.operations.push_back({OperationId(operation.id), std::move(formed).value()});
    }
    LaunchOperation launch;
    for (const TaskSpec& task : wanted.tasks) {
      auto facet = task_facet(task, agent_id, machine->framework_id(), pool);
      if (!facet.ok()) return drop(wanted, task.id, facet.error().message);
      launch.tasks.push_back(std::move(facet).value());
    }
    for (const std::string& id : offer_ids) held.erase(id);
    const bool launches = !launch.tasks.empty() || wanted.operations.empty();
    if (launches) accept.operations.push_back({OperationId(), std::move(launch)});
    input(scheduler_event::Call{{FrameworkId(), std::move(accept)}});
  }
};

void Scheduler::on_registered(SchedulerDriver&, const std::string&, bool) {}
void Scheduler::on_rescinded(SchedulerDriver&, const std::string&) {}
void Scheduler::on_inverse_offers(SchedulerDriver&, const std::vector<InverseOffer>&) {}
void Scheduler::on_inverse_rescinded(SchedulerDriver&, const std::string&) {}
void Scheduler::on_update(SchedulerDriver&, const TaskUpdate&) {}
void Scheduler::on_operation(SchedulerDriver&, const OperationUpdate&) {}
void Scheduler::on_message(SchedulerDriver&, const std::string&, const std::string&,
                           const std::string&) {}
void Scheduler::on_failure(SchedulerDriver&, const std::string&, const std::string&) {}
void Scheduler::on_disconnected(SchedulerDriver&, const std::string&) {}
void Scheduler::on_error(SchedulerDriver&, const std::string&) {}

SchedulerDriver::SchedulerDriver(Scheduler& scheduler, SchedulerOptions options)
    : impl_(std::make_shared<Impl>(scheduler, std::move(options), *this)) {}

SchedulerDriver::~SchedulerDriver() {
  if (!impl_->thread.joinable()) return;
  stop(true);
  impl_->thread.join();
}

bool SchedulerDriver::start() {
  Impl& impl = *impl_;
  if (impl.thread.joinable()) return true;
  auto transport =
      make_transport(impl.loop, impl.options.master, impl.handlers(), impl.options.credential_file);
  if (!transport.ok()) {
    impl.fail(transport.error().message);
    return false;
  }
  auto described = description_of(impl.options);
  if (!described.ok()) {
    impl.fail(described.error().message);
    return false;
  }
  SchedulerConfig config;
  config.implicit_acknowledgements = impl.options.acknowledge_implicitly;
  impl.machine = std::make_unique<SchedulerMachine>(config);
  impl.transport = std::move(transport).value();
  impl.thread = std::thread([&impl, described = std::move(described).value()] {
    scheduler_event::Start start;
    start.framework = described.framework;
    start.suppressed_roles = described.suppressed_roles;
    start.offer_constraints = described.offer_constraints;
    start.incarnation = static_cast<std::uint64_t>(runtime::wall_now().ns / 1'000'000);
    impl.input(std::move(start));
    impl.transport->start();
    impl.loop.run();
    impl.transport->flush();
    impl.transport.reset();
    impl.user_timers.clear();
    impl.deadline = {};
    impl.farewell = {};
  });
  return true;
}

bool SchedulerDriver::join() {
  if (impl_->thread.joinable()) impl_->thread.join();
  const std::lock_guard lock(impl_->mutex);
  return !impl_->failed;
}

void SchedulerDriver::stop(bool keep_tasks) {
  impl_->loop.post([impl = impl_.get(), keep_tasks] {
    impl->stopping = true;
    impl->tearing_down = !keep_tasks && impl->machine->subscribed();
    impl->input(scheduler_event::Stop{keep_tasks});
  });
}

std::string SchedulerDriver::error() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->error_text;
}

void SchedulerDriver::launch(const std::vector<std::string>& offer_ids,
                             const std::vector<TaskSpec>& tasks, std::int64_t refuse_ms) {
  accept(offer_ids, {}, tasks, refuse_ms);
}

void SchedulerDriver::accept(const std::vector<std::string>& offer_ids,
                             const std::vector<Operation>& operations,
                             const std::vector<TaskSpec>& tasks, std::int64_t refuse_ms) {
  impl_->loop.post([impl = impl_.get(), offer_ids, wanted = Impl::Use{operations, tasks},
                    refuse_ms] { impl->accept(offer_ids, wanted, refuse_ms); });
}

void SchedulerDriver::decline(const std::vector<std::string>& offer_ids, std::int64_t refuse_ms) {
  if (offer_ids.empty()) return;
  impl_->loop.post([impl = impl_.get(), offer_ids, refuse_ms] {
    call::Decline decline;
    decline.filters.refuse = Duration::milliseconds(std::max<std::int64_t>(refuse_ms, 0));
    for (const std::string& id : offer_ids) {
      impl->held.erase(id);
      decline.offer_ids.push_back(OfferId(id));
    }
    impl->input(scheduler_event::Call{{FrameworkId(), std::move(decline)}});
  });
}

void SchedulerDriver::answer_inverse_offers(const std::vector<std::string>& inverse_offer_ids,
                                            bool leave, std::int64_t refuse_ms) {
  if (inverse_offer_ids.empty()) return;
  call::AnswerInverseOffers answer;
  answer.accept = leave;
  answer.filters.refuse = Duration::milliseconds(std::max<std::int64_t>(refuse_ms, 0));
  for (const std::string& id : inverse_offer_ids) answer.offer_ids.emplace_back(id);
  impl_->post_call(std::move(answer));
}

void SchedulerDriver::kill(const std::string& task_id, std::int64_t grace_ms) {
  call::Kill kill{TaskId(task_id), AgentId(), std::nullopt};
  if (grace_ms >= 0) kill.grace = Duration::milliseconds(grace_ms);
  impl_->post_call(std::move(kill));
}

void SchedulerDriver::shutdown_executor(const std::string& agent_id,
                                        const std::string& executor_id) {
  impl_->post_call(call::Shutdown{ExecutorId(executor_id), AgentId(agent_id)});
}

void SchedulerDriver::suppress(const std::vector<std::string>& roles) {
  impl_->post_call(call::Suppress{roles});
}

void SchedulerDriver::revive(const std::vector<std::string>& roles) {
  impl_->post_call(call::Revive{roles});
}

void SchedulerDriver::update_framework(const SchedulerOptions& options) {
  impl_->loop.post([impl = impl_.get(), options] {
    auto described = description_of(updated(impl->options, options));
    if (!described.ok()) return impl->scheduler.on_error(impl->driver, described.error().message);
    auto& [framework, suppressed, constraints] = described.value();
    framework.id = impl->machine->framework_id();
    impl->input(scheduler_event::Call{
        {FrameworkId(),
         call::UpdateFramework{std::move(framework), std::move(suppressed), constraints}}});
  });
}

void SchedulerDriver::request(const std::vector<Wanted>& wanted) {
  impl_->loop.post([impl = impl_.get(), wanted] {
    auto request = request_of(wanted);
    if (!request.ok()) return impl->scheduler.on_error(impl->driver, request.error().message);
    impl->input(scheduler_event::Call{{FrameworkId(), std::move(request).value()}});
  });
}

void SchedulerDriver::reconcile(const std::vector<std::string>& task_ids) {
  call::Reconcile reconcile;
  for (const std::string& id : task_ids) reconcile.tasks.push_back({TaskId(id), AgentId()});
  impl_->post_call(std::move(reconcile));
}

void SchedulerDriver::reconcile_placed(const std::vector<TaskPlace>& tasks) {
  if (tasks.empty()) return;
  call::Reconcile reconcile;
  for (const TaskPlace& task : tasks) {
    reconcile.tasks.push_back({TaskId(task.task_id), AgentId(task.agent_id)});
  }
  impl_->post_call(std::move(reconcile));
}

void SchedulerDriver::send_message(const std::string& agent_id, const std::string& executor_id,
                                   std::string data) {
  impl_->post_call(call::Message{AgentId(agent_id), ExecutorId(executor_id), std::move(data)});
}

void SchedulerDriver::acknowledge(const TaskUpdate& update) {
  if (update.uuid.size() != 16) return;
  Uuid uuid;
  std::copy(update.uuid.begin(), update.uuid.end(), uuid.bytes.begin());
  impl_->post_call(call::Acknowledge{AgentId(update.agent_id), TaskId(update.task_id), uuid});
}

void SchedulerDriver::acknowledge(const OperationUpdate& update) {
  if (update.uuid.size() != 16) return;
  Uuid uuid;
  std::copy(update.uuid.begin(), update.uuid.end(), uuid.bytes.begin());
  impl_->post_call(
      call::AcknowledgeOperation{AgentId(update.agent_id), OperationId(update.operation_id), uuid});
}

void SchedulerDriver::reconcile_operations(const std::vector<OperationPlace>& operations) {
  call::ReconcileOperations reconcile;
  for (const OperationPlace& place : operations) {
    reconcile.operations.push_back({OperationId(place.operation_id), AgentId(place.agent_id)});
  }
  impl_->post_call(std::move(reconcile));
}

void SchedulerDriver::publish(const std::string& name, std::string content) {
  impl_->post_call(call::Publish{name, std::move(content)});
}

void SchedulerDriver::learn_master(const std::string& address) {
  impl_->loop.post([impl = impl_.get(), address] {
    if (impl->transport) impl->transport->learned(address);
  });
}

void SchedulerDriver::after(std::int64_t delay_ms, std::function<void()> callback) {
  impl_->loop.post([impl = impl_.get(), delay_ms, callback = std::move(callback)] {
    impl->user_timers.after(delay_ms, callback);
  });
}

}  // namespace bourse::sdk
