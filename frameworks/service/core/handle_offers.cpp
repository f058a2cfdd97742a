// Offers: whoever has waited longest for a place is placed first; the rest is given back for long.
#include <map>

#include "base/probe.hpp"
#include "frameworks/service/core/handlers.hpp"
#include "model/limits.hpp"

namespace bourse::service {

namespace {

using Kind = DeadlineKey::Kind;
using Who = std::pair<AppId, std::uint64_t>;

// Places that instances of these apps hold, as their rules count them. One on an agent that was
// given up holds none: that agent gets no offers.
std::vector<sdk::Occupied> occupied_by(const ServiceState& state,
                                       const std::map<std::string, Who>& wanted) {
  std::vector<sdk::Occupied> out;
  std::set<AppId> apps;
  for (const auto& [task_id, who] : wanted) apps.insert(who.first);
  for (const AppId& id : apps) {
    for (const auto& [number, instance] : state.apps.at(id).instances) {
      if (instance.phase == InstancePhase::given_up) continue;
      for (const auto& [attribute, value] : instance.record.places) {
        out.push_back({id.raw(), attribute, value, 1});
      }
    }
  }
  return out;
}

// What an instance finds in its environment beside PORT0, PORT1, ...: the first of them as PORT,
// all of them as PORTS, and where it runs as HOST. What the app itself says of these names holds.
std::vector<std::uint32_t> tell_place(sdk::Command& command, std::uint32_t count,
                                      const sdk::Offer& offer) {
  std::vector<std::uint32_t> ports;
  std::string all;
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::string& port = command.environment.at("PORT" + std::to_string(i));
    all += (i == 0 ? "" : ",") + port;
    std::uint32_t number = 0;
    for (const char digit : port) number = number * 10 + static_cast<std::uint32_t>(digit - '0');
    ports.push_back(number);
  }
  command.environment.emplace("HOST", offer.hostname);
  if (count == 0) return ports;
  command.environment.emplace("PORT", command.environment.at("PORT0"));
  command.environment.emplace("PORTS", all);
  return ports;
}

void place(Context& c, sdk::Placement placement, const sdk::Offer& offer,
           const std::map<std::string, Who>& wanted) {
  pending::Launch what;
  std::vector<ServiceCommand> commands;
  what.offer_ids = placement.offer_ids;
  if (placement.tasks.size() > limits::kMaxInstancesPerWrite) {
    placement.tasks.resize(limits::kMaxInstancesPerWrite);
    what.more = true;
  }
  for (sdk::TaskSpec& task : placement.tasks) {
    const Who& who = wanted.at(task.id);
    App& app = c.state.apps.at(who.first);
    const AppVersion& version = c.state.book.apps.at(who.first).current;
    Instance& instance = app.instances.at(who.second);
    instance.record.version = version.task_version;
    instance.record.agent_id = AgentId(placement.agent_id);
    instance.record.hostname = offer.hostname;
    instance.record.launched_at = c.stamp.wall;
    instance.record.places = places_of(version.definition.task, offer);
    instance.record.ports = tell_place(*task.command, version.definition.task.ports, offer);
    instance.record.health_checked = version.definition.task.health_check.has_value();
    set_phase(c, app, instance, InstancePhase::placing, "its record is being written");
    app.no_place.clear();
    commands.emplace_back(AddInstance{app.id, instance.record});
    what.instances.push_back(who);
  }
  persist(c, std::move(commands), std::move(what),
          {{Launch{placement.offer_ids, std::move(placement.tasks), c.config.refuse}}});
}

}  // namespace

void on_offered(Context& c, const Offered& event) {
  // Whoever forgets the framework's id has lost its tasks: none is launched before it is stored.
  if (c.state.framework_id != c.state.book.framework_id) {
    PROBE("service.offered_before_its_name_is_stored");
    Decline all{{}, c.config.store_retry};
    for (const sdk::Offer& offer : event.offers) all.offer_ids.push_back(offer.id);
    c.emit(std::move(all));
    return;
  }
  std::vector<sdk::Shape> shapes;
  std::map<std::string, Who> wanted;
  for (const WantedKey& key : c.state.wanted) {
    if (shapes.size() == limits::kMaxInstancesPerRound) break;
    shapes.push_back(shape_of(key.app_id, c.state.book.apps.at(key.app_id), key.number));
    wanted.emplace(shapes.back().task.id, Who{key.app_id, key.number});
  }
  const bool more = shapes.size() < c.state.wanted.size();
  sdk::MatchOptions options{sdk::Strategy::spread, {}};
  if (!shapes.empty()) options.occupied = occupied_by(c.state, wanted);
  const sdk::Plan plan = sdk::match(shapes, event.offers, options);
  std::map<std::string, const sdk::Offer*> offer_of;
  for (const sdk::Offer& offer : event.offers) offer_of[offer.agent_id] = &offer;
  for (const sdk::Placement& placement : plan.placements) {
    place(c, placement, *offer_of.at(placement.agent_id), wanted);
  }
  for (const sdk::Unplaced& unplaced : plan.unplaced) {
    c.state.apps.at(wanted.at(unplaced.task_id).first).no_place = unplaced.reason;
  }
  // Those beyond a round's number have not been tried on what is left.
  const Duration refuse = more ? Duration{} : c.config.refuse;
  if (!plan.unused_offer_ids.empty()) c.emit(Decline{plan.unused_offer_ids, refuse});
  if (more) c.state.offers_asked = true;
}

void settle_offers(Context& c) {
  ServiceState& state = c.state;
  if (state.wanted.empty()) {
    state.offers_asked = false;
    c.disarm(Kind::ask_again, AppId(), 0);
    if (!state.suppressed) {
      state.suppressed = true;
      c.emit(Suppress{});
    }
    return;
  }
  if (!state.offers_asked && !state.suppressed) return;
  // What was refused before is asked for as well: it was refused for others.
  state.offers_asked = false;
  state.suppressed = false;
  c.emit(Revive{});
  c.arm(Kind::ask_again, AppId(), 0, c.config.ask_again);
}

void on_ask_again_due(Context& c) {
  PROBE("service.asks_for_offers_again");
  c.state.offers_asked = true;
}

}  // namespace bourse::service
