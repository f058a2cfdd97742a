#include "harness.hpp"
#include "model/limits.hpp"

using namespace bourse;
using namespace bourse::agent;
using bourse::agent::test::World;
using Found = Started::FoundContainer;

namespace {

// What the runtime finds of a container whose rest is still there: its end as its shim left it, or,
// when that is gone too, something that it takes down itself.
Found rest_of(const ContainerId& id, bool with_end) {
  Found found;
  found.container_id = id;
  found.running = !with_end;
  if (with_end) found.wait_status = 9;
  found.leaked = with_end;
  return found;
}

std::vector<to_master::ContainerLeaked> leaks(const World& w) {
  return w.to_master_all<to_master::ContainerLeaked>();
}

}  // namespace

TEST_CASE("a leak is told, and so is the end, only once the checkpoint has the leak") {
  World w;
  w.boot_and_register();
  w.run_command("t");
  w.auto_store = false;
  w.exited("t", 9, false, true);
  CHECK(leaks(w).empty());
  CHECK(w.update().state == TaskState::running);
  CHECK(w.writes.size() == 1);
  // A registration in between says that it runs: nobody may be given what it holds.
  w.step(MasterLost{});
  w.connect();
  CHECK(w.to_master_all<to_master::Register>().back().tasks.size() == 1);
  CHECK(w.to_master_all<to_master::Register>().back().leaks.empty());
  w.store_next();
  REQUIRE(leaks(w).size() == 1);
  CHECK(leaks(w).back().resources == World::task("t")->resources);
  w.store_next();
  CHECK(w.update().state == TaskState::failed);
}

TEST_CASE("a leak that the disk refused is written again until it is there") {
  World w;
  w.boot_and_register();
  w.run_command("t");
  w.auto_store = false;
  w.exited("t", 9, false, true);
  w.reject_next("no space left on device");
  CHECK(leaks(w).empty());
  w.auto_store = true;
  w.pass(w.config.checkpoint_retry);
  CHECK(leaks(w).size() == 1);
  CHECK(w.update().state == TaskState::failed);
}

TEST_CASE("a leak that is gone before it is stored is told as an end like others") {
  World w;
  w.boot_and_register();
  w.run_command("t");
  w.auto_store = false;
  w.exited("t", 0, false, true);
  w.step(ContainerCleaned{w.container_of("t")});
  const bool refused = GENERATE(false, true);
  refused ? w.reject_next("no space left on device") : w.store_next();
  w.auto_store = true;
  w.pass(w.config.checkpoint_retry);
  while (!w.writes.empty()) w.store_next();
  CHECK(leaks(w).empty());
  CHECK(w.update().state == TaskState::finished);
  w.acknowledge(w.update());
  CHECK(w.count<ReleaseContainer>() == 1);
}

TEST_CASE("nothing changes how a task ended while its leak is being stored") {
  World w;
  w.boot_and_register();
  w.run_command("t");
  w.auto_store = false;
  w.exited("t", 0, false, true);
  w.from_master(to_agent::Kill{FrameworkId("F"), TaskId("t"), std::nullopt});
  w.from_master(to_agent::ShutdownExecutor{FrameworkId("F"), ExecutorId("t")});
  CHECK(w.count<KillContainer>() == 0);
  w.store_next();
  while (!w.writes.empty()) w.store_next();
  CHECK(w.update().state == TaskState::finished);
}

TEST_CASE("an executor that leaks is gone for the master once that is stored, its rest is not") {
  World w;
  w.boot_and_register();
  w.launch(World::task("t"), World::executor());
  w.started("E");
  w.subscribe(1);
  w.executor_update(1, "t", TaskState::finished, 1);
  w.auto_store = false;
  w.exited("E", 9, false, true);
  CHECK(w.count<CloseExecutor>() == 1);
  CHECK(w.to_master_all<to_master::ExecutorExited>().empty());
  w.launch(World::task("u"), World::executor());
  CHECK(w.update().state == TaskState::dropped);
  w.store_next();
  CHECK(w.to_master_all<to_master::ExecutorExited>().size() == 1);
  CHECK(leaks(w).back().resources == World::executor()->resources);
}

TEST_CASE("a leak outlives the agent: what it holds is told to the next master") {
  const bool with_end = GENERATE(true, false);
  const bool acknowledged = GENERATE(true, false);
  const bool compacted = GENERATE(false, true);
  INFO(with_end << acknowledged << compacted);
  World w;
  w.boot_and_register();
  w.run_command("t");
  w.exited("t", 9, false, true);
  if (acknowledged) w.acknowledge(w.update());
  const ContainerId id = w.container_of("t");
  if (compacted) w.disk = w.core->snapshot();
  w.crash();
  w.done.clear();
  w.start({rest_of(id, with_end)});
  w.connect();
  REQUIRE(leaks(w).size() == 1);
  CHECK(leaks(w).back().resources == World::task("t")->resources);
  CHECK(w.count<KillContainer>() == 0);
  if (!acknowledged) w.acknowledge(w.update());
  // Nobody is given what it holds, whatever a master believes.
  w.launch(World::task("big", "cpus:4;mem:64"));
  CHECK(w.update().state == TaskState::dropped);
  CHECK(w.count<ReleaseContainer>() == 0);
  w.step(ContainerCleaned{id});
  CHECK(leaks(w).back().resolved);
  CHECK(w.count<ReleaseContainer>() == 1);
  w.crash();
  w.done.clear();
  w.start();
  w.connect();
  CHECK(leaks(w).empty());
}

TEST_CASE("a leak is in what registers its agent, as long as it is one") {
  World w;
  w.boot_and_register();
  w.run_command("t");
  w.exited("t", 9, false, true);
  w.acknowledge(w.update());
  const auto listed = [&w] { return w.to_master_all<to_master::Register>().back().leaks; };
  w.step(MasterLost{});
  w.connect();
  REQUIRE(listed().size() == 1);
  CHECK(listed().back().executor_id == ExecutorId("t"));
  CHECK(listed().back().resources == World::task("t")->resources);
  CHECK_FALSE(listed().back().resolved);
  w.step(ContainerCleaned{w.container_of("t")});
  w.step(MasterLost{});
  w.connect();
  CHECK(listed().empty());
}

TEST_CASE("a leak of an earlier life whose end is told by the runtime is over with it") {
  World w;
  w.boot_and_register();
  w.run_command("t");
  w.exited("t", 9, false, true);
  const ContainerId id = w.container_of("t");
  w.crash();
  w.start({rest_of(id, false)});
  w.connect();
  w.step(ContainerExited{id, 9, false, false, true});  // it could not be emptied this time either
  CHECK_FALSE(leaks(w).back().resolved);
  w.step(ContainerExited{id, 9, false, false, false});
  CHECK(leaks(w).back().resolved);
}

TEST_CASE("a leak that was gone while no agent ran is not told") {
  const bool rebooted = GENERATE(false, true);
  World w;
  w.boot_and_register();
  w.run_command("t");
  w.exited("t", 9, false, true);
  const ContainerId id = w.container_of("t");
  w.crash();
  w.done.clear();
  Found found;
  found.container_id = id;
  found.wait_status = 9;
  w.start(rebooted ? std::vector<Found>{rest_of(id, false)} : std::vector<Found>{found},
          rebooted ? "another boot" : "boot");
  w.connect();
  CHECK(leaks(w).empty());
  w.acknowledge(w.update());
  CHECK(w.core->state().executors.empty());
}

TEST_CASE("an agent that dies between the leak and the end it led to tells both") {
  World w;
  w.boot_and_register();
  w.run_command("t");
  w.auto_store = false;
  w.exited("t", 3 << 8, false, true);
  w.store_next();
  const ContainerId id = w.container_of("t");
  w.crash();
  w.auto_store = true;
  w.done.clear();
  Found found = rest_of(id, true);
  found.wait_status = 3 << 8;
  w.start({found});
  w.connect();
  REQUIRE(leaks(w).size() == 1);
  CHECK(leaks(w).back().resources == World::task("t")->resources);
  CHECK(w.update().message == "Command exited with status 3");
}

TEST_CASE("a cleanup is not over while a container leaks, whichever life saw that") {
  World w;
  w.boot_and_register();
  w.run_command("t");
  w.exited("t", 9, false, true);
  const ContainerId id = w.container_of("t");
  w.crash();
  w.config.recover = RecoverMode::cleanup;
  w.start({rest_of(id, true)});
  w.connect();
  w.acknowledge(w.update());
  CHECK(w.count<Stop>() == 0);
  w.pass(w.config.cleanup_report_timeout);
  REQUIRE(w.count<Stop>() == 1);
  CHECK(w.last<Stop>().reason.find("except 1 containers that do not die") != std::string::npos);
}
