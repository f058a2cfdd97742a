// What a container that does not die holds, and when the master knows of it.
#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/unit/master/core/harness.hpp"

using namespace bourse;
using namespace bourse::master;
using namespace bourse::master::test;

namespace {

Resources offered(Harness& h, FakeFramework& framework) {
  Resources out;
  for (const OfferFacet& offer : h.offers(framework)) out.add(offer.resources);
  return out;
}

struct Cluster {
  Harness h;
  FakeAgent* agent = nullptr;
  FakeFramework* framework = nullptr;

  Cluster() {
    h.lead();
    agent = &h.add_agent("a", "cpus:4;mem:1024");
    framework = &h.add_framework("f");
    h.subscribe(*framework);
    (void)h.offers(*framework);
  }
  to_master::ContainerLeaked leak() const {
    return {framework->facet.id, ExecutorId("t1"), res("cpus:1;mem:64"), false};
  }
};

}  // namespace

TEST_CASE("a new master offers nothing of what leaks, not even before it is told apart") {
  Cluster c;
  c.h.restart_master();
  c.h.subscribe(*c.framework);
  // Its task has ended and is acknowledged: nothing but the leak says that its part is not free.
  c.agent->leaks = {c.leak()};
  c.h.enroll(*c.agent);
  CHECK(offered(c.h, *c.framework) == res("cpus:3;mem:960"));
  CHECK(c.h.ledger(*c.agent).held() == res("cpus:1;mem:64"));
  // Told once more, as agents of an older version do, it is no second one.
  c.h.say(*c.agent, c.leak());
  CHECK(c.h.ledger(*c.agent).held() == res("cpus:1;mem:64"));
  c.h.say(*c.agent, to_master::ContainerLeaked{c.framework->facet.id, ExecutorId("t1"), {}, true});
  CHECK(offered(c.h, *c.framework) == res("cpus:4;mem:1024"));
}

TEST_CASE("an agent that registers anew without a leak has none any more") {
  Cluster c;
  c.agent->leaks = {c.leak()};
  c.h.enroll(*c.agent);
  const auto told = [&c] {
    return std::count_if(c.h.notes.begin(), c.h.notes.end(),
                         [](const Note& note) { return note.code == "container.leaked"; });
  };
  CHECK(told() == 1);
  c.h.enroll(*c.agent);
  CHECK(told() == 1);
  CHECK(c.h.ledger(*c.agent).held() == res("cpus:1;mem:64"));
  c.agent->leaks.clear();
  c.h.enroll(*c.agent);
  CHECK(offered(c.h, *c.framework) == res("cpus:4;mem:1024"));
}

TEST_CASE("an agent of an older build lists no leak and tells it once it is registered") {
  Cluster c;
  c.h.say(*c.agent, c.leak());
  CHECK(c.h.ledger(*c.agent).held() == res("cpus:1;mem:64"));
  c.h.restart_master();
  c.h.enroll(*c.agent);
  CHECK(c.h.ledger(*c.agent).held().empty());
  c.h.say(*c.agent, c.leak());
  CHECK(c.h.ledger(*c.agent).held() == res("cpus:1;mem:64"));
}
