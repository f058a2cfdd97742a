// The three stages in their own threads, on real batch streams, driven as the scheduler drives
// them; only agents and master are missing.
#include <catch2/catch.hpp>
#include <chrono>
#include <condition_variable>
#include <thread>

#include "examples/crawler/check/check.hpp"
#include "examples/crawler/scheduler/conductor.hpp"
#include "examples/crawler/shopweb/server.hpp"
#include "examples/crawler/shopweb/site.hpp"
#include "examples/crawler/stages/extract_stage.hpp"
#include "examples/crawler/stages/fetch_stage.hpp"
#include "examples/crawler/stages/limits.hpp"
#include "examples/crawler/stages/store_stage.hpp"
#include "runtime/clock.hpp"
#include "tests/unit/examples/crawler/scratch.hpp"

using namespace bourse;
using namespace bourse::crawler;

namespace {

// A worker as the batch executor runs one: a loop in a thread, a stream, a stage.
class Hosted {
 public:
  explicit Hosted(Stage stage) {
    thread_ = std::thread([this, stage] { run(stage); });
    std::unique_lock lock(mutex_);
    started_.wait(lock, [this] { return !endpoint_.empty(); });
  }
  ~Hosted() { end(); }
  void end() {
    loop_.stop();
    if (thread_.joinable()) thread_.join();
  }
  const std::string& endpoint() const { return endpoint_; }

 private:
  void run(Stage stage) {
    std::unique_ptr<batch::WorkHandler> handler;
    batch::StreamLimits limits = fetch_limits();
    if (stage == Stage::fetch) handler = std::make_unique<FetchStage>(loop_);
    if (stage == Stage::extract) {
      handler = std::make_unique<ExtractStage>(loop_);
      limits = extract_limits();
    }
    if (stage == Stage::store) {
      handler = std::make_unique<StoreStage>(loop_, "store-1");
      limits = store_limits();
    }
    batch::BatchServerHandlers handlers;
    handlers.on_item = [&](batch::WorkHandle work, std::string_view payload) {
      handler->on_item(std::move(work), payload);
    };
    handlers.on_cancel = [&](std::uint64_t client, std::uint64_t id) {
      handler->on_cancel(client, id);
    };
    auto server =
        batch::BatchServer::listen(loop_, "tcp://127.0.0.1:0", limits, std::move(handlers));
    {
      const std::lock_guard lock(mutex_);
      endpoint_ = server.ok() ? server.value()->endpoint() : "failed";
    }
    started_.notify_all();
    loop_.run();
    server.value().reset();
  }

  std::mutex mutex_;
  std::condition_variable started_;
  std::string endpoint_;
  runtime::Loop loop_;
  std::thread thread_;
};

// The crew waits before it replaces a failed worker; these tests do not.
constexpr Duration kPastAnyBackOff = Duration::seconds(10);

// Scheduler without a cluster: frontier and dispatch, workers added by hand.
class Bench {
 public:
  explicit Bench(shopweb::WebConfig config, bool warc = false) : site(config), server(site) {
    REQUIRE(server.start(0, 1).ok());
    Configure base;
    base.hosts = site.hosts_lines();
    base.output = scratch.directory;
    base.shards = 2;
    base.in_flight = 64;
    base.warc = warc;
    FrontierLimits limits;
    limits.ignore_pacing = config.unthrottled;
    conductor = std::make_unique<Conductor>(
        loop, limits, base,
        ConductorHandlers{[](const Records&) {}, [](const FrontierNote&) {}, [] {}});
    frontier = &conductor->frontier();
    dispatch = &conductor->dispatch();
    for (const shopweb::Shop& shop : site.web().shops()) {
      conductor->step(Seed{"http://" + shop.host + "/"});
    }
  }

  std::string add(Stage stage) {
    const sdk::Plan plan =
        crew.place(wanted(stage), {everything()}, runtime::monotonic_now() + kPastAnyBackOff);
    REQUIRE(plan.placements.size() == 1);
    const std::string id = plan.placements[0].tasks[0].id;
    hosted[id] = std::make_unique<Hosted>(stage);
    sdk::TaskUpdate update;
    update.task_id = id;
    update.state = sdk::TaskState::running;
    update.data = hosted[id]->endpoint();
    crew.on_update(update, runtime::monotonic_now());
    dispatch->follow(crew, stages);
    return id;
  }
  void kill(const std::string& id) {
    hosted.erase(id);
    sdk::TaskUpdate update;
    update.task_id = id;
    update.state = sdk::TaskState::failed;
    crew.on_update(update, runtime::monotonic_now());
    dispatch->follow(crew, stages);
  }
  // Runs until `done` or the deadline.
  template <typename Done>
  bool run_until(Done done, int seconds = 40) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
    while (!done()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      conductor->pump();
      loop.run_for(Duration::milliseconds(2));
    }
    return true;
  }
  CheckResult check() const {
    std::vector<Item> items;
    for (const char* name : {"/items-0.sqlite", "/items-1.sqlite"}) {
      const auto some = read_items(scratch.directory + name);
      if (some.ok()) items.insert(items.end(), some->begin(), some->end());
    }
    return check_items(*parse_truth(site.truth_lines()), items);
  }
  std::string state() const {
    const FrontierStats& stats = frontier->stats();
    std::string out = "items " + std::to_string(stats.items) + " fetching " +
                      std::to_string(stats.fetching) + " reading " + std::to_string(stats.reading) +
                      " queued " + std::to_string(stats.queued) + " room " +
                      std::to_string(dispatch->room());
    for (const Stage stage : kStages) {
      const Dispatch::StageSum sum = dispatch->sum(stage);
      out += std::string("; ") + name_of(stage) + " queue " + std::to_string(sum.queue) +
             " in flight " + std::to_string(sum.in_flight) + " done " + std::to_string(sum.done);
    }
    return out;
  }
  void pause(Stage stage, bool paused) {
    stages[static_cast<std::size_t>(stage)].paused = paused;
    dispatch->follow(crew, stages);
  }

  Scratch scratch;
  shopweb::Site site;
  shopweb::Server server;
  runtime::Loop loop;
  Crew crew{"worker", "1"};
  StageTable stages{};
  std::map<std::string, std::unique_ptr<Hosted>> hosted;
  std::unique_ptr<Conductor> conductor;
  Frontier* frontier = nullptr;
  Dispatch* dispatch = nullptr;

 private:
  // As many of each stage as there are, and one more of this one.
  StageTable wanted(Stage stage) const {
    StageTable table{};
    for (const Stage one : kStages) table[static_cast<std::size_t>(one)].workers = 0;
    for (const auto& [id, worker] : crew.workers()) {
      ++table[static_cast<std::size_t>(worker.stage)].workers;
    }
    ++table[static_cast<std::size_t>(stage)].workers;
    return table;
  }
  static sdk::Offer everything() {
    sdk::Offer offer;
    offer.id = "o";
    offer.agent_id = "a";
    offer.resources = {64'000, 64'000, 64'000, 0, {{31'000, 32'000}}, {}};
    return offer;
  }
};

shopweb::WebConfig fast_web() {
  shopweb::WebConfig config;
  config.shops = 6;
  config.items = 40;
  config.unthrottled = true;
  return config;
}

}  // namespace

TEST_CASE("pages flow from stage to stage and every item is stored exactly once") {
  Bench bench(fast_web(), true);
  bench.add(Stage::fetch);
  CHECK(bench.dispatch->room() == 0);  // nothing is fetched that nobody could read
  bench.add(Stage::extract);
  bench.add(Stage::extract);
  bench.add(Stage::store);
  REQUIRE(bench.run_until([&] { return bench.frontier->finished(); }));
  const CheckResult check = bench.check();
  INFO((check.examples.empty() ? "" : check.examples[0]));
  CHECK(check.items_expected == 240);
  CHECK(check.exact());
  CHECK(std::filesystem::file_size(bench.scratch.path("pages-store-1.warc.gz")) > 100'000);
  // Loads are reported now and then: the last counts come a little after the last page.
  CHECK(bench.run_until(
      [&] { return bench.dispatch->sum(Stage::extract).done >= bench.frontier->stats().pages; }));
}

TEST_CASE("pacing holds across fetch workers") {
  shopweb::WebConfig config;
  config.shops = 4;
  config.items = 6;
  Bench bench(config);
  for (const Stage stage :
       {Stage::fetch, Stage::fetch, Stage::fetch, Stage::extract, Stage::store}) {
    bench.add(stage);
  }
  REQUIRE(bench.run_until([&] { return bench.frontier->finished(); }));
  CHECK(bench.check().exact());
  CHECK(bench.site.totals().violations() == 0);
}

TEST_CASE("a paused stage stops the flow upstream and loses nothing") {
  shopweb::WebConfig web = fast_web();
  web.items = 120;
  Bench bench(web);
  bench.add(Stage::fetch);
  bench.add(Stage::extract);
  bench.add(Stage::store);
  REQUIRE(bench.run_until([&] { return bench.frontier->stats().items > 20; }));
  bench.pause(Stage::store, true);
  // Everything fills up, from the store back to the orders, and there the crawl stands.
  const bool full = bench.run_until([&] {
    return bench.dispatch->room() == 0 && bench.frontier->stats().fetching == 0 &&
           bench.dispatch->sum(Stage::store).queue == bench.frontier->stats().reading;
  });
  INFO(bench.state());
  REQUIRE(full);
  // No more pages are under way than twice what the fetch worker may have out at once.
  CHECK(bench.frontier->stats().reading <= 128);
  const std::uint64_t items = bench.frontier->stats().items;
  bench.run_until([] { return false; }, 1);
  CHECK(bench.frontier->stats().items == items);
  CHECK_FALSE(bench.frontier->finished());
  bench.pause(Stage::store, false);
  REQUIRE(bench.run_until([&] { return bench.frontier->finished(); }));
  CHECK(bench.check().exact());
}

TEST_CASE("a worker that dies at any stage costs work, not items") {
  shopweb::WebConfig web = fast_web();
  web.items = 120;
  Bench bench(web);
  std::map<Stage, std::string> ids;
  for (const Stage stage : kStages) ids[stage] = bench.add(stage);
  for (const Stage stage : {Stage::extract, Stage::fetch, Stage::store}) {
    const std::uint64_t before = bench.frontier->stats().items;
    INFO("before the end of a worker of " << name_of(stage) << ": " << bench.state());
    const bool moved =
        bench.run_until([&] { return bench.frontier->stats().items > before + 25; }, 15);
    INFO("then: " << bench.state());
    REQUIRE(moved);
    bench.kill(ids[stage]);
    // Nothing more is sent while a stage has nobody; what was out comes to rest.
    CHECK(bench.dispatch->room() == 0);
    const bool rests = bench.run_until([&] { return bench.frontier->stats().fetching == 0; }, 15);
    INFO("after its end: " << bench.state());
    REQUIRE(rests);
    ids[stage] = bench.add(stage);
  }
  REQUIRE(bench.run_until([&] { return bench.frontier->finished(); }));
  const CheckResult check = bench.check();
  INFO((check.examples.empty() ? "" : check.examples[0]));
  CHECK(check.exact());
  CHECK(bench.frontier->stats().attempts[static_cast<std::size_t>(Outcome::lost)] > 0);
}

TEST_CASE("work that comes before the first Configure waits for it") {
  runtime::Loop loop;
  const Scratch scratch;
  StoreStage store(loop, "early");
  StoreWork work;
  work.item = Item{"a.test", "S", "N", 100, "EUR", Stock::in_stock, "i", "u"};
  store.on_item(batch::WorkHandle(), encode(work));
  loop.run_for(Duration::milliseconds(100));
  Configure configure;
  configure.output = scratch.directory;
  store.on_item(batch::WorkHandle(), encode(configure));
  const std::string path = scratch.path("items-0.sqlite");
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!read_items(path).ok() && std::chrono::steady_clock::now() < deadline) {
    loop.run_for(Duration::milliseconds(20));
  }
  const auto items = read_items(path);
  REQUIRE(items.ok());
  CHECK(items->size() == 1);
}
