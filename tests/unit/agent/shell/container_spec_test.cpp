#include "agent/shell/container_spec.hpp"

#include <catch2/catch.hpp>
#include <map>

#include "proto/codec/facet_read.hpp"
#include "proto/codec/json.hpp"
#include "proto/v1/executor_info.pb.h"

using namespace bourse;
using namespace bourse::agent;

namespace {

StartContainer start_of(bool checkpoint) {
  mesos::v1::ExecutorInfo info;
  REQUIRE(codec::from_json(R"({"executor_id":{"value":"E"},"command":{"value":"run"},
                               "shutdown_grace_period":{"nanoseconds":7000000000}})",
                           info)
              .ok());
  auto executor = codec::read_executor(info, FrameworkId("F"), "executor");
  REQUIRE(executor.ok());
  FrameworkFacet framework;
  framework.id = FrameworkId("F");
  framework.checkpoint = checkpoint;
  StartContainer start;
  start.container_id = ContainerId("C");
  start.framework = std::make_shared<const FrameworkFacet>(framework);
  start.executor = std::make_shared<const ExecutorFacet>(std::move(executor).value());
  start.token = "secret";
  return start;
}

std::map<std::string, std::string> environment(bool checkpoint) {
  SpecContext context;
  context.work_dir = "/work-dir";
  context.ip = "127.0.0.1";
  context.agent_id = "S0";
  context.agent_pid = "slave(1)@127.0.0.1:5051";
  context.agent_endpoint = "127.0.0.1:5051";
  context.executor_socket = "/run/executors.sock";
  const auto spec = container_spec(start_of(checkpoint), context);
  REQUIRE(spec.ok());
  return {spec->env.begin(), spec->env.end()};
}

}  // namespace

TEST_CASE("an executor's environment names who it is, where its agent is and how to return") {
  auto plain = environment(false);
  const std::string sandbox = "/work-dir/slaves/S0/frameworks/F/executors/E/runs/C";
  const std::map<std::string, std::string> wanted = {
      {"LIBPROCESS_IP", "127.0.0.1"},
      {"LIBPROCESS_PORT", "0"},
      {"MESOS_FRAMEWORK_ID", "F"},
      {"MESOS_EXECUTOR_ID", "E"},
      {"MESOS_DIRECTORY", sandbox},
      {"MESOS_SANDBOX", sandbox},
      {"MESOS_SLAVE_ID", "S0"},
      {"MESOS_SLAVE_PID", "slave(1)@127.0.0.1:5051"},
      {"MESOS_AGENT_ENDPOINT", "127.0.0.1:5051"},
      {"MESOS_CHECKPOINT", "0"},
      {"MESOS_HTTP_COMMAND_EXECUTOR", "0"},
      {"MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD", "7secs"},
      {"MESOS_EXECUTOR_AUTHENTICATION_TOKEN", "secret"},
  };
  for (const auto& [name, value] : wanted) {
    CAPTURE(name);
    CHECK(plain[name] == value);
  }
  CHECK(plain.count("MESOS_RECOVERY_TIMEOUT") == 0);
  CHECK(plain.count("MESOS_SUBSCRIPTION_BACKOFF_MAX") == 0);
  auto checkpointing = environment(true);
  CHECK(checkpointing["MESOS_CHECKPOINT"] == "1");
  CHECK(checkpointing["MESOS_RECOVERY_TIMEOUT"] == "15mins");
  CHECK(checkpointing["MESOS_SUBSCRIPTION_BACKOFF_MAX"] == "2secs");
}

TEST_CASE("durations in an environment are a number and a unit, without a blank") {
  CHECK(mesos_duration(Duration::milliseconds(1500)) == "1500ms");
  CHECK(mesos_duration(Duration::seconds(2)) == "2secs");
  CHECK(mesos_duration(Duration::seconds(900)) == "15mins");
  CHECK(mesos_duration(Duration::seconds(7200)) == "2hrs");
}

TEST_CASE("a container on lent cpus has few shares, unless the operator wants it otherwise") {
  ResourceMeta meta;
  meta.revocable = true;
  const Resources lent({Resource::scalar("cpus", 2'000).with(meta)});
  SpecContext context;
  CHECK(limits_of(lent, context).cpu_shares == 20);
  CHECK(limits_of(lent, context).cpu_milli == 2'000);
  context.lent_cpus_yield = false;
  CHECK(limits_of(lent, context).cpu_shares == 0);
  context.lent_cpus_yield = true;
  CHECK(limits_of(Resources::parse("cpus:2").value(), context).cpu_shares == 0);
}
