#include "examples/crawler/scheduler/crew.hpp"

#include <catch2/catch.hpp>

#include "examples/crawler/scheduler/operation.hpp"
#include "examples/crawler/scheduler/scaler.hpp"

using namespace bourse;
using namespace bourse::crawler;

namespace {

StageTable two_of_each() {
  StageTable stages{};
  for (StageSettings& one : stages) one.workers = 2;
  return stages;
}

sdk::Offer offer_of(const std::string& agent, std::int64_t cpu_milli) {
  sdk::Offer offer;
  offer.id = "offer-" + agent;
  offer.agent_id = agent;
  offer.resources.cpu_milli = cpu_milli;
  offer.resources.memory_mb = 8'000;
  offer.resources.disk_mb = 8'000;
  offer.resources.ports = {{31'000, 31'099}};
  return offer;
}

sdk::TaskUpdate update_of(const std::string& task, sdk::TaskState state, std::string data = "") {
  sdk::TaskUpdate update;
  update.task_id = task;
  update.state = state;
  update.data = std::move(data);
  return update;
}

std::size_t placed(const sdk::Plan& plan) {
  std::size_t count = 0;
  for (const auto& placement : plan.placements) count += placement.tasks.size();
  return count;
}

}  // namespace

TEST_CASE("one worker of each stage is placed before a second of any") {
  Crew crew("/bin/worker", "1");
  const Instant now{1};
  // Room for three workers of half a cpu and their executors only.
  const sdk::Plan plan = crew.place(two_of_each(), {offer_of("a", 1'600)}, now);
  REQUIRE(placed(plan) == 3);
  std::set<std::string> stages;
  for (const sdk::TaskSpec& task : plan.placements[0].tasks) {
    stages.insert(task.name);
    REQUIRE(task.executor.has_value());
    CHECK(task.executor->command.arguments == std::vector<std::string>{"/bin/worker", task.name});
    CHECK(task.resources.ports.size() == 1);
  }
  CHECK(stages == std::set<std::string>{"extract", "fetch", "store"});
  CHECK(crew.unplaced().size() == 3);
  CHECK(crew.wants_offers(two_of_each(), now));
  CHECK(placed(crew.place(two_of_each(), {offer_of("b", 8'000)}, now)) == 3);
  CHECK_FALSE(crew.wants_offers(two_of_each(), now));
}

TEST_CASE("a worker counts from its RUNNING with an endpoint until its end, then it is replaced") {
  Crew crew("/bin/worker", "1");
  Instant now{1};
  StageTable stages{};
  const sdk::Plan plan = crew.place(stages, {offer_of("a", 8'000)}, now);
  REQUIRE(placed(plan) == 3);
  const std::string task = plan.placements[0].tasks[0].id;
  CHECK(crew.on_update(update_of(task, sdk::TaskState::starting), now).kind ==
        Crew::Change::Kind::none);
  CHECK(crew.on_update(update_of(task, sdk::TaskState::running, "tcp://1:1"), now).kind ==
        Crew::Change::Kind::up);
  const Stage stage = crew.workers().at(task).stage;
  CHECK(crew.running(stage) == 1);
  sdk::TaskUpdate end = update_of(task, sdk::TaskState::failed);
  end.message = "cannot listen: Address already in use";
  CHECK(crew.on_update(end, now).kind == Crew::Change::Kind::down);
  // People read why on the crawler's page, until a worker runs again.
  CHECK(crew.trouble(stage) == "a worker ended: TASK_FAILED cannot listen: Address already in use");
  // Not at once, or a worker that cannot start would be launched without pause.
  CHECK_FALSE(crew.wants_offers(stages, now));
  now = now + Duration::seconds(2);
  CHECK(crew.wants_offers(stages, now));
  const sdk::Plan again = crew.place(stages, {offer_of("a", 8'000)}, now);
  REQUIRE(placed(again) == 1);
  crew.on_update(update_of(again.placements[0].tasks[0].id, sdk::TaskState::running, "tcp://1:2"),
                 now);
  CHECK(crew.trouble(stage).empty());
}

TEST_CASE("tasks of an earlier life are strangers to be ended") {
  Crew crew("/bin/worker", "2");
  CHECK(crew.on_update(update_of("crawl-fetch-1-0001", sdk::TaskState::running, "tcp://1:1"), {})
            .kind == Crew::Change::Kind::stranger);
  CHECK(crew.on_update(update_of("crawl-fetch-1-0001", sdk::TaskState::killed), {}).kind ==
        Crew::Change::Kind::none);
}

TEST_CASE("fewer wanted workers make the youngest leave, and peers no longer see them") {
  Crew crew("/bin/worker", "1");
  StageTable stages = two_of_each();
  const sdk::Plan plan = crew.place(stages, {offer_of("a", 8'000)}, {});
  int port = 1;
  for (const auto& placement : plan.placements) {
    for (const auto& task : placement.tasks) {
      crew.on_update(update_of(task.id, sdk::TaskState::running, "tcp://" + std::to_string(port++)),
                     {});
    }
  }
  CHECK(crew.endpoints(Stage::extract).size() == 2);
  stages[static_cast<std::size_t>(Stage::extract)].workers = 1;
  const auto dismissed = crew.dismiss_surplus(stages);
  REQUIRE(dismissed.size() == 1);
  CHECK(crew.workers().at(dismissed[0]).state == WorkerState::leaving);
  CHECK(crew.endpoints(Stage::extract).size() == 1);
  CHECK(crew.dismiss_surplus(stages).empty());
}

TEST_CASE("a stage with a backlog grows by one, an idle one shrinks, a fixed or paused one stays") {
  Scaler scaler;
  StageSettings settings;
  settings.workers = 1;
  settings.most = 3;
  CHECK(scaler.look(settings, 500, 10, 100.0) == 1);  // once is no backlog yet
  CHECK(scaler.look(settings, 500, 10, 100.0) == 2);
  settings.workers = 3;
  for (int i = 0; i < 10; ++i) CHECK(scaler.look(settings, 500, 10, 100.0) == 3);
  std::uint32_t workers = 3;
  for (int i = 0; i < 25; ++i) workers = std::min(workers, scaler.look(settings, 0, 0, 0.0));
  CHECK(workers == 2);
  settings.paused = true;
  for (int i = 0; i < 50; ++i) CHECK(scaler.look(settings, 500, 10, 100.0) == 3);
  settings.paused = false;
  settings.scales_itself = false;
  for (int i = 0; i < 50; ++i) CHECK(scaler.look(settings, 500, 10, 100.0) == 3);
}

TEST_CASE("operations are read, and what makes no sense is refused with the field's name") {
  const auto pause = parse_operation(R"({"op":"pause","stage":"extract"})");
  REQUIRE(pause.ok());
  CHECK(std::get<PauseStage>(*pause).stage == Stage::extract);
  CHECK(std::get<PauseCrawl>(*parse_operation(R"({"op":"resume"})")).paused == false);
  const auto scale = parse_operation(R"({"op":"scale","stage":"fetch","workers":4})");
  CHECK(std::get<ScaleStage>(*scale).workers == 4);
  CHECK(std::holds_alternative<AutoScaleStage>(
      *parse_operation(R"({"op":"scale","stage":"fetch","workers":"auto"})")));
  const auto rate = parse_operation(R"({"op":"rate","host":"a.test","per_s":2.5})");
  CHECK(std::get<ChangeRate>(*rate).pace == Pace{2, Duration::milliseconds(800)});
  const auto slow = parse_operation(R"({"op":"rate","host":"a.test","per_s":0.1})");
  CHECK(std::get<ChangeRate>(*slow).pace == Pace{1, Duration::seconds(10)});
  CHECK(std::get<DrainHost>(*parse_operation(R"({"op":"drain","host":"a"})")).drained);
  for (const auto& [text, field] : std::vector<std::pair<std::string, std::string>>{
           {"", "JSON"},
           {"[]", "JSON"},
           {"{}", "op"},
           {R"({"op":"dance"})", "op"},
           {R"({"op":"pause","stage":"cook"})", "stage"},
           {R"({"op":"scale","stage":"fetch"})", "workers"},
           {R"({"op":"scale","stage":"fetch","workers":0})", "workers"},
           {R"({"op":"scale","stage":"fetch","workers":-1})", "workers"},
           {R"({"op":"rate","host":"a"})", "per_s"},
           {R"({"op":"rate","host":"a","per_s":-2})", "per_s"},
           {R"({"op":"rate","per_s":2})", "host"},
           {R"({"op":"drain","host":7})", "host"}}) {
    INFO(text);
    const auto operation = parse_operation(text);
    REQUIRE_FALSE(operation.ok());
    CHECK(operation.error().message.find(field) != std::string::npos);
  }
}
