#include "master/shell/core_runner.hpp"

#include "model/limits.hpp"
#include "proto/codec/records.hpp"
#include "runtime/clock.hpp"
#include "runtime/daemon.hpp"
#include "runtime/log.hpp"

namespace bourse::master {

namespace {

constexpr std::size_t kIngressBytes = 512u << 20;
// The registry is rewritten at start once its log is this much longer than what it says.
constexpr std::size_t kCompactSurplus = 1'000;

runtime::LogLevel level_of(Note::Level level) {
  switch (level) {
    case Note::Level::debug:
      return runtime::LogLevel::debug;
    case Note::Level::info:
      return runtime::LogLevel::info;
    case Note::Level::warning:
      return runtime::LogLevel::warning;
    case Note::Level::error:
      return runtime::LogLevel::error;
  }
  return runtime::LogLevel::info;
}

}  // namespace

CoreRunner::CoreRunner(MasterConfig config, std::string work_dir, CoreSinks sinks)
    : config_(std::move(config)),
      work_dir_(std::move(work_dir)),
      sinks_(std::move(sinks)),
      queue_(
          loop_, {limits::kIngressQueueEvents, kIngressBytes},
          [this](std::vector<EventBody>&& batch) {
            stamp_ = runtime::stamp_now();  // one reading for a batch that arrived together
            for (EventBody& body : batch) step(std::move(body));
            hand_over();
          },
          [this] { sinks_.relieved(); }) {}

CoreRunner::~CoreRunner() {
  stop();
}

Status CoreRunner::recover(Registry& registry) {
  const std::string path = work_dir_ + "/registry.db";
  auto opened = runtime::RecordStore::open(loop_, path);
  if (!opened.ok()) return opened.error();
  for (const std::string& bytes : opened->records) {
    auto command = codec::decode_registry_command(bytes);
    if (!command.ok()) {
      return Error{command.error().code, "registry '" + path + "': " + command.error().message};
    }
    if (const Status applied = bourse::apply(registry, command.value()); !applied.ok()) {
      return Error{ErrorCode::corrupt, "registry '" + path + "': " + applied.error().message};
    }
  }
  store_ = std::move(opened->store);
  const std::vector<RegistryCommand> shortest = snapshot(registry);
  if (opened->records.size() < shortest.size() + kCompactSurplus) return {};
  std::vector<std::string> records;
  for (const RegistryCommand& command : shortest) {
    records.push_back(codec::encode_registry_command(command));
  }
  store_->compact(std::move(records), [](const runtime::WriteResult& result) {
    if (result.outcome == runtime::WriteOutcome::rejected) {
      runtime::log_warning("registry not compacted", {{"reason", result.status.error().message}});
    }
  });
  return {};
}

Status CoreRunner::start() {
  if (const Status made = runtime::make_directories(work_dir_); !made.ok()) return made;
  if (const Status recovered = recover(recovered_); !recovered.ok()) return recovered;
  core_ = std::make_unique<MasterCore>(config_);
  thread_ = std::thread([this] {
    stamp_ = runtime::stamp_now();
    step(Lead{std::move(recovered_)});
    hand_over();
    loop_.run();
    timer_ = {};
    store_.reset();
  });
  return {};
}

void CoreRunner::stop() {
  if (!thread_.joinable()) return;
  loop_.stop();
  thread_.join();
}

runtime::PushOutcome CoreRunner::push(EventBody body, std::size_t bytes) {
  return queue_.push(std::move(body), bytes + sizeof(EventBody));
}

void CoreRunner::step(EventBody body) {
  effects_.clear();
  const Instant before = runtime::monotonic_now();
  core_->step(Event{stamp_, std::move(body)}, effects_);
  step_ns_.fetch_add(static_cast<std::uint64_t>((runtime::monotonic_now() - before).ns),
                     std::memory_order_relaxed);
  steps_.fetch_add(1, std::memory_order_relaxed);
  write_notes();
  for (Effect& effect : effects_.list) perform(effect);
  for (Change& change : effects_.changes) {
    change.sequence += sequence_base();
    changes_.push_back(std::move(change));
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
    sinks_.abdicate(abdicate->reason);
  }
}

void CoreRunner::persist(Persist& persist) {
  std::vector<std::string> batch;
  batch.push_back(codec::encode_registry_command(persist.command));
  store_->append(std::move(batch), [this, id = persist.id, after = std::move(persist.after)](
                                       const runtime::WriteResult& result) mutable {
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
        sinks_.abdicate("registry: " + result.status.error().message);
        return;
    }
    hand_over();
  });
}

void CoreRunner::hand_over() {
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

void CoreRunner::write_notes() {
  for (const Note& note : effects_.notes) {
    const runtime::LogLevel level = level_of(note.level);
    if (!runtime::log_enabled(level)) continue;
    std::string text = note.code;
    for (const auto& [key, value] : note.fields) {
      text += runtime::render_log_line("", {{key, value}});
    }
    runtime::log(level, text);
  }
}

}  // namespace bourse::master
