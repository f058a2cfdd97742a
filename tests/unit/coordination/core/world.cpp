#include "tests/unit/coordination/core/world.hpp"

#include <algorithm>

#include "coordination/core/names.hpp"

namespace bourse::coordination::test {

void Process::start() {
  ++life_;
  paused_ = false;
  armed_ = Instant::max();
  leadership.reset();
  leader.reset();
  answers.clear();
  refusals_ = 0;
  requests.clear();
  config_.seed = 1'000 * life_ + static_cast<unsigned char>(name_.back());
  core_ = std::make_shared<Coordinator>(config_);
  step(Started{});
}

void Process::crash() {
  if (!core_) return;
  ++life_;
  core_.reset();
  if (handle_ != 0) world_.zookeeper.kill(handle_);
  handle_ = 0;
}

void Process::exit() {
  ++life_;
  core_.reset();
  if (handle_ != 0) world_.zookeeper.close(handle_);
  handle_ = 0;
  if (on_exit) on_exit();
}

Instant Process::now() const {
  const Instant here = paused_ && clock_stops_ ? paused_at_ : world_.schedule.now();
  return here - behind_;
}

void Process::pause(bool paused, bool clock_stops) {
  if (paused_ == paused || !core_) return;
  if (paused) {
    clock_stops_ = clock_stops;
    paused_at_ = world_.schedule.now();
  } else if (clock_stops_) {
    behind_ = behind_ + (world_.schedule.now() - paused_at_);
  }
  paused_ = paused;
  if (handle_ != 0) world_.zookeeper.pause(handle_, paused);
  armed_ = Instant::max();
  if (!paused) arm();
}

PersistId Process::write(const std::string& key, std::optional<std::string> value) {
  return write({{key, std::move(value)}});
}

PersistId Process::write(std::vector<std::pair<std::string, std::optional<std::string>>> changes) {
  const PersistId id(++writes_);
  step(Write{id, std::move(changes), refusals_});
  return id;
}

void Process::step(EventBody body) {
  const std::shared_ptr<Coordinator> core = core_;
  if (!core) return;
  Effects effects;
  core->step({{now(), {}}, std::move(body)}, effects);
  notes.insert(notes.end(), effects.notes.begin(), effects.notes.end());
  const std::uint64_t life = life_;
  for (const Effect& effect : effects.list) {
    if (life == life_) perform(effect);
  }
  if (life == life_) arm();
}

void Process::perform(const Effect& effect) {
  if (on_effect) on_effect(effect);
  if (const auto* open = std::get_if<OpenSession>(&effect.body)) {
    if (handle_ != 0) world_.zookeeper.close(handle_);
    ++sessions;
    handle_ = world_.zookeeper.open(open->session, timeout, [this, life = life_](EventBody body) {
      if (life == life_) step(std::move(body));
    });
  } else if (const auto* ask = std::get_if<ZkRequest>(&effect.body)) {
    requests.emplace_back(ask->id, ask->request);
    world_.zookeeper.request(handle_, ask->id, ask->request);
  } else if (const auto* became = std::get_if<BecameLeader>(&effect.body)) {
    leadership = *became;
  } else if (const auto* told = std::get_if<Leader>(&effect.body)) {
    leader = *told;
  } else if (const auto* down = std::get_if<StepDown>(&effect.body)) {
    stepped_down = down->reason;
    exit();
  } else {
    if (std::holds_alternative<Refused>(effect.body)) ++refusals_;
    answers.push_back(effect);
  }
}

void Process::arm() {
  if (!core_ || paused_) return;
  const Instant next = core_->next_deadline();
  if (next == Instant::max() || next >= armed_) return;
  armed_ = next;
  world_.schedule.at(next + behind_, [this, life = life_, next] {
    if (life != life_ || paused_ || armed_ != next) return;
    armed_ = Instant::max();
    step(Tick{});
  });
}

bool Process::stored(PersistId id) const {
  return std::any_of(answers.begin(), answers.end(), [&](const Effect& effect) {
    const auto* stored = std::get_if<Stored>(&effect.body);
    return stored != nullptr && stored->id == id;
  });
}

std::string Process::refusal(PersistId id) const {
  for (const Effect& effect : answers) {
    const auto* refused = std::get_if<Refused>(&effect.body);
    if (refused != nullptr && refused->id == id) return refused->reason;
  }
  return {};
}

bool Process::noted(const std::string& code, const std::string& part) const {
  return std::any_of(notes.begin(), notes.end(), [&](const Note& note) {
    if (note.code != code) return false;
    return part.empty() || std::any_of(note.fields.begin(), note.fields.end(), [&](const auto& f) {
             return f.second.find(part) != std::string::npos;
           });
  });
}

Process& World::add(const std::string& name, CoordinationConfig config) {
  if (config.candidate_info.empty()) config.candidate_info = "I am " + name;
  if (config.shards == 512) config.shards = 8;  // what a test looks at
  auto& slot = processes[name];
  slot = std::make_unique<Process>(*this, name, std::move(config));
  return *slot;
}

Process* World::leader() const {
  Process* latest = nullptr;
  for (const auto& [name, process] : processes) {
    if (!process->leads()) continue;
    const bool later = !latest || process->leadership->epoch > latest->leadership->epoch;
    if (later) latest = process.get();
  }
  return latest;
}

void World::run_for(Duration span) {
  const Instant end = schedule.now() + span;
  bool passed = false;
  schedule.at(end, [&] { passed = true; });
  while (!passed) schedule.run_one();
}

bool World::run_until(const std::function<bool()>& done, Duration limit) {
  const Instant end = schedule.now() + limit;
  while (!done()) {
    if (!schedule.run_one() || schedule.now() >= end) return done();
  }
  return true;
}

EpochRecord World::epoch(const std::string& path) const {
  const auto it = zookeeper.tree().find(epoch_path(path));
  if (it == zookeeper.tree().end()) return {};
  return decode_epoch(it->second.data, it->first).value();
}

}  // namespace bourse::coordination::test
