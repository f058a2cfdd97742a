#include <catch2/catch.hpp>

#include "proto/codec/canonical.hpp"
#include "proto/codec/facet_read.hpp"
#include "proto/codec/facet_write.hpp"
#include "proto/codec/json.hpp"
#include "proto/v1/agent_info.pb.h"
#include "proto/v1/executor_info.pb.h"
#include "proto/v1/framework_info.pb.h"
#include "proto/v1/task.pb.h"
#include "tests/unit/proto/codec/sample.hpp"

using namespace bourse;
using namespace bourse::codec;
namespace v1 = mesos::v1;
using Catch::Matchers::Contains;

namespace {

Result<FrameworkFacet> framework(const std::string& members) {
  v1::FrameworkInfo info;
  const Status ok = from_json(R"({"user":"u","name":"n",)" + members + "}", info);
  if (!ok) return ok.error();
  return read_framework(info, "framework_info");
}

Result<TaskFacet> task(const std::string& members) {
  v1::TaskInfo info;
  const Status ok = from_json(
      R"({"name":"n","task_id":{"value":"t"},"agent_id":{"value":"a"})" + members + "}", info);
  if (!ok) return ok.error();
  return read_task(info, FrameworkId("F1"), "task");
}

}  // namespace

TEST_CASE("a framework's facet holds what the master decides on") {
  const FrameworkFacet facet = sample::framework();
  CHECK(facet.id == FrameworkId("F1"));
  CHECK(facet.failover_timeout == Duration::milliseconds(3'600'500));
  CHECK(facet.checkpoint);
  CHECK(facet.roles == std::vector<std::string>{"eng/web", "batch"});
  CHECK(facet.capabilities.has(Capabilities::multi_role));
  CHECK_FALSE(facet.capabilities.has(Capabilities::gpu_resources));
  CHECK(facet.labels.at(0).key == "bourse.ui");
  CHECK(facet.min_allocatable.at("batch").at(0).at("cpus") == 500);
  v1::FrameworkInfo info;
  write_framework(facet, info);
  CHECK(info.id().value() == "F1");
  CHECK(info.webui_url() == "http://x/");
}

TEST_CASE("a description without its id has the same digest, with another field it has not") {
  const auto first = framework(R"("id":{"value":"F1"},"hostname":"h")");
  const auto second = framework(R"("hostname":"h")");
  const auto other = framework(R"("hostname":"i")");
  CHECK(first->description == second->description);
  CHECK_FALSE(first->description == other->description);
}

TEST_CASE("roles: none is everybody, roles need MULTI_ROLE, each once, well-formed") {
  CHECK(framework(R"("role":null)")->roles == std::vector<std::string>{"*"});
  CHECK(framework(R"("roles":[],"role":"*")")->roles == std::vector<std::string>{"*"});
  CHECK(framework(R"("role":"eng")")->roles == std::vector<std::string>{"eng"});
  const std::string multi = R"("capabilities":[{"type":"MULTI_ROLE"}],)";
  CHECK(framework(multi + R"("roles":["a","b"])")->roles.size() == 2);
  CHECK_THAT(framework(R"("roles":["a"])").error().message, Contains("MULTI_ROLE"));
  CHECK_THAT(framework(multi + R"("role":"a")").error().message, Contains("must use 'roles'"));
  CHECK_THAT(framework(multi + R"("roles":["a","a"])").error().message, Contains("named once"));
  CHECK_THAT(framework(R"("role":"/bad")").error().message, Contains("framework_info.role"));
  CHECK_FALSE(framework(R"("failover_timeout":-1)").ok());
  CHECK(framework(R"("capabilities":null)").ok());
  CHECK(framework(R"("offer_filters":null,"id":{"value":""})").ok());
}

TEST_CASE("a task's facet holds resources, grace, limits and what its container may do") {
  const TaskFacet facet = sample::task();
  CHECK(facet.has_command);
  CHECK(facet.user == "nobody");
  CHECK(facet.kill_grace == Duration::seconds(3));
  CHECK(facet.max_completion == Duration::seconds(60));
  CHECK(facet.limits_milli.at("cpus") == 4000);
  CHECK(facet.limits_milli.at("mem") == std::numeric_limits<std::int64_t>::max());
  CHECK(facet.has_health_check);
  CHECK(facet.container.has_image);
  CHECK(facet.container.host_network);
  CHECK(facet.container.host_paths == std::vector<std::string>{"/srv"});
  CHECK(facet.resources == sample::resources());
  const auto again = task_from_blob(facet.description);
  REQUIRE(again.ok());
  CHECK(*again == facet);
}

TEST_CASE("an executor without framework id or type gets the framework's and CUSTOM") {
  const auto facet = task(R"(,"executor":{"executor_id":{"value":"e"},"command":{"value":"x"}})");
  REQUIRE(facet.ok());
  REQUIRE(facet->executor.has_value());
  CHECK(facet->executor->framework_id == FrameworkId("F1"));
  CHECK(facet->executor->type == ExecutorFacet::Type::custom);
  const auto foreign =
      task(R"(,"executor":{"executor_id":{"value":"e"},"framework_id":{"value":"F2"}})");
  CHECK_THAT(foreign.error().message, Contains("'task.executor.framework_id' is 'F2'"));
}

TEST_CASE("secrets are references: a secret given by value is refused") {
  const auto by_value = task(R"(,"command":{"environment":{"variables":[
      {"name":"A","type":"SECRET","secret":{"type":"VALUE","value":{"data":"c2VjcmV0"}}}]}})");
  REQUIRE_FALSE(by_value.ok());
  CHECK_THAT(by_value.error().message,
             Contains("task.command.environment.variables[0].secret.value"));
  CHECK(by_value.error().message.find("secret\xff") == std::string::npos);
  CHECK(sample::executor().container.secret_references == std::vector<std::string>{"db"});
}

TEST_CASE("descriptions that differ only in how resources are written have one digest") {
  const auto old_form = task(
      R"(,"resources":[{"name":"cpus","type":"SCALAR","scalar":{"value":1},"role":"eng",
         "reservation":{"principal":"p"}}])");
  const auto new_form = task(
      R"(,"resources":[{"name":"cpus","type":"SCALAR","scalar":{"value":1},
         "reservations":[{"type":"DYNAMIC","role":"eng","principal":"p"}]}])");
  REQUIRE(old_form.ok());
  REQUIRE(new_form.ok());
  CHECK(old_form->description == new_form->description);
}

TEST_CASE("map entries do not disturb the digest") {
  const auto one = task(R"(,"limits":{"mem":{"value":1},"cpus":{"value":2},"gpus":{"value":3}})");
  const auto two = task(R"(,"limits":{"gpus":{"value":3},"cpus":{"value":2},"mem":{"value":1}})");
  CHECK(one->description == two->description);
}

TEST_CASE("bad times, limits, names and ports are refused, naming the field") {
  CHECK_THAT(task(R"(,"kill_policy":{"grace_period":{"nanoseconds":-1}})").error().message,
             Contains("task.kill_policy"));
  CHECK_THAT(task(R"(,"limits":{"cpus":{"value":-2}})").error().message,
             Contains("task.limits.cpus"));
  v1::AgentInfo info;
  info.set_hostname("h");
  info.set_port(70000);
  CHECK_THAT(read_agent(info, "agent_info").error().message, Contains("agent_info.port"));
}

TEST_CASE("a facet made without a description is described from its fields") {
  for (const bool with_executor : {false, true}) {
    TaskFacet facet = sample::task();
    if (with_executor) facet.executor = sample::executor();
    facet.container = {};
    facet.description = Blob();
    if (facet.executor) facet.executor->container = {};
    if (facet.executor) facet.executor->description = Blob();
    auto again = task_from_blob(description_of(facet));
    REQUIRE(again.ok());
    again->description = Blob();
    if (again->executor) again->executor->description = Blob();
    CHECK(*again == facet);
  }
  AgentFacet agent = sample::agent();
  agent.description = Blob();
  auto agent_again = agent_from_blob(description_of(agent));
  REQUIRE(agent_again.ok());
  CHECK(agent_again->total == agent.total);
  CHECK(agent_again->attributes == agent.attributes);
  CHECK(agent_again->domain == agent.domain);
  FrameworkFacet framework = sample::framework();
  framework.description = Blob();
  auto framework_again = framework_from_blob(description_of(framework), framework.id);
  REQUIRE(framework_again.ok());
  framework_again->description = Blob();
  CHECK(*framework_again == framework);
}

TEST_CASE("a status keeps what nobody decides on beside what the model knows") {
  TaskStatus status = sample::status();
  CHECK(status.state == TaskState::failed);
  CHECK(status.reason == StatusReason::container_limitation_memory);
  CHECK(status.container_id == ContainerId("C1"));
  CHECK(status.executor_pid == 4613);
  CHECK(status.healthy == false);
  v1::TaskStatus message;
  write_status(status, message);
  CHECK(message.timestamp() == 1795357989.814);
  CHECK(message.labels().labels(0).key() == "k");
  CHECK(message.container_status().network_infos(0).ip_addresses(0).ip_address() == "127.0.0.1");
  CHECK(message.container_status().executor_pid() == 4613);
  const auto again = read_status(message, "status");
  REQUIRE(again.ok());
  CHECK(*again == status);
}

TEST_CASE("a status without labels, network or checks has no extra part") {
  v1::TaskStatus message;
  REQUIRE(from_json(R"({"task_id":{"value":"t"},"state":"TASK_RUNNING",
      "container_status":{"container_id":{"value":"c"},"executor_pid":1}})",
                    message)
              .ok());
  const auto status = read_status(message, "status");
  REQUIRE(status.ok());
  CHECK(status->extra.empty());
}
