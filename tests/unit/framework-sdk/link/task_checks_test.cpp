// Checks that an author gives a task: what an agent reads of them, and what is refused before it
// leaves.
#include <catch2/catch.hpp>

#include "framework-sdk/link/offer_pool.hpp"
#include "framework-sdk/link/task_form.hpp"
#include "proto/codec/check_form.hpp"
#include "proto/codec/facet_write.hpp"
#include "proto/v1/task.pb.h"

using namespace bourse;
using sdk::Check;
using sdk::HealthCheck;

namespace {

sdk::TaskSpec sleeper() {
  sdk::TaskSpec task;
  task.id = "t1";
  task.resources.cpu_milli = 100;
  task.command = sdk::Command{.shell = "sleep 1000"};
  return task;
}

Result<TaskFacet> facet_of(const sdk::TaskSpec& task) {
  sdk::OfferPool pool("*", "");
  pool.add(bourse::Resources::parse("cpus:1").value());
  return sdk::task_facet(task, "a1", FrameworkId("f1"), pool);
}

mesos::v1::TaskInfo sent(const sdk::TaskSpec& task) {
  const auto facet = facet_of(task);
  if (!facet.ok()) FAIL(facet.error().message);
  mesos::v1::TaskInfo out;
  codec::write_task(*facet, out);
  return out;
}

std::string why_not(const sdk::TaskSpec& task) {
  const auto facet = facet_of(task);
  return facet.ok() ? "" : facet.error().message;
}

}  // namespace

TEST_CASE("an author's checks are those of the task that is launched") {
  sdk::TaskSpec task = sleeper();
  task.check = Check{.kind = Check::Kind::command,
                     .command = {.arguments = {"test", "-e", "ready"}},
                     .interval_ms = 1'500};
  task.health_check = HealthCheck{.check = {.port = 8080, .path = "/healthz", .delay_ms = 250},
                                  .grace_ms = 30'000,
                                  .failures = 5};
  const mesos::v1::TaskInfo info = sent(task);
  CHECK(info.check().type() == mesos::v1::CheckInfo::COMMAND);
  CHECK_FALSE(info.check().command().command().shell());
  CHECK(info.check().command().command().value() == "test");
  CHECK(info.check().interval_seconds() == 1.5);
  CHECK(info.health_check().type() == mesos::v1::HealthCheck::HTTP);
  CHECK(info.health_check().http().port() == 8080);
  CHECK(info.health_check().http().path() == "/healthz");
  CHECK(info.health_check().delay_seconds() == 0.25);
  CHECK(info.health_check().grace_period_seconds() == 30);
  CHECK(info.health_check().consecutive_failures() == 5);
  const mesos::v1::TaskInfo plain = sent(sleeper());
  CHECK_FALSE(plain.has_check());
  CHECK_FALSE(plain.has_health_check());
}

TEST_CASE("a check that cannot be made is refused before it leaves, by task and field") {
  const auto with = [](Check check) {
    sdk::TaskSpec task = sleeper();
    task.check = std::move(check);
    return why_not(task);
  };
  CHECK(with({.kind = Check::Kind::tcp}) ==
        "task 't1': 'check.tcp.port' is 0: a port is a number from 1 to 65535");
  CHECK(with({.kind = Check::Kind::command}) ==
        "task 't1'.check.command: give either shell or arguments, exactly one of them");
  CHECK(with({.port_index = 2}).find("task 't1'.check.port_index: 2 names no port") == 0);
  CHECK(with({.port = 80, .path = "x"}).find("'check.http.path'") != std::string::npos);
  CHECK(with({.kind = Check::Kind::tcp, .port = 80, .timeout_ms = -1})
            .find("check.timeout_seconds") != std::string::npos);
  sdk::TaskSpec task = sleeper();
  task.health_check = HealthCheck{.check = {.port = 80}, .failures = 0};
  CHECK(why_not(task) == "task 't1'.health_check.failures: 0 must be at least 1");
}

TEST_CASE("an author is told what a check saw, and whether its task is well") {
  TaskStatus status;
  status.task_id = TaskId("t1");
  CHECK_FALSE(sdk::public_update(status).check.has_value());
  status.healthy = false;
  for (const auto& [kind, value] :
       {std::pair{Check::Kind::command, 4}, {Check::Kind::http, 503}, {Check::Kind::tcp, 0}}) {
    status.extra = codec::with_check_status({}, static_cast<int>(kind), value);
    const sdk::TaskUpdate update = sdk::public_update(status);
    CHECK(update.healthy == false);
    CHECK(update.check == sdk::CheckStatus{kind, value});
  }
  status.extra = codec::with_check_status({}, 2, std::nullopt);
  CHECK(sdk::public_update(status).check == sdk::CheckStatus{Check::Kind::http, std::nullopt});
}
