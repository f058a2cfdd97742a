// The scheduler's state as documents.
#include "frameworks/service/shell/show.hpp"

#include <catch2/catch.hpp>

#include "frameworks/service/core/service_core.hpp"
#include "proto/internal/service_api.pb.h"

using namespace bourse;
using namespace bourse::service;

namespace {

// A core whose store answers at once.
struct Core {
  Core() { feed(Start{}); }

  void feed(decltype(Event::body) body) {
    Effects effects;
    core.step({stamp, std::move(body)}, effects);
    for (const Effect& effect : effects.list) {
      if (const auto* write = std::get_if<Persist>(&effect.body)) feed(Stored{write->id});
    }
  }
  service_api::AppState shown(bool whole) const {
    service_api::AppState out;
    show_app(core.state(), core.state().apps.at(AppId("web")), stamp.now, whole, out);
    return out;
  }

  Stamp stamp{Instant{1'000'000'000'000}, WallTime{1'700'000'000'000'000'000}};
  ServiceCore core{ServiceConfig{}};
};

sdk::Offer offer() {
  sdk::Offer out;
  out.id = "O1";
  out.agent_id = "S1";
  out.hostname = "host1";
  out.resources.cpu_milli = 4000;
  out.resources.memory_mb = 4096;
  out.resources.ports = {{31000, 31009}};
  return out;
}

}  // namespace

TEST_CASE("an app's document tells its counts, its deployment and why it waits") {
  Core c;
  AppDefinition definition;
  definition.task.shell = "true";
  definition.task.ports = 2;
  definition.policy.instances = 2;
  c.feed(FromClient{RequestId(1), {}, change::PutApp{AppId("web"), definition}});
  c.feed(Registered{"F1"});
  service_api::AppState app = c.shown(false);
  CHECK(app.version() == 1);
  CHECK(app.cause() == "put");
  CHECK(app.changed_at_seconds() == 1'700'000'000);
  CHECK(app.counts().waiting() == 2);
  CHECK(app.deployment().state() == "starting");
  CHECK(app.deployment().why() == "2 instances wait for offers");
  CHECK_FALSE(app.has_app());
  c.feed(Offered{{offer()}});
  app = c.shown(true);
  CHECK(app.counts().launching() == 2);
  CHECK(app.app().command() == "true");
  service_api::TaskList tasks;
  show_tasks(c.core.state(), c.core.state().apps.at(AppId("web")), c.stamp.now, tasks);
  REQUIRE(tasks.tasks_size() == 2);
  CHECK(tasks.tasks(1).id() == "web.1.1.2");
  CHECK(tasks.tasks(1).phase() == "launching");
  CHECK(tasks.tasks(1).hostname() == "host1");
  CHECK(tasks.tasks(1).ports(0) == 31002);
  service_api::VersionList versions;
  show_versions(AppId("web"), c.core.state().book.apps.at(AppId("web")), versions);
  REQUIRE(versions.versions_size() == 1);
  CHECK(versions.versions(0).app().ports() == 2);
}
