#include "master/shell/core_runner.hpp"

#include <algorithm>
#include <iterator>

#include "link/notes.hpp"
#include "model/limits.hpp"
#include "runtime/clock.hpp"

namespace bourse::master {

namespace {

constexpr std::size_t kIngressBytes = 512u << 20;

}  // namespace

CoreRunner::CoreRunner(MasterConfig config, std::unique_ptr<RegistryBackend> registry,
                       CoreSinks sinks, Recorder* recorder)
    : config_(std::move(config)),
      sinks_(std::move(sinks)),
      recorder_(recorder),
      queue_(
          loop_,
          {.items = limits::kIngressQueueEvents,
           .bytes = kIngressBytes,
           .marked_items = limits::kCoreWindowEvents,
           .marked_bytes = limits::kCoreWindowBytes,
           .relieve_early = true},
          [this](std::vector<EventBody>&& batch) {
            if (!core_ || ended_) return;
            stamp_ = runtime::stamp_now();  // one reading for a batch that arrived together
            for (EventBody& body : batch) step(std::move(body));
            hand_over();
          },
          [this] { sinks_.relieved(); }),
      registry_(std::move(registry)) {}

CoreRunner::~CoreRunner() {
  stop();
}

Status CoreRunner::start(std::string announced) {
  registry_->announce(std::move(announced));
  RegistryHandlers handlers;
  handlers.on_lead = [this](Registry registry, Epoch epoch) { lead(std::move(registry), epoch); };
  handlers.on_leader = [this](const std::string& announced_by) { sinks_.leader(announced_by); };
  handlers.on_end = [this](const std::string& reason) { end(reason); };
  if (const Status opened = registry_->start(loop_, std::move(handlers)); !opened.ok()) {
    return opened;
  }
  thread_ = std::thread([this] {
    loop_.run();
    timer_ = {};
    const std::lock_guard lock(registry_mutex_);
    registry_.reset();
  });
  return {};
}

void CoreRunner::lead(Registry registry, Epoch epoch) {
  if (epoch != Epoch{}) config_.epoch = epoch;
  core_ = std::make_unique<MasterCore>(config_);
  if (recorder_ != nullptr) recorder_->begin(config_);
  stamp_ = runtime::stamp_now();
  sinks_.leader("");  // the one before is gone; who asks waits for us
  step(Lead{std::move(registry)});
  hand_over();
}

// Whatever is under way is left as it is: another master may lead already.
void CoreRunner::end(const std::string& reason) {
  if (std::exchange(ended_, true)) return;
  timer_.cancel();
  sinks_.abdicate(reason);
}

void CoreRunner::stop() {
  if (!thread_.joinable()) return;
  loop_.stop();
  thread_.join();
}

bool CoreRunner::may_act() const {
  const std::lock_guard lock(registry_mutex_);
  return registry_ && registry_->may_act(runtime::monotonic_now());
}

runtime::PushOutcome CoreRunner::push(EventBody body, std::size_t bytes) {
  return queue_.push(std::move(body), bytes + sizeof(EventBody));
}

void CoreRunner::step(EventBody body) {
  if (ended_) return;
  effects_.clear();
  std::visit([this](const auto& one) { messages_.count(one); }, body);
  const Instant before = runtime::monotonic_now();
  Event event{stamp_, std::move(body)};
  core_->step(event, effects_);
  step_ns_.fetch_add(static_cast<std::uint64_t>((runtime::monotonic_now() - before).ns),
                     std::memory_order_relaxed);
  steps_.fetch_add(1, std::memory_order_relaxed);
  allocation_runs_.store(core_->state().allocation.rounds, std::memory_order_relaxed);
  if (recorder_ != nullptr) recorder_->take(std::move(event));
  link::write_notes(effects_.notes);
  // Not before its epoch is stored: whom it took in till then it would send away for a second.
  if (!told_leading_ && core_->state().leading) {
    told_leading_ = true;
    sinks_.leading();
  }
  for (Effect& effect : effects_.list) perform(effect);
  for (Change& change : effects_.changes) change.sequence += sequence_base();
  if (changes_.empty()) {
    changes_.swap(effects_.changes);
  } else {
    std::move(effects_.changes.begin(), effects_.changes.end(), std::back_inserter(changes_));
  }
}

// A core counts its Changes from one. Readers see the epoch in the upper half, so that a sequence
// of an earlier leadership is never mistaken for one of this. Stays exact in a double (JSON) for
// two million leaderships.
std::uint64_t CoreRunner::sequence_base() const {
  return core_->state().epoch << 32;
}

void CoreRunner::perform(Effect& effect) {
  if (auto* to_agent = std::get_if<SendToAgent>(&effect.body)) {
    outgoing_.emplace_back(std::move(*to_agent));
  } else if (auto* to_framework = std::get_if<SendToFramework>(&effect.body)) {
    outgoing_.emplace_back(std::move(*to_framework));
  } else if (auto* close = std::get_if<ClosePeer>(&effect.body)) {
    outgoing_.emplace_back(std::move(*close));
  } else if (auto* write = std::get_if<Persist>(&effect.body)) {
    persist(*write);
  } else if (auto* answer = std::get_if<Answer>(&effect.body)) {
    answer->sequence += sequence_base();
    answers_.push_back(std::move(*answer));
  } else if (auto* abdicate = std::get_if<Abdicate>(&effect.body)) {
    end(abdicate->reason);
  }
}

void CoreRunner::persist(Persist& persist) {
  registry_->store(persist.command, [this, id = persist.id, after = std::move(persist.after)](
                                        const runtime::WriteResult& result) mutable {
    if (ended_) return;
    stamp_ = runtime::stamp_now();
    switch (result.outcome) {
      case runtime::WriteOutcome::stored:
        for (Effect& effect : after) perform(effect);
        step(Stored{id});
        break;
      case runtime::WriteOutcome::rejected:
        step(Rejected{id, result.status.error().message});
        break;
      case runtime::WriteOutcome::unknown:
        // Whether it is stored is open: only a restart, which reads the disk, can tell.
        return end("registry: " + result.status.error().message);
    }
    hand_over();
  });
}

void CoreRunner::hand_over() {
  if (recorder_ != nullptr) recorder_->flush(*core_);
  if (!ended_ && !may_act()) {
    end("the lease of this leadership is over: another master may lead by now");
  }
  if (ended_) {
    outgoing_.clear();
    changes_.clear();
    answers_.clear();
    return;
  }
  if (!changes_.empty()) {
    published_.store(changes_.back().sequence, std::memory_order_release);
    sinks_.changes(std::exchange(changes_, {}));
  }
  if (!outgoing_.empty()) sinks_.outgoing(std::exchange(outgoing_, {}));
  // Last: whoever gets an answer finds the Changes of it published.
  if (!answers_.empty()) sinks_.answers(std::exchange(answers_, {}));
  arm();
}

void CoreRunner::arm() {
  const Instant at = core_->next_deadline();
  if (at == Instant::max()) {
    timer_.cancel();
    return;
  }
  timer_ = loop_.after(std::max(at - runtime::monotonic_now(), Duration{}), [this] {
    stamp_ = runtime::stamp_now();
    step(Tick{});
    hand_over();
  });
}

}  // namespace bourse::master
