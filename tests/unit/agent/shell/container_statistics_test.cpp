#include "agent/shell/container_statistics.hpp"

#include <catch2/catch.hpp>

#include "proto/v1/agent_response.pb.h"

using namespace bourse;
using namespace bourse::agent;

namespace {

using Form = ContainerStatistics::Form;

struct World {
  World() {
    ExecutorFacet facet;
    facet.id = ExecutorId("t");
    Executor executor;
    executor.facet = std::make_shared<const ExecutorFacet>(std::move(facet));
    executor.command_task = true;
    executor.phase = ExecutorPhase::running;
    executor.container_id = ContainerId("c");
    state.executors[{FrameworkId("f"), ExecutorId("t")}] = std::move(executor);
  }

  AgentState state;
  Instant now;
  Duration look_takes;
  int looks = 0;
  Result<isolation::CgroupStatistics> counted = isolation::CgroupStatistics();
  ContainerStatistics statistics{[this](const ContainerId& id) {
                                   CHECK(id.raw() == "c");
                                   ++looks;
                                   now = now + look_takes;
                                   return counted;
                                 },
                                 [this] { return now; }};
};

}  // namespace

TEST_CASE("who asks again within a second is told of the same look") {
  World w;
  const auto first = w.statistics.read(w.state, Form::statistics);
  w.now = w.now + Duration::milliseconds(999);
  CHECK(w.statistics.read(w.state, Form::statistics) == first);
  CHECK(w.looks == 1);
  w.now = w.now + Duration::milliseconds(1);
  w.look_takes = Duration::milliseconds(500);
  (void)w.statistics.read(w.state, Form::statistics);
  CHECK(w.looks == 2);
  // One that takes long is paid for: it may take a twentieth of the time.
  w.now = w.now + Duration::milliseconds(9'999);
  (void)w.statistics.read(w.state, Form::statistics);
  CHECK(w.looks == 2);
  w.now = w.now + Duration::milliseconds(1);
  (void)w.statistics.read(w.state, Form::statistics);
  CHECK(w.looks == 3);
  // The other form says more, and is a look of its own.
  const auto more = w.statistics.read(w.state, Form::containers);
  CHECK(more->find("\"container_id\":\"c\"") != std::string::npos);
}

TEST_CASE("what is not counted is not told, and a container that is gone is left out") {
  World w;
  isolation::CgroupStatistics counted;
  counted.memory = isolation::CgroupStatistics::Memory();
  counted.memory->rss_bytes = 4096;
  w.counted = counted;
  const auto told = w.statistics.read(w.state, Form::statistics);
  CHECK(told->find("\"mem_rss_bytes\":4096") != std::string::npos);
  CHECK(told->find("cpus_user_time_secs") == std::string::npos);
  w.counted = Error{ErrorCode::not_found, "no container 'c'"};
  CHECK(*w.statistics.read(w.state, Form::containers) == "[]");
}

TEST_CASE("a call's answer says of a container what /containers does, from a look of its own") {
  World w;
  isolation::CgroupStatistics counted;
  counted.cpu = isolation::CgroupStatistics::Cpu{2'500'000'000, 500'000'000, 4, 2, 100'000'000};
  counted.memory = isolation::CgroupStatistics::Memory{};
  counted.memory->total_bytes = 5LL << 30;
  counted.pids = 7;
  w.counted = counted;
  w.state.executors.at({FrameworkId("f"), ExecutorId("t")}).pid = 42;
  const auto told = w.statistics.answer(w.state);
  REQUIRE(told->containers_size() == 1);
  const auto& one = told->containers(0);
  CHECK(one.framework_id().value() == "f");
  CHECK(one.executor_id().value() == "t");
  CHECK(one.container_id().value() == "c");
  CHECK(one.container_status().executor_pid() == 42);
  CHECK(one.resource_statistics().cpus_user_time_secs() == 2.5);
  CHECK(one.resource_statistics().cpus_nr_throttled() == 2);
  CHECK(one.resource_statistics().mem_total_bytes() == std::uint64_t{5} << 30);
  CHECK(one.resource_statistics().threads() == 7);
  CHECK_FALSE(one.resource_statistics().has_disk_limit_bytes());
  const std::string text = *w.statistics.read(w.state, Form::containers);
  CHECK(text.find("\"cpus_user_time_secs\":2.5") != std::string::npos);
  CHECK(text.find("\"mem_total_bytes\":5368709120") != std::string::npos);
  CHECK(text.find("\"executor_pid\":42") != std::string::npos);
  CHECK(w.statistics.answer(w.state) == told);
  CHECK(w.looks == 2);
}
