// The handlers of the service scheduler, by file. Each is a free function over a Context.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "bourse/offer_matcher.hpp"
#include "frameworks/service/core/context.hpp"

namespace bourse::service {

// -- handle_driver.cpp
void on_start(Context& c, const Start& event);
void store_new_framework(Context& c);
void on_new_framework_stored(Context& c, bool last);
void on_registered(Context& c, const Registered& event);
void on_disconnected(Context& c);
void on_reconcile_due(Context& c);
// Stores the framework id, if the book has another.
void store_framework(Context& c);

// -- handle_offers.cpp
void on_offered(Context& c, const Offered& event);
// Suppresses or revives, as the step left it.
void settle_offers(Context& c);
void on_ask_again_due(Context& c);

// -- shape.cpp
// The task of one instance as the offer matcher takes it.
sdk::Shape shape_of(const AppId& app_id, const AppRecord& record, std::uint64_t number);
// Values of the attributes that the app's `unique` and `max_per` rules name.
std::vector<std::pair<std::string, std::string>> places_of(const AppTask& task,
                                                           const sdk::Offer& offer);

// -- handle_update.cpp
void on_updated(Context& c, const Updated& event);

// -- handle_change.cpp
void on_client(Context& c, const FromClient& event);
void on_definition_stored(Context& c, const pending::Definition& what);
void on_definition_rejected(Context& c, const pending::Definition& what, const std::string& reason);
void on_removal_stored(Context& c, const pending::Removal& what);
void on_removal_rejected(Context& c, const pending::Removal& what, const std::string& reason);

// -- validate_app.cpp
Status validate_app_id(const AppId& id);
Status validate_definition(const AppDefinition& definition);

// -- instances.cpp
// The only way to change an instance's phase: keeps the counts, the queue of the wanted and the
// deadlines right.
void set_phase(Context& c, App& app, Instance& instance, InstancePhase phase, std::string why);
// After what decides whether it is available: it is if it ran for ready_after and, with a health
// check, is well.
void settle_ready(Context& c, App& app, Instance& instance);
void ran_long_enough(Context& c, App& app, Instance& instance);
Instance& add_instance(Context& c, App& app, InstanceRecord record, InstancePhase phase);
// REQUIRES that nothing refers to it any more.
void erase_instance(Context& c, App& app, std::uint64_t number);
void stop_instance(Context& c, App& app, Instance& instance, std::string why);
// It has ended; `update` says how. Its record is erased and the update acknowledged then.
void end_instance(Context& c, App& app, Instance& instance, const sdk::TaskUpdate& update,
                  std::string why);
void store_end(Context& c, App& app, Instance& instance);
void give_up_instance(Context& c, App& app, Instance& instance, std::string why);
// After the task version has changed.
void recount(const AppRecord& record, App& app);
std::string task_id_of(const AppId& app_id, const AppRecord& record, const InstanceRecord& row);
bool is_old(const AppRecord& record, const Instance& instance);

// -- backoff.cpp
void note_end(Context& c, App& app, const Instance& instance, const sdk::TaskUpdate& update);
Duration backoff_of(const AppPolicy& policy, std::uint32_t failures);
void reset_backoff(Context& c, App& app);
// No launches for this long, although nothing of the app's has failed.
void hold_launches(Context& c, App& app, Duration span);
void on_backoff_over(Context& c, App& app);

// -- plan.cpp
// Compares what is there with what is wanted and moves towards it.
void plan_app(Context& c, App& app);
// How many may be missing from the wanted number during a rolling change.
std::uint32_t allowed_missing(const AppPolicy& policy);

// -- writes.cpp
PersistId persist(Context& c, std::vector<ServiceCommand> commands,
                  decltype(PendingWrite::what) what, std::vector<Effect> after = {});
void on_stored(Context& c, const Stored& event);
void on_rejected(Context& c, const Rejected& event);
void on_store_again_due(Context& c, const DeadlineKey& key);

// -- invariants.cpp
void check_app(const ServiceState& state, const App& app);
void check_all(const ServiceState& state);

}  // namespace bourse::service
