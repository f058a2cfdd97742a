#include "examples/crawler/scheduler/crawl.hpp"

#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <deque>
#include <fstream>

#include "bourse/scheduler.hpp"
#include "examples/crawler/frontier/journal.hpp"
#include "examples/crawler/scheduler/conductor.hpp"
#include "examples/crawler/scheduler/control_api.hpp"
#include "examples/crawler/scheduler/crew.hpp"
#include "examples/crawler/scheduler/report.hpp"
#include "examples/crawler/scheduler/scaler.hpp"
#include "runtime/clock.hpp"
#include "runtime/daemon.hpp"
#include "runtime/loop.hpp"

namespace bourse::crawler {
namespace {

constexpr Duration kCommitEvery = Duration::milliseconds(50);
constexpr Duration kLookEvery = Duration::seconds(1);
constexpr std::int64_t kFailoverMs = 60'000;
constexpr const char* kUiLabel = "bourse.ui";

// The cluster's callbacks, each posted to the crawl's loop.
class Cluster final : public sdk::Scheduler {
 public:
  struct Handlers {
    std::function<void(std::string framework_id)> on_registered;
    std::function<void(std::vector<sdk::Offer>)> on_offers;
    std::function<void(sdk::TaskUpdate)> on_update;
    std::function<void(std::string)> on_error;
  };
  Cluster(runtime::LoopRef loop, Handlers handlers)
      : loop_(std::move(loop)), handlers_(std::move(handlers)) {}

  void on_registered(sdk::SchedulerDriver&, const std::string& id, bool) override {
    loop_.post([this, id] { handlers_.on_registered(id); });
  }
  void on_offers(sdk::SchedulerDriver&, const std::vector<sdk::Offer>& offers) override {
    loop_.post([this, offers] { handlers_.on_offers(offers); });
  }
  void on_update(sdk::SchedulerDriver&, const sdk::TaskUpdate& update) override {
    loop_.post([this, update] { handlers_.on_update(update); });
  }
  void on_error(sdk::SchedulerDriver&, const std::string& message) override {
    loop_.post([this, message] { handlers_.on_error(message); });
  }

 private:
  runtime::LoopRef loop_;
  Handlers handlers_;
};

std::string read_text(const std::string& path) {
  std::ifstream file(path);
  std::string text;
  std::getline(file, text);
  return text;
}

class Crawl {
 public:
  Crawl(const CrawlOptions& options, std::unique_ptr<Journal> journal)
      : options_(options),
        journal_(std::move(journal)),
        crew_(options.worker_program, std::to_string(runtime::wall_now().ns / 1'000'000'000)),
        stages_(options.stages),
        cluster_(loop_.ref(), {[this](std::string id) { on_registered(std::move(id)); },
                               [this](std::vector<sdk::Offer> offers) { on_offers(offers); },
                               [this](const sdk::TaskUpdate& update) { on_update(update); },
                               [this](const std::string& message) { on_error(message); }}),
        driver_(cluster_, driver_options()),
        conductor_(loop_, options.frontier, base_configure(),
                   {[this](const Records& records) { journal_->append(records); },
                    [](const FrontierNote& note) { print(note); }, [this] { pump_soon(); }}) {}

  Result<CrawlEnd> run();

 private:
  sdk::SchedulerOptions driver_options() const;
  Configure base_configure() const;

  // cluster
  void on_registered(std::string framework_id);
  void on_offers(const std::vector<sdk::Offer>& offers);
  void on_update(const sdk::TaskUpdate& update);
  void on_error(const std::string& message);
  void follow_crew();

  // frontier
  static void print(const FrontierNote& note);
  void pump();
  void pump_soon();
  void commit();

  // operators, once a second
  Status operate(const Operation& operation);
  void look();
  CrawlReport report() const;
  void publish(const CrawlReport& state);
  void end(CrawlEnd how);

  const CrawlOptions& options_;
  runtime::Loop loop_;
  std::unique_ptr<Journal> journal_;
  Crew crew_;
  StageTable stages_;
  std::array<Scaler, kStages.size()> scalers_;
  Reporter reporter_;
  Cluster cluster_;
  sdk::SchedulerDriver driver_;
  Conductor conductor_;
  std::unique_ptr<ControlApi> control_;
  Instant started_;
  runtime::Timer deadline_;
  bool pump_scheduled_ = false;
  bool paused_ = false;
  std::string last_unplaced_;
  std::optional<Result<CrawlEnd>> ended_;
};

sdk::SchedulerOptions Crawl::driver_options() const {
  sdk::SchedulerOptions out;
  out.master = options_.master;
  out.name = "crawler";
  out.role = options_.role;
  out.framework_id = read_text(options_.output + "/framework.id");
  out.failover_timeout_ms = kFailoverMs;
  out.labels.emplace_back(kUiLabel, "crawler");
  return out;
}

Configure Crawl::base_configure() const {
  Configure base;
  base.hosts = options_.hosts_text;
  base.in_flight = options_.in_flight;
  base.output = options_.output;
  base.shards = options_.shards;
  base.warc = options_.warc;
  return base;
}

Result<CrawlEnd> Crawl::run() {
  Result<Records> kept = journal_->load();
  if (!kept.ok()) return kept.error();
  started_ = runtime::monotonic_now();
  conductor_.frontier().restore(*kept, started_);
  for (const std::string& seed : options_.seeds) conductor_.step(Seed{seed});
  auto control = ControlApi::listen(
      loop_, [this](const Operation& operation) { return operate(operation); },
      [this] { return reporter_.document(report(), runtime::wall_now()); });
  if (!control.ok()) return control.error();
  control_ = std::move(control).value();
  if (!driver_.start()) return invalid("the cluster cannot be used: " + driver_.error());

  const auto commit_timer = loop_.every(kCommitEvery, [this] { commit(); });
  const auto look_timer = loop_.every(kLookEvery, [this] { look(); });
  const auto signals =
      loop_.on_signals({SIGINT, SIGTERM, SIGHUP}, [this](int) { end(CrawlEnd::interrupted); });
  pump_soon();
  loop_.run();

  commit();
  look();  // the last state, for whoever reads it after us
  // Tears the framework down; only a killed scheduler leaves its id behind for the next life.
  driver_.stop();
  driver_.join();
  std::remove((options_.output + "/framework.id").c_str());
  return *std::move(ended_);
}

void Crawl::end(CrawlEnd how) {
  if (!ended_) ended_ = how;
  loop_.stop();
}

// ---- cluster

void Crawl::on_registered(std::string framework_id) {
  // So that a next life takes over this framework, and with it the right to end its tasks.
  std::ofstream(options_.output + "/framework.id") << framework_id << "\n";
  publish(report());  // operators find the crawl by it, from its first moment
}

void Crawl::on_offers(const std::vector<sdk::Offer>& offers) {
  const Instant now = runtime::monotonic_now();
  const sdk::Plan plan = crew_.place(stages_, offers, now);
  for (const sdk::Placement& placement : plan.placements) {
    driver_.launch(placement.offer_ids, placement.tasks);
  }
  if (!plan.unused_offer_ids.empty()) driver_.decline(plan.unused_offer_ids);
  const std::string unplaced =
      crew_.unplaced().empty() ? std::string() : crew_.unplaced().front().reason;
  if (unplaced != last_unplaced_ && !unplaced.empty()) {
    std::fprintf(stderr, "crawler: %zu workers find no place: %s\n", crew_.unplaced().size(),
                 unplaced.c_str());
  }
  last_unplaced_ = unplaced;
}

void Crawl::on_update(const sdk::TaskUpdate& update) {
  const Crew::Change change = crew_.on_update(update, runtime::monotonic_now());
  switch (change.kind) {
    case Crew::Change::Kind::none:
      return;
    case Crew::Change::Kind::stranger:
      driver_.kill(change.task_id);
      return;
    case Crew::Change::Kind::down:
      if (update.state != sdk::TaskState::killed) {
        std::fprintf(stderr, "crawler: worker %s ended: %s %s\n", update.task_id.c_str(),
                     sdk::name_of(update.state), update.message.c_str());
      }
      break;
    case Crew::Change::Kind::up:
      break;
  }
  follow_crew();
}

void Crawl::on_error(const std::string& message) {
  std::fprintf(stderr, "crawler: %s\n", message.c_str());
  // The driver ends by itself when the master has ended the framework; then there is no crawl.
  if (driver_.error().empty() || ended_) return;
  std::remove((options_.output + "/framework.id").c_str());
  ended_ = Result<CrawlEnd>(
      Error{ErrorCode::unavailable, "the master ended the framework: " + message +
                                        "; run again with the same --output to continue"});
  loop_.stop();
}

void Crawl::follow_crew() {
  conductor_.dispatch().follow(crew_, stages_);
  pump_soon();
}

// ---- frontier

void Crawl::print(const FrontierNote& note) {
  if (note.code == "host_open") return;
  std::fprintf(stderr, "crawler: %s %s %s\n", note.code.c_str(), note.host.c_str(),
               note.detail.c_str());
}

// Tells the frontier how much room there is, and arms the timer for when it wants to be called.
void Crawl::pump() {
  conductor_.pump();
  if (conductor_.frontier().finished()) {
    end(CrawlEnd::finished);
    return;
  }
  const Instant at = conductor_.frontier().next_deadline();
  if (at == Instant::max()) {
    deadline_.cancel();
    return;
  }
  const Duration wait = std::max(at - runtime::monotonic_now(), Duration{});
  deadline_ = loop_.after(wait, [this] { pump(); });
}

void Crawl::pump_soon() {
  if (pump_scheduled_) return;
  pump_scheduled_ = true;
  loop_.post([this] {
    pump_scheduled_ = false;
    pump();
  });
}

void Crawl::commit() {
  const Status status = journal_->commit();
  if (status.ok()) return;
  // The group is kept and tried again; what is fetched meanwhile may be fetched twice, not lost.
  std::fprintf(stderr, "crawler: the journal cannot be written: %s\n",
               status.error().message.c_str());
}

// ---- operators

Status Crawl::operate(const Operation& operation) {
  const auto settings = [this](Stage stage) -> StageSettings& {
    return stages_[static_cast<std::size_t>(stage)];
  };
  if (const auto* pause = std::get_if<PauseStage>(&operation)) {
    settings(pause->stage).paused = pause->paused;
    if (pause->stage == Stage::fetch) conductor_.step(SetPaused{pause->paused || paused_});
  } else if (const auto* all = std::get_if<PauseCrawl>(&operation)) {
    paused_ = all->paused;
    conductor_.step(SetPaused{paused_ || settings(Stage::fetch).paused});
  } else if (const auto* scale = std::get_if<ScaleStage>(&operation)) {
    settings(scale->stage).workers = scale->workers;
    settings(scale->stage).scales_itself = false;
  } else if (const auto* automatic = std::get_if<AutoScaleStage>(&operation)) {
    settings(automatic->stage).scales_itself = true;
  } else if (const auto* rate = std::get_if<ChangeRate>(&operation)) {
    if (!conductor_.frontier().knows_host(rate->host)) {
      return Error{ErrorCode::not_found, "host: the crawl has no \"" + rate->host + "\""};
    }
    conductor_.step(SetHostPace{rate->host, rate->pace});
  } else if (const auto* drain = std::get_if<DrainHost>(&operation)) {
    if (!conductor_.frontier().knows_host(drain->host)) {
      return Error{ErrorCode::not_found, "host: the crawl has no \"" + drain->host + "\""};
    }
    conductor_.step(SetHostDrained{drain->host, drain->drained});
  }
  crew_.dismiss_surplus(stages_);
  if (crew_.wants_offers(stages_, runtime::monotonic_now())) driver_.revive();
  follow_crew();
  return {};
}

CrawlReport Crawl::report() const {
  CrawlReport report;
  report.state = conductor_.frontier().finished() ? "done" : paused_ ? "paused" : "running";
  report.elapsed = runtime::monotonic_now() - started_;
  report.items_expected = options_.items_expected;
  report.stats = conductor_.frontier().stats();
  report.hosts = conductor_.frontier().hosts();
  for (const Stage stage : kStages) {
    const auto i = static_cast<std::size_t>(stage);
    const Dispatch::StageSum sum = conductor_.dispatch().sum(stage);
    report.stages[i] = {crew_.running(stage),
                        stages_[i].workers,
                        sum.queue,
                        sum.in_flight,
                        sum.done,
                        sum.failed,
                        stages_[i].paused,
                        sum.trouble.empty() ? crew_.trouble(stage) : sum.trouble};
  }
  report.stages[0].queue += report.stats.queued;
  report.control = control_ == nullptr ? std::string() : control_->address();
  return report;
}

void Crawl::publish(const CrawlReport& state) {
  driver_.publish("stats.json", reporter_.document(state, runtime::wall_now()));
}

// Once a second: rates, the published document, the number of workers.
void Crawl::look() {
  const Instant now = runtime::monotonic_now();
  const CrawlReport state = report();
  reporter_.look(state, now);
  publish(state);
  if (options_.progress_json) {
    std::printf("%s\n", reporter_.progress_line(state).c_str());
    std::fflush(stdout);
  }
  for (const Stage stage : kStages) {
    const auto i = static_cast<std::size_t>(stage);
    // Orders of the frontier wait for their hosts' turn, not for a worker.
    const std::uint64_t queue =
        stage == Stage::fetch ? conductor_.dispatch().sum(stage).queue : state.stages[i].queue;
    stages_[i].workers =
        scalers_[i].look(stages_[i], queue, state.stages[i].in_flight, reporter_.stage_rate(stage));
  }
  if (!crew_.dismiss_surplus(stages_).empty()) follow_crew();
  for (const auto& [task_id, worker] : crew_.workers()) {
    if (worker.state == WorkerState::leaving && conductor_.dispatch().is_idle(task_id))
      driver_.kill(task_id);
  }
  if (crew_.wants_offers(stages_, now)) driver_.revive();
}

}  // namespace

Result<CrawlEnd> run_crawl(const CrawlOptions& options) {
  if (const Status status = runtime::make_directories(options.output); !status.ok()) {
    return status.error();
  }
  Result<std::unique_ptr<Journal>> journal = Journal::open(options.output + "/journal.sqlite");
  if (!journal.ok()) return journal.error();
  return Crawl(options, std::move(journal).value()).run();
}

}  // namespace bourse::crawler
