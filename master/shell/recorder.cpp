#include "master/shell/recorder.hpp"

#include <algorithm>
#include <chrono>

#include "base/overloaded.hpp"
#include "model/limits.hpp"
#include "runtime/log.hpp"

namespace bourse::master {

namespace {

// What a killed master has not written down is at most so old.
constexpr std::chrono::milliseconds kWriteEvery{50};
// Woken earlier when so much waits.
constexpr std::size_t kWakeItems = 4'000;
// Written out in pieces of about this size.
constexpr std::size_t kWriteBytes = 1u << 20;
constexpr std::size_t kLeastSegmentBytes = 64u << 10;
constexpr std::size_t kMostSegmentBytes = 64u << 20;
constexpr std::uint64_t kSegmentsInRing = 8;

// Working out a fingerprint costs a fraction of an event for each row: so rarely it costs nothing.
constexpr std::uint64_t kLeastMarkEvents = 100;
constexpr std::uint64_t kMarkEventsPerRow = 8;
// And in a large cluster it would hold the core up for too long at once.
constexpr std::uint64_t kMostMarkedRows = 100'000;

// About what an event holds in memory.
struct Weigh {
  static std::size_t of(const TaskFacet& task) { return 600 + task.description.bytes().size(); }

  std::size_t operator()(const FromAgent& in) const {
    return std::visit(
        Overloaded{[](const to_master::Register& m) {
                     std::size_t sum = 2'000 + m.agent->description.bytes().size();
                     for (const auto& known : m.frameworks) {
                       sum += 600 + known.framework->description.bytes().size();
                     }
                     for (const auto& known : m.executors) {
                       sum += 600 + known.executor->description.bytes().size();
                     }
                     for (const auto& known : m.tasks) sum += 400 + of(*known.task);
                     return sum;
                   },
                   [](const to_master::StatusUpdate& m) {
                     return 500 + m.status->data.size() + m.status->message.size() +
                            m.status->extra.bytes().size();
                   },
                   [](const to_master::ExecutorMessage& m) { return 400 + m.data.size(); },
                   [](const auto&) { return std::size_t{400}; }},
        in.message.body);
  }
  std::size_t operator()(const FromFramework& in) const {
    const auto* call = std::get_if<SchedulerCall>(&in.message.body);
    if (call == nullptr) return 300;
    return std::visit(
        Overloaded{
            [](const call::Accept& c) {
              std::size_t sum = 400 + 80 * c.offer_ids.size();
              for (const OfferOperation& operation : c.operations) sum += of(operation);
              return sum;
            },
            [](const call::Subscribe& c) { return 1'000 + c.framework.description.bytes().size(); },
            [](const call::UpdateFramework& c) {
              return 1'000 + c.framework.description.bytes().size();
            },
            [](const call::Decline& c) { return 400 + 80 * c.offer_ids.size(); },
            [](const call::Reconcile& c) { return 400 + 160 * c.tasks.size(); },
            [](const call::Message& c) { return 400 + c.data.size(); },
            [](const call::Publish& c) { return 400 + c.content.size(); },
            [](const auto&) { return std::size_t{400}; }},
        call->body);
  }
  std::size_t operator()(const Lead& in) const {
    return 1'000 * (1 + in.registry.agents.size() + in.registry.frameworks.size()) +
           100 * in.registry.removed_frameworks.size();
  }
  template <typename Other>
  std::size_t operator()(const Other&) const {
    return 300;
  }

  static std::size_t of(const OfferOperation& operation) {
    const std::vector<TaskFacet>* tasks = nullptr;
    if (const auto* launch = std::get_if<LaunchOperation>(&operation.body)) tasks = &launch->tasks;
    if (const auto* group = std::get_if<LaunchGroupOperation>(&operation.body)) {
      tasks = &group->tasks;
    }
    std::size_t sum = 300;
    if (tasks == nullptr) return sum;
    for (const TaskFacet& task : *tasks) sum += of(task);
    return sum;
  }
};

std::size_t segment_bytes(std::uint64_t most_bytes) {
  return static_cast<std::size_t>(std::clamp<std::uint64_t>(most_bytes / kSegmentsInRing,
                                                            kLeastSegmentBytes, kMostSegmentBytes));
}

}  // namespace

Result<std::unique_ptr<Recorder>> Recorder::open(RecorderOptions options) {
  auto files = RecordingFiles::open(options.directory, options.most_bytes);
  if (!files.ok()) return Error{files.error().code, "--recorder: " + files.error().message};
  auto pid_file = runtime::PidFile::take(options.directory + "/recorder.pid");
  if (!pid_file.ok()) {
    return Error{pid_file.error().code, "--recorder: " + pid_file.error().message};
  }
  return std::unique_ptr<Recorder>(
      new Recorder(std::move(options), std::move(*files), std::move(*pid_file)));
}

Recorder::Recorder(RecorderOptions options, RecordingFiles files, runtime::PidFile pid_file)
    : options_(std::move(options)), pid_file_(std::move(pid_file)), files_(std::move(files)) {}

Recorder::~Recorder() {
  stop("the master was stopped");
}

void Recorder::begin(const MasterConfig& config) {
  run_ = files_.next_run();
  scribe_ = std::make_unique<Scribe>(
      config, ScribeOptions{options_.build, run_, segment_bytes(options_.most_bytes)});
  events_to_mark_ = kLeastMarkEvents;
  {
    const std::lock_guard lock(mutex_);
    stats_.running = true;
  }
  thread_ = std::thread([this] { run(); });
}

void Recorder::take(Event&& event) {
  if (dead_.load(std::memory_order_relaxed)) return;
  taken_bytes_ += std::visit(Weigh{}, event.body);
  taken_.emplace_back(std::move(event));
  if (events_to_mark_ > 0) --events_to_mark_;
}

void Recorder::flush(const MasterCore& core) {
  if (taken_.empty()) return;
  if (dead_.load(std::memory_order_relaxed)) return taken_.clear();
  if (events_to_mark_ == 0) {
    const MasterState& s = core.state();
    const std::uint64_t rows =
        s.agents.size() + s.frameworks.size() + s.tasks.size() + s.offers.size();
    if (rows <= kMostMarkedRows) taken_.emplace_back(Fingerprint{core.fingerprint()});
    events_to_mark_ = std::max(kLeastMarkEvents, kMarkEventsPerRow * rows);
  }
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    const std::size_t before = queue_.size();
    if (queue_bytes_ + taken_bytes_ > limits::kRecorderQueueBytes) {
      // Whoever reads the recording finds an end, not a gap.
      stopping_ = true;
      stop_reason_ = "the recorder could not follow the master: more than " +
                     std::to_string(limits::kRecorderQueueBytes >> 20) +
                     " MB of events were waiting";
      dead_.store(true);
      wake = true;
    } else {
      std::move(taken_.begin(), taken_.end(), std::back_inserter(queue_));
      queue_bytes_ += taken_bytes_;
      wake = before == 0 || (before < kWakeItems && queue_.size() >= kWakeItems);
    }
  }
  taken_.clear();
  taken_bytes_ = 0;
  if (wake) wake_.notify_one();
}

void Recorder::stop(const std::string& reason) {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    if (!stopping_) stop_reason_ = reason;
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

RecorderStats Recorder::stats() const {
  const std::lock_guard lock(mutex_);
  RecorderStats out = stats_;
  out.waiting = queue_.size();
  return out;
}

void Recorder::run() {
  std::vector<Item> items;
  bool last = false;
  while (!last) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      // What comes together is written together.
      wake_.wait_for(lock, kWriteEvery,
                     [this] { return stopping_ || queue_.size() >= kWakeItems; });
      items.swap(queue_);
      queue_bytes_ = 0;
      last = stopping_;
    }
    work_off(items);
    items.clear();
  }
  std::string reason;
  bool fell_behind = false;
  {
    const std::lock_guard lock(mutex_);
    reason = stop_reason_;
    fell_behind = dead_.load() && stats_.running;
  }
  if (fell_behind) runtime::log_error("recording stopped", {{"reason", reason}});
  end_scribe(reason);
}

void Recorder::work_off(std::vector<Item>& items) {
  if (scribe_ == nullptr) return;
  for (Item& item : items) {
    const Status worked = work_off(item);
    if (!worked.ok()) return fail(worked.error().message);
  }
  const Status written = write_out();
  if (!written.ok()) fail(written.error().message);
}

Status Recorder::work_off(Item& item) {
  if (const auto* fingerprint = std::get_if<Fingerprint>(&item)) {
    const Status equal = scribe_->mark(fingerprint->value);
    if (!equal.ok()) return equal;
    const std::lock_guard lock(mutex_);
    ++stats_.marks;
    return {};
  }
  Event& event = std::get<Event>(item);
  pending_bytes_ += std::visit(Weigh{}, event.body);
  if (const Status taken = scribe_->take(event); !taken.ok()) return taken;
  event = Event{};  // its memory is free before the rest of a large batch is done
  return pending_bytes_ < kWriteBytes ? Status() : write_out();
}

Status Recorder::write_out() {
  pending_bytes_ = 0;
  for (const Piece& piece : scribe_->drain()) {
    if (const Status written = files_.write(run_, piece); !written.ok()) {
      gap_ = true;
      return written;
    }
  }
  const std::lock_guard lock(mutex_);
  stats_.events = scribe_->sequence();
  stats_.bytes = files_.bytes();
  stats_.segments = files_.segments();
  return {};
}

// The master goes on without.
void Recorder::fail(const std::string& reason) {
  runtime::log_error("recording stopped", {{"reason", reason}});
  dead_.store(true);
  end_scribe(reason);
}

void Recorder::end_scribe(const std::string& reason) {
  if (scribe_ != nullptr && !gap_) {
    scribe_->end(reason);
    (void)write_out();  // where that fails the recording just ends
  }
  scribe_.reset();
  const std::lock_guard lock(mutex_);
  stats_.running = false;
}

}  // namespace bourse::master
