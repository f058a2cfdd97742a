// What an agent lends and takes back: samples in, messages and kills out.
#include <catch2/catch.hpp>

#include "agent/core/plug_ins.hpp"
#include "agent/core/pressure_controller.hpp"
#include "agent/core/usage_estimator.hpp"
#include "tests/unit/agent/core/harness.hpp"

using namespace bourse;
using namespace bourse::agent;
using bourse::agent::test::World;

namespace {

Resources lent(const char* name, std::int64_t milli) {
  ResourceMeta meta;
  meta.revocable = true;
  return Resources({Resource::scalar(name, milli).with(meta)});
}

TaskFacetPtr lent_task(const char* id, std::int64_t cpu_milli) {
  TaskFacet facet = *World::task(id, "mem:64");
  facet.resources.add(lent("cpus", cpu_milli));
  return std::make_shared<const TaskFacet>(std::move(facet));
}

UsageSample::Use use_of(const char* id, const Resources& allocated, std::int64_t cpu_milli,
                        std::int64_t since_s = 0) {
  UsageSample::Use use;
  use.container_id = ContainerId(id);
  use.allocated = allocated;
  use.cpu_milli = cpu_milli;
  use.since = Instant{} + Duration::seconds(since_s);
  return use;
}

UsageSample sample_at(std::int64_t second, std::vector<UsageSample::Use> uses) {
  UsageSample out;
  out.at = Instant{} + Duration::seconds(second);
  out.total = Resources::parse("cpus:4;mem:1000").value();
  out.uses = std::move(uses);
  return out;
}

Parameters with(Parameters changes) {
  Parameters out = default_parameters();
  for (const auto& [name, value] : changes) out[name] = value;
  return out;
}

Parameters estimating(std::int64_t margin_permille = 0) {
  return with({{"usage-window", Duration::seconds(60).ns}, {"usage-margin", margin_permille}});
}

std::int64_t lent_cpus(const UsageEstimator& estimator, std::int64_t second) {
  return estimator.estimate(Instant{} + Duration::seconds(second)).at("cpus");
}

const Resources kFour = Resources::parse("cpus:4;mem:1000").value();

Parameters pressing() {
  return with({{"pressure-cpus", 900}, {"pressure-for", Duration::seconds(10).ns}});
}

// An agent that lends, with short times.
World lending_world() {
  World w("cpus:4;mem:4096");
  w.config.oversubscription.estimator = "usage";
  w.config.oversubscription.controller = "pressure";
  w.config.oversubscription.sample_interval = Duration::seconds(1);
  w.config.oversubscription.report_interval = Duration::seconds(15);
  w.config.oversubscription.parameters = {{"usage-window", Duration::seconds(10).ns},
                                          {"usage-margin", 0},
                                          {"pressure-cpus", 900},
                                          {"pressure-for", Duration::seconds(3).ns}};
  return w;
}

// Seconds of life in which each container uses so much.
void live(World& w, std::map<std::string, std::int64_t> cpu_milli, int seconds) {
  static std::map<std::string, std::int64_t> counters;
  for (int i = 0; i < seconds; ++i) {
    UsageSampled sampled;
    for (const auto& [id, milli] : cpu_milli) {
      const auto executor = w.core->state().executors.find({FrameworkId("F"), ExecutorId(id)});
      if (executor == w.core->state().executors.end()) continue;
      const ContainerId container = executor->second.container_id;
      counters[container.raw()] += milli * 1'000'000;
      sampled.containers.push_back({container, counters[container.raw()], 10 << 20});
    }
    w.pass(Duration::seconds(1));
    w.step(std::move(sampled));
    // The master is heard of.
    if (w.core->state().link.registered) w.from_master(to_agent::AcknowledgeOperations{});
  }
}

}  // namespace

TEST_CASE("what is allocated and not used is lent without a margin, once a window has passed") {
  UsageEstimator estimator(estimating(100));
  for (int second = 0; second < 60; ++second) {
    estimator.look(sample_at(second, {use_of("a", kFour, 1'000)}));
    CHECK(lent_cpus(estimator, second) == 0);
  }
  estimator.look(sample_at(60, {use_of("a", kFour, 1'000)}));
  CHECK(lent_cpus(estimator, 60) == 2'600);  // 4 - 10 % of 4 - 1
  CHECK(estimator.estimate(Instant{} + Duration::seconds(60)).at("mem") == 0);
}

TEST_CASE("a peak within the percentile is not kept, one beyond it is until it leaves the window") {
  UsageEstimator estimator(with({{"usage-window", Duration::seconds(60).ns},
                                 {"usage-margin", 0},
                                 {"usage-percentile", 950}}));
  int second = 0;
  for (; second <= 100; ++second) {
    estimator.look(sample_at(second, {use_of("a", kFour, second == 50 ? 4'000 : 500)}));
  }
  CHECK(lent_cpus(estimator, second - 1) == 3'500);  // one slot of 60 is less than 5 %
  for (int i = 0; i < 4; ++i, ++second) {
    estimator.look(sample_at(second, {use_of("a", kFour, 3'000)}));
  }
  CHECK(lent_cpus(estimator, second - 1) == 1'000);
  for (int i = 0; i < 61; ++i, ++second) {
    estimator.look(sample_at(second, {use_of("a", kFour, 500)}));
  }
  CHECK(lent_cpus(estimator, second - 1) == 3'500);
}

TEST_CASE("a container that grows begins its history again, and one that ended lends nothing") {
  UsageEstimator estimator(estimating());
  const Resources two = Resources::parse("cpus:2").value();
  for (int second = 0; second <= 60; ++second) {
    estimator.look(sample_at(second, {use_of("a", two, 0), use_of("b", two, 0)}));
  }
  CHECK(lent_cpus(estimator, 60) == 4'000);
  estimator.look(sample_at(61, {use_of("a", kFour, 0), use_of("b", two, 0)}));
  CHECK(lent_cpus(estimator, 61) == 2'000);
  estimator.look(sample_at(62, {use_of("a", kFour, 0)}));
  CHECK(lent_cpus(estimator, 62) == 0);
}

TEST_CASE("what was lent is not lent again, and who uses too much uses what others leave") {
  UsageEstimator estimator(estimating());
  Resources mixed = Resources::parse("mem:100").value();
  mixed.add(lent("cpus", 3'000));
  const Resources two = Resources::parse("cpus:2").value();
  for (int second = 0; second <= 60; ++second) {
    estimator.look(
        sample_at(second, {use_of("a", two, 0), use_of("b", two, 3'000), use_of("c", mixed, 0)}));
  }
  CHECK(lent_cpus(estimator, 60) == 1'000);
}

TEST_CASE("memory is lent where the operator wants it") {
  UsageEstimator estimator(
      with({{"usage-window", Duration::seconds(1).ns}, {"usage-margin", 0}, {"usage-lends", 1}}));
  for (int second = 0; second <= 2; ++second) {
    UsageSample::Use use = use_of("a", kFour, 0);
    use.memory_milli = 250'500;
    estimator.look(sample_at(second, {use}));
  }
  CHECK(estimator.estimate(Instant{} + Duration::seconds(2)).at("mem") == 749'000);
}

TEST_CASE("pressure that lasts evicts the biggest user of what was lent, then the next") {
  PressureController controller(pressing());
  Resources some = lent("cpus", 1'000);
  const std::vector<UsageSample::Use> uses = {use_of("own", kFour, 3'000), use_of("x", some, 300),
                                              use_of("y", some, 400), use_of("z", some, 100)};
  for (int second = 0; second < 10; ++second) {
    CHECK(controller.look(sample_at(second, uses)).empty());
  }
  const auto first = controller.look(sample_at(10, uses));
  REQUIRE(first.size() == 1);
  CHECK(first[0].container_id == ContainerId("y"));
  CHECK(first[0].reason ==
        "3.8 of 4 cpus were used, at least 90 % for 10000 ms; this container on lent resources "
        "used 0.4 cpus and 0 MB");
  const std::vector<UsageSample::Use> rest = {use_of("own", kFour, 3'500), use_of("x", some, 300),
                                              use_of("z", some, 100)};
  for (int second = 11; second < 20; ++second) {
    CHECK(controller.look(sample_at(second, rest)).empty());
  }
  const auto second = controller.look(sample_at(20, rest));
  REQUIRE(second.size() == 1);
  CHECK(second[0].container_id == ContainerId("x"));
}

TEST_CASE("a gauge that wavers around its bound is past it, one that falls well below is not") {
  PressureController controller(pressing());
  const Resources some = lent("cpus", 1'000);
  const auto look = [&](std::int64_t second, std::int64_t own) {
    return controller.look(sample_at(second, {use_of("own", kFour, own), use_of("x", some, 100)}));
  };
  CHECK(look(0, 3'600).empty());
  CHECK(look(5, 3'200).empty());  // 82.5 %: not yet below 81 %
  CHECK(look(10, 3'400).size() == 1);
  CHECK(look(11, 3'600).empty());
  CHECK(look(15, 3'000).empty());  // 77.5 %: over
  CHECK(look(21, 3'600).empty());
  CHECK(look(30, 3'600).empty());
  CHECK(look(31, 3'600).size() == 1);
}

TEST_CASE("where nothing is lent there is nothing to evict") {
  PressureController controller(pressing());
  for (int second = 0; second < 100; ++second) {
    CHECK(controller.look(sample_at(second, {use_of("own", kFour, 4'000)})).empty());
  }
}

TEST_CASE("the newest goes first where the operator wants it, and waiting for memory counts") {
  PressureController controller(with({{"pressure-cpus", 0},
                                      {"pressure-mem-stall", 200},
                                      {"pressure-for", 0},
                                      {"pressure-victim", 1}}));
  const Resources some = lent("cpus", 1'000);
  UsageSample sample = sample_at(
      9, {use_of("own", kFour, 4'000), use_of("x", some, 900, 3), use_of("y", some, 1, 5)});
  CHECK(controller.look(sample).empty());
  sample.pressure.memory_permille = 250;
  const auto evicted = controller.look(sample);
  REQUIRE(evicted.size() == 1);
  CHECK(evicted[0].container_id == ContainerId("y"));
  CHECK(evicted[0].reason.find("memory was waited for in 25 %") != std::string::npos);
}

TEST_CASE("an agent with neither plug-in measures nothing and lends nothing") {
  World w("cpus:4;mem:4096");
  w.boot_and_register();
  w.run_command("t");
  w.pass(Duration::seconds(600));
  CHECK(w.count<SampleUsage>() == 0);
  CHECK(w.to_master_all<to_master::Oversubscribed>().empty());
}

TEST_CASE("an agent tells what it lends when it changes, and when it registers again") {
  World w = lending_world();
  w.boot_and_register();
  w.run_command("t");  // one cpu
  live(w, {{"t", 200}}, 31);
  CHECK(w.count<SampleUsage>() == 31);
  auto told = w.to_master_all<to_master::Oversubscribed>();
  REQUIRE(told.size() == 1);
  CHECK(told[0].total == lent("cpus", 800));
  live(w, {{"t", 200}}, 60);
  CHECK(w.to_master_all<to_master::Oversubscribed>().size() == 1);
  live(w, {{"t", 900}}, 15);
  told = w.to_master_all<to_master::Oversubscribed>();
  REQUIRE(told.size() == 2);
  CHECK(told[1].total == lent("cpus", 100));
  w.step(MasterLost{});
  w.step(MasterConnected{});
  CHECK(w.to_master_all<to_master::Register>().back().oversubscribed == lent("cpus", 100));
}

TEST_CASE("a change while an agent registers is told by registering again") {
  World w = lending_world();
  w.boot_and_register();
  w.run_command("t");
  live(w, {{"t", 200}}, 14);
  w.step(MasterLost{});
  w.step(MasterConnected{});
  live(w, {{"t", 200}}, 2);
  CHECK(w.to_master_all<to_master::Oversubscribed>().empty());
  w.register_ok();
  CHECK(w.to_master_all<to_master::Register>().back().oversubscribed == lent("cpus", 800));
}

TEST_CASE("a task on lent resources is preempted under pressure and told GONE with the reason") {
  World w = lending_world();
  w.boot_and_register();
  w.run_command("own");
  w.launch(lent_task("guest", 3'000));
  w.started("guest");
  w.acknowledge(w.update());
  w.acknowledge(w.update());
  live(w, {{"own", 1'000}, {"guest", 2'800}}, 5);
  const auto kills = w.all<KillContainer>();
  REQUIRE(kills.size() == 1);
  CHECK(kills[0].container_id == w.container_of("guest"));
  CHECK(kills[0].grace == Duration{});
  live(w, {{"own", 1'000}, {"guest", 2'800}}, 5);
  CHECK(w.count<KillContainer>() == 1);
  w.exited("guest", 9);
  const TaskStatus end = w.update();
  CHECK(end.task_id == TaskId("guest"));
  CHECK(end.state == TaskState::gone);
  CHECK(end.reason == StatusReason::container_preempted);
  CHECK(end.source == StatusSource::agent);
  CHECK(end.message.find("Preempted: 3.8 of 4 cpus were used, at least 90 %") == 0);
  live(w, {{"own", 4'000}}, 60);  // nothing is left that was lent
  CHECK(w.count<KillContainer>() == 1);
  CHECK(w.core->state().counts.preempted == 1);
  CHECK(w.core->state().tasks.contains({FrameworkId("F"), TaskId("own")}));
}

TEST_CASE("what had finished before it was preempted has finished") {
  World w = lending_world();
  w.boot_and_register();
  w.run_command("own");
  w.launch(lent_task("guest", 3'000));
  w.started("guest");
  w.acknowledge(w.update());
  w.acknowledge(w.update());
  live(w, {{"own", 1'000}, {"guest", 2'800}}, 5);
  REQUIRE(w.count<KillContainer>() == 1);
  w.exited("guest", 0);
  CHECK(w.update().state == TaskState::finished);
}

TEST_CASE("an agent starts a task on what was lent a moment ago, but never on more than it has") {
  World w("cpus:4;mem:4096");
  w.boot_and_register();
  w.launch(lent_task("more", 5'000));
  CHECK(w.update().state == TaskState::dropped);
  CHECK(w.update().message == "this agent would lend 5 cpus and has 4");
  w.launch(lent_task("guest", 3'000));
  CHECK(w.count<StartContainer>() == 1);
  w.launch(World::task("own", "cpus:4;mem:64"));
  CHECK(w.count<StartContainer>() == 2);
}

TEST_CASE("a core that lends can be copied, and the copy goes its own way") {
  World w = lending_world();
  w.boot_and_register();
  w.run_command("t");
  live(w, {{"t", 200}}, 12);
  const AgentCore copy = *w.core;
  CHECK(copy.fingerprint() == w.core->fingerprint());
  live(w, {{"t", 200}}, 1);
  CHECK(copy.fingerprint() != w.core->fingerprint());
}

TEST_CASE("every parameter of a plug-in is named after it and can be what it is unless set") {
  const auto check = [](const std::string& plug_in, const std::vector<Parameter>& parameters) {
    for (const Parameter& one : parameters) {
      CHECK(one.name.starts_with(plug_in + "-"));
      CHECK(one.value >= one.least);
      CHECK(one.value <= one.most);
      CHECK((one.kind == Parameter::Kind::choice) == !one.choices.empty());
    }
  };
  for (const EstimatorKind& kind : estimator_kinds()) check(kind.name, kind.parameters);
  for (const ControllerKind& kind : controller_kinds()) check(kind.name, kind.parameters);
  CHECK(find_estimator("none")->make({}) == nullptr);
  CHECK(find_controller("none")->make({}) == nullptr);
  CHECK(find_estimator("unheard") == nullptr);
}
