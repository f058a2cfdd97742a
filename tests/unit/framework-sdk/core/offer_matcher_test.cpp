#include "bourse/offer_matcher.hpp"

#include <catch2/catch.hpp>

using namespace bourse::sdk;

namespace {

Offer offer(const char* agent, std::int64_t cpu_milli, std::int64_t memory_mb,
            const char* rack = "", std::vector<PortRange> ports = {}) {
  Offer out;
  out.id = std::string("O-") + agent;
  out.agent_id = agent;
  out.hostname = std::string("host-") + agent;
  out.resources.cpu_milli = cpu_milli;
  out.resources.memory_mb = memory_mb;
  out.resources.ports = std::move(ports);
  if (*rack != 0) out.attributes["rack"] = rack;
  return out;
}

Shape shape(const char* id, std::int64_t cpu_milli, std::int64_t memory_mb) {
  Shape out;
  out.task.id = id;
  out.task.resources.cpu_milli = cpu_milli;
  out.task.resources.memory_mb = memory_mb;
  out.task.command = Command{};
  return out;
}

std::string agent_of(const Plan& plan, const char* task) {
  for (const Placement& placement : plan.placements) {
    for (const TaskSpec& placed : placement.tasks) {
      if (placed.id == task) return placement.agent_id;
    }
  }
  return {};
}

}  // namespace

TEST_CASE("best fit fills the fullest agent, spread the emptiest") {
  const std::vector<Offer> offers{offer("a", 4000, 4000), offer("b", 2000, 2000)};
  const std::vector<Shape> shapes{shape("t1", 1000, 500), shape("t2", 1000, 500)};
  const Plan full = match(shapes, offers, {Strategy::best_fit, {}});
  REQUIRE(agent_of(full, "t1") == "b");
  REQUIRE(agent_of(full, "t2") == "b");
  REQUIRE(full.unused_offer_ids == std::vector<std::string>{"O-a"});
  const Plan wide = match(shapes, offers, {Strategy::spread, {}});
  REQUIRE(agent_of(wide, "t1") == "a");
  REQUIRE(wide.unplaced.empty());
}

TEST_CASE("nothing is placed beyond what an agent offers, and the reason has numbers") {
  const Plan plan = match({shape("t1", 1500, 10), shape("t2", 1500, 10)}, {offer("a", 2000, 100)});
  REQUIRE(agent_of(plan, "t1") == "a");
  REQUIRE(plan.unplaced.size() == 1);
  REQUIRE(plan.unplaced[0].task_id == "t2");
  REQUIRE(plan.unplaced[0].reason == "cpu_milli: 500 of 1500 (1 of 1 agents)");
  REQUIRE(match({shape("t", 1, 1)}, {}).unplaced[0].reason == "no offers");
}

TEST_CASE("several offers of one agent are used together") {
  Offer second = offer("a", 1000, 1000);
  second.id = "O-a2";
  const Plan plan = match({shape("t", 2000, 100)}, {offer("a", 1000, 1000), second});
  REQUIRE(plan.placements.size() == 1);
  REQUIRE(plan.placements[0].offer_ids == std::vector<std::string>{"O-a", "O-a2"});
}

TEST_CASE("ports are chosen from the offer and told to the command") {
  Shape one = shape("t1", 100, 10);
  one.ports = 2;
  Shape two = shape("t2", 100, 10);
  two.ports = 1;
  const Plan plan =
      match({one, two}, {offer("a", 4000, 4000, "", {{31000, 31000}, {31005, 31009}})});
  const auto& tasks = plan.placements.at(0).tasks;
  REQUIRE(tasks[0].command->environment.at("PORT0") == "31000");
  REQUIRE(tasks[0].command->environment.at("PORT1") == "31005");
  REQUIRE(tasks[0].resources.ports == std::vector<PortRange>{{31000, 31000}, {31005, 31005}});
  REQUIRE(tasks[1].command->environment.at("PORT0") == "31006");
  Shape many = shape("t3", 100, 10);
  many.ports = 9;
  REQUIRE(match({many}, {offer("a", 4000, 4000, "", {{31000, 31007}})}).unplaced.at(0).reason ==
          "ports: 8 of 9 (1 of 1 agents)");
}

TEST_CASE("a check that names a port of its shape is told the number that was chosen") {
  Shape web = shape("web", 100, 10);
  web.ports = 2;
  web.task.check = Check{.kind = Check::Kind::tcp, .port_index = 1};
  web.task.health_check = HealthCheck{.check = {.port_index = 0}};
  Shape fixed = shape("fixed", 100, 10);
  fixed.task.check = Check{.kind = Check::Kind::tcp, .port = 80};
  const Plan plan = match({web, fixed}, {offer("a", 1000, 1000, "", {{31000, 31009}})});
  REQUIRE(plan.placements.size() == 1);
  const auto& tasks = plan.placements[0].tasks;
  CHECK(tasks[0].health_check->check.port == 31000);
  CHECK(tasks[0].check->port == 31001);
  CHECK(tasks[1].check->port == 80);
}

TEST_CASE("attribute constraints choose agents") {
  const std::vector<Offer> offers{offer("a", 4000, 4000, "r1"), offer("b", 4000, 4000, "r2"),
                                  offer("c", 4000, 4000)};
  Shape want = shape("t", 100, 10);
  want.constraints = {{"rack", Constraint::Kind::equals, "r2", 1}};
  REQUIRE(agent_of(match({want}, offers), "t") == "b");
  want.constraints = {{"rack", Constraint::Kind::exists, "", 1},
                      {"rack", Constraint::Kind::not_equals, "r2", 1}};
  REQUIRE(agent_of(match({want}, offers), "t") == "a");
  want.constraints = {{"hostname", Constraint::Kind::equals, "host-c", 1}};
  REQUIRE(agent_of(match({want}, offers), "t") == "c");
  want.constraints = {{"rack", Constraint::Kind::equals, "r9", 1}};
  REQUIRE(match({want}, offers).unplaced.at(0).reason == "rack is not r9 (3 of 3 agents)");
}

TEST_CASE("unique and max_per count what is placed now and what runs already") {
  const std::vector<Offer> offers{offer("a", 4000, 4000, "r1"), offer("b", 4000, 4000, "r1"),
                                  offer("c", 4000, 4000, "r2")};
  std::vector<Shape> shapes;
  for (const char* id : {"t1", "t2", "t3", "t4"}) {
    Shape want = shape(id, 100, 10);
    want.group = "web";
    want.constraints = {{"rack", Constraint::Kind::max_per, "", 2},
                        {"hostname", Constraint::Kind::unique, "", 1}};
    shapes.push_back(want);
  }
  const Plan plan = match(shapes, offers, {Strategy::best_fit, {{"web", "rack", "r2", 1}}});
  REQUIRE(plan.placements.size() == 3);
  REQUIRE(plan.unplaced.size() == 1);
  const Plan taken = match(shapes, offers, {Strategy::best_fit, {{"web", "rack", "r1", 2}}});
  REQUIRE(taken.placements.size() == 1);
  REQUIRE(taken.placements[0].agent_id == "c");
}

TEST_CASE("resources of the SDK add up and take apart, ports by number") {
  Resources whole;
  whole.cpu_milli = 1000;
  whole.ports = {{10, 20}};
  whole.other_milli["licences"] = 5000;
  Resources part;
  part.cpu_milli = 400;
  part.ports = {{12, 13}};
  part.other_milli["licences"] = 2000;
  REQUIRE(contains(whole, part));
  subtract(whole, part);
  REQUIRE(whole.ports == std::vector<PortRange>{{10, 11}, {14, 20}});
  REQUIRE_FALSE(contains(whole, part));
  add(whole, part);
  REQUIRE(whole.ports == std::vector<PortRange>{{10, 20}});
  REQUIRE(whole.other_milli.at("licences") == 5000);
  Resources more;
  more.other_milli["unknown"] = 1;
  REQUIRE_FALSE(contains(whole, more));
}

TEST_CASE("a task on what is lent is placed where that suffices, any other where its own does") {
  Offer lender = offer("a", 1000, 400);
  lender.revocable.cpu_milli = 3000;
  const std::vector<Offer> offers{lender, offer("b", 2000, 100)};
  Shape guest = shape("g1", 2000, 100);
  guest.task.revocable = true;
  Shape next = guest;
  next.task.id = "g2";
  const Plan plan = match({guest, next, shape("own", 2000, 50)}, offers, {Strategy::spread, {}});
  CHECK(agent_of(plan, "g1") == "a");
  // What lends no cpu is as good as ever; there none is left for who needs its own.
  CHECK(agent_of(plan, "g2") == "b");
  REQUIRE(plan.unplaced.size() == 1);
  CHECK(plan.unplaced[0].task_id == "own");
  CHECK(plan.unplaced[0].reason == "cpu_milli: 0 of 2000 (1 of 2 agents)");
  Shape large = guest;
  large.task.resources.memory_mb = 500;  // memory is not lent there
  CHECK(match({large}, {lender}).unplaced[0].reason == "memory_mb: 400 of 500 (1 of 1 agents)");
}
