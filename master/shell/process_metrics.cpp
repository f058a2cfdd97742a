#include "master/shell/process_metrics.hpp"

#include "runtime/clock.hpp"
#include "runtime/machine_load.hpp"

namespace bourse::master {

ProcessMetrics::ProcessMetrics(Instant started, const CoreRunner& core, const LinkServer& links,
                               const SchedulerApi& schedulers, const Recorder* recorder)
    : started_(started), core_(core), links_(links), schedulers_(schedulers), recorder_(recorder) {}

void ProcessMetrics::sample() {
  huge_pages_.on_resident_bytes(runtime::resident_bytes());
  const LinkStats now = links_.stats();
  const std::lock_guard lock(mutex_);
  link_stats_ = now;
  scheduler_stats_ = schedulers_.stats();
}

Metrics ProcessMetrics::read() const {
  Metrics out;
  const auto number = [&](const char* name, auto value) {
    out.emplace_back(name, static_cast<double>(value));
  };
  number("master/uptime_secs",
         static_cast<double>((runtime::monotonic_now() - started_).ms()) / 1e3);
  number("master/event_queue_messages", core_.queued_events());
  number("allocator/mesos/allocation_runs", core_.allocation_runs());
  core_.messages().read(out);
  number("bourse/master/core_steps", core_.steps());
  number("bourse/master/core_busy_secs", static_cast<double>(core_.step_ns()) / 1e9);
  number("bourse/master/resident_bytes", runtime::resident_bytes());
  number("bourse/master/huge_page_bytes", huge_pages_.bytes());
  {
    const std::lock_guard lock(mutex_);
    number("bourse/link/frames_in", link_stats_.frames_in);
    number("bourse/link/frames_out", link_stats_.frames_out);
    number("bourse/link/frames_refused", link_stats_.frames_refused);
    number("bourse/link/peers_refused", link_stats_.peers_refused);
    number("bourse/link/times_paused", link_stats_.times_paused);
    number("bourse/link/peers", link_stats_.peers);
    number("bourse/link/peers_held", link_stats_.peers_held);
    number("bourse/link/peers_flooding", link_stats_.peers_flooding);
    number("bourse/link/peers_unread", link_stats_.peers_unread);
    number("bourse/link/inbox_bytes", link_stats_.inbox_bytes);
    number("bourse/link/gateways", link_stats_.gateways);
    number("bourse/link/peers_behind_gateways", link_stats_.peers_behind_gateways);
    number("bourse/http_schedulers/streams", scheduler_stats_.streams);
    number("bourse/http_schedulers/streams_unread", scheduler_stats_.streams_unread);
    number("bourse/http_schedulers/calls", scheduler_stats_.calls);
    number("bourse/http_schedulers/calls_refused", scheduler_stats_.calls_refused);
    number("bourse/http_schedulers/calls_limited", scheduler_stats_.calls_limited);
    number("bourse/http_schedulers/events", scheduler_stats_.events);
  }
  if (recorder_ != nullptr) {
    const RecorderStats stats = recorder_->stats();
    number("bourse/recorder/running", stats.running ? 1 : 0);
    number("bourse/recorder/events", stats.events);
    number("bourse/recorder/events_waiting", stats.waiting);
    number("bourse/recorder/bytes", stats.bytes);
    number("bourse/recorder/segments", stats.segments);
    number("bourse/recorder/fingerprints_equal", stats.marks);
  }
  for (auto& metric : runtime::machine_load()) out.push_back(std::move(metric));
  return out;
}

}  // namespace bourse::master
