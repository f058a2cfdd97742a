#include "bourse/offer_matcher.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace bourse::sdk {

namespace {

// All offers of one agent, taken together.
struct Room {
  const Offer* first = nullptr;  // for names and attributes: the same in each offer of an agent
  std::vector<std::string> offer_ids;
  Resources whole;
  Resources free;
  Resources lent_whole;
  Resources lent;
  std::vector<TaskSpec> placed;
};

// Calls `with(amounts, ...)` for each amount that a task may have of what is lent: by resource, all
// of it or nothing, as a task may not have both.
template <typename With>
void each_lent(const Resources& lent_whole, With with) {
  for (std::int64_t Resources::*amount :
       {&Resources::cpu_milli, &Resources::memory_mb, &Resources::disk_mb, &Resources::gpus}) {
    if (lent_whole.*amount > 0) {
      with([amount](Resources& of) -> std::int64_t& { return of.*amount; });
    }
  }
  for (const auto& [name, milli] : lent_whole.other_milli) {
    if (milli <= 0) continue;
    with([&name = name](Resources& of) -> std::int64_t& { return of.other_milli[name]; });
  }
}

// `lasting`, with what is lent in the place of each resource that the room lends.
Resources with_lent(const Room& room, Resources lasting, Resources lent) {
  each_lent(room.lent_whole, [&](auto amount) { amount(lasting) = amount(lent); });
  return lasting;
}

void take(const TaskSpec& task, Room& room) {
  Resources own = task.resources;
  if (task.revocable) {
    Resources lent;
    each_lent(room.lent_whole, [&](auto amount) { amount(lent) = std::exchange(amount(own), 0); });
    subtract(room.lent, lent);
  }
  subtract(room.free, own);
}

using Spread = std::map<std::pair<std::string, std::string>, std::map<std::string, std::uint32_t>>;

std::string attribute_of(const Offer& offer, const std::string& name) {
  if (name == "hostname") return offer.hostname;
  if (name == "region") return offer.region;
  if (name == "zone") return offer.zone;
  const auto it = offer.attributes.find(name);
  return it == offer.attributes.end() ? std::string() : it->second;
}

std::uint32_t count_at(const Spread& spread, const std::string& group, const std::string& attribute,
                       const std::string& value) {
  const auto it = spread.find({group, attribute});
  if (it == spread.end()) return 0;
  const auto at = it->second.find(value);
  return at == it->second.end() ? 0 : at->second;
}

// Empty: satisfied. Otherwise the sentence of what ruled this room out.
std::string obstacle(const Constraint& constraint, const Shape& shape, const Room& room,
                     const Spread& spread) {
  const std::string value = attribute_of(*room.first, constraint.attribute);
  switch (constraint.kind) {
    case Constraint::Kind::equals:
      if (value == constraint.value) return {};
      return constraint.attribute + " is not " + constraint.value;
    case Constraint::Kind::not_equals:
      if (value != constraint.value) return {};
      return constraint.attribute + " is " + constraint.value;
    case Constraint::Kind::exists:
      if (!value.empty()) return {};
      return "no attribute " + constraint.attribute;
    case Constraint::Kind::unique:
    case Constraint::Kind::max_per:
      break;
  }
  const std::uint32_t most = constraint.kind == Constraint::Kind::unique ? 1 : constraint.count;
  if (count_at(spread, shape.group, constraint.attribute, value) < most) return {};
  return constraint.attribute + " " + value + " has its " + std::to_string(most) + " of group '" +
         shape.group + "'";
}

std::uint64_t port_count(const Resources& resources) {
  std::uint64_t count = 0;
  for (const PortRange& range : resources.ports) count += range.end - range.begin + 1;
  return count;
}

std::string shortage(const Shape& shape, const Resources& free) {
  const Resources& want = shape.task.resources;
  const auto less = [](const char* name, std::int64_t have, std::int64_t need) {
    return std::string(name) + ": " + std::to_string(have) + " of " + std::to_string(need);
  };
  if (free.cpu_milli < want.cpu_milli) {
    return less("cpu_milli", free.cpu_milli, want.cpu_milli);
  }
  if (free.memory_mb < want.memory_mb) {
    return less("memory_mb", free.memory_mb, want.memory_mb);
  }
  if (free.disk_mb < want.disk_mb) return less("disk_mb", free.disk_mb, want.disk_mb);
  if (free.gpus < want.gpus) return less("gpus", free.gpus, want.gpus);
  if (port_count(free) < shape.ports + port_count(want)) {
    return less("ports", static_cast<std::int64_t>(port_count(free)),
                static_cast<std::int64_t>(shape.ports + port_count(want)));
  }
  if (!contains(free, want)) return "a resource or a named port is missing";
  return {};
}

std::string why_not(const Shape& shape, const Room& room, const Spread& spread) {
  if (shape.task.revocable) {
    const Resources free = with_lent(room, room.free, room.lent);
    if (std::string missing = shortage(shape, free); !missing.empty()) return missing;
  } else if (std::string missing = shortage(shape, room.free); !missing.empty()) {
    return missing;
  }
  for (const Constraint& constraint : shape.constraints) {
    if (std::string why = obstacle(constraint, shape, room, spread); !why.empty()) return why;
  }
  return {};
}

// How much of the agent's offer would still be free, in thousandths, the scarcest resource
// counting: the smaller, the fuller.
std::int64_t emptiness(const Room& room, const TaskSpec& task) {
  const auto part = [](std::int64_t free, std::int64_t taken, std::int64_t whole) {
    return whole <= 0 ? std::int64_t{1000} : (free - taken) * 1000 / whole;
  };
  const bool lent_cpus = task.revocable && room.lent_whole.cpu_milli > 0;
  const bool lent_memory = task.revocable && room.lent_whole.memory_mb > 0;
  const Resources& want = task.resources;
  return std::min({part((lent_cpus ? room.lent : room.free).cpu_milli, want.cpu_milli,
                        (lent_cpus ? room.lent_whole : room.whole).cpu_milli),
                   part((lent_memory ? room.lent : room.free).memory_mb, want.memory_mb,
                        (lent_memory ? room.lent_whole : room.whole).memory_mb)});
}

std::vector<std::uint32_t> take_ports(TaskSpec& task, std::uint32_t count, Resources& free) {
  std::vector<std::uint32_t> out;
  for (std::uint32_t taken = 0; taken < count; ++taken) {
    const std::uint32_t port = free.ports.front().begin;
    Resources one;
    one.ports = {{port, port}};
    subtract(free, one);
    add(task.resources, one);
    const std::string name = "PORT" + std::to_string(taken);
    if (task.command) task.command->environment[name] = std::to_string(port);
    out.push_back(port);
  }
  return out;
}

// A check that names one of the shape's ports is told its number.
void tell_port(Check& check, const std::vector<std::uint32_t>& ports) {
  if (!check.port_index || *check.port_index >= ports.size()) return;
  check.port = ports[*check.port_index];
}

void place(const Shape& shape, Room& room, Spread& spread) {
  TaskSpec task = shape.task;
  take(task, room);
  const std::vector<std::uint32_t> ports = take_ports(task, shape.ports, room.free);
  if (task.check) tell_port(*task.check, ports);
  if (task.health_check) tell_port(task.health_check->check, ports);
  for (const Constraint& constraint : shape.constraints) {
    if (constraint.kind != Constraint::Kind::unique &&
        constraint.kind != Constraint::Kind::max_per) {
      continue;
    }
    const std::string value = attribute_of(*room.first, constraint.attribute);
    ++spread[{shape.group, constraint.attribute}][value];
  }
  room.placed.push_back(std::move(task));
}

Room* choose(const Shape& shape, std::map<std::string, Room>& rooms, const Spread& spread,
             Strategy strategy, std::map<std::string, std::uint32_t>& reasons) {
  Room* best = nullptr;
  std::int64_t best_score = 0;
  for (auto& [agent_id, room] : rooms) {
    const std::string why = why_not(shape, room, spread);
    if (!why.empty()) {
      ++reasons[why];
      continue;
    }
    const std::int64_t empty = emptiness(room, shape.task);
    const std::int64_t score = strategy == Strategy::best_fit ? -empty : empty;
    if (best == nullptr || score > best_score) {
      best = &room;
      best_score = score;
    }
  }
  return best;
}

std::string most_frequent(const std::map<std::string, std::uint32_t>& reasons, std::size_t agents) {
  if (agents == 0) return "no offers";
  const auto most =
      std::max_element(reasons.begin(), reasons.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  return most->first + " (" + std::to_string(most->second) + " of " + std::to_string(agents) +
         " agents)";
}

}  // namespace

Plan match(const std::vector<Shape>& shapes, const std::vector<Offer>& offers,
           const MatchOptions& options) {
  std::map<std::string, Room> rooms;  // by agent id: ties go to the smaller
  for (const Offer& offer : offers) {
    Room& room = rooms[offer.agent_id];
    if (room.first == nullptr) room.first = &offer;
    room.offer_ids.push_back(offer.id);
    add(room.whole, offer.resources);
    add(room.free, offer.resources);
    add(room.lent_whole, offer.revocable);
    add(room.lent, offer.revocable);
  }
  Spread spread;
  for (const Occupied& occupied : options.occupied) {
    spread[{occupied.group, occupied.attribute}][occupied.value] += occupied.count;
  }
  Plan plan;
  for (const Shape& shape : shapes) {
    std::map<std::string, std::uint32_t> reasons;
    Room* room = choose(shape, rooms, spread, options.strategy, reasons);
    if (room == nullptr) {
      plan.unplaced.push_back({shape.task.id, most_frequent(reasons, rooms.size())});
      continue;
    }
    place(shape, *room, spread);
  }
  for (auto& [agent_id, room] : rooms) {
    if (room.placed.empty()) {
      plan.unused_offer_ids.insert(plan.unused_offer_ids.end(), room.offer_ids.begin(),
                                   room.offer_ids.end());
    } else {
      plan.placements.push_back({agent_id, room.offer_ids, std::move(room.placed)});
    }
  }
  return plan;
}

}  // namespace bourse::sdk
