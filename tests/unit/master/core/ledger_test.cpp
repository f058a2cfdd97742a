#include "master/core/ledger.hpp"

#include <catch2/catch.hpp>

#include "base/prng.hpp"
#include "tests/unit/master/core/harness.hpp"

using namespace bourse;
using namespace bourse::master;
using bourse::master::test::res;

namespace {

Resource reserved(Resource resource, std::vector<Reservation> stack) {
  ResourceMeta meta;
  meta.reservations = std::move(stack);
  return resource.with(meta);
}

Resource volume(const std::string& id, bool shared) {
  ResourceMeta meta;
  meta.shared = shared;
  meta.disk = Disk{id, "", "path", false, std::nullopt};
  return Resource::scalar("disk", 1'000'000).with(meta);
}

Resources list(std::vector<Resource> resources) {
  return Resources(resources);
}

// Of each kind of resource there is: labels, refined reservations, disks, volumes, revocable.
Resources rich_total() {
  Resource revocable = Resource::scalar("cpus", 2'000);
  ResourceMeta meta;
  meta.revocable = true;
  revocable = revocable.with(meta);
  ResourceMeta mount;
  mount.disk =
      Disk{"", "", "", false, DiskSource{DiskSource::Type::mount, "/mnt/1", "", "", "", {}}};
  Resources total = res("cpus:8;mem:4096;ports:[31000-31099];disks:{a,b,c};bananas:7");
  total.add(revocable);
  total.add(reserved(Resource::scalar("mem", 512'000),
                     {{Reservation::Type::dynamically, "eng", "p", {{"team", "x"}}}}));
  total.add(reserved(Resource::scalar("mem", 256'000),
                     {{Reservation::Type::dynamically, "eng", "p", {{"team", "y"}}}}));
  total.add(reserved(Resource::scalar("cpus", 1'000),
                     {{Reservation::Type::statically, "eng", "", {}},
                      {Reservation::Type::dynamically, "eng/web", "p", {}}}));
  total.add(Resource::scalar("disk", 500'000).with(mount));
  total.add(volume("v1", false));
  total.add(volume("s1", true));
  return total;
}

}  // namespace

TEST_CASE("the ledger balances for every kind of resource through offer, use and release") {
  Ledger ledger(rich_total());
  CHECK(ledger.free() == rich_total());
  ledger.offer(ledger.available());
  CHECK(ledger.free() == list({volume("s1", true)}));  // shared: never taken off the table
  CHECK(ledger.balanced());
  ledger.unoffer(rich_total());
  ledger.use(rich_total());
  CHECK(ledger.free().empty());
  CHECK(ledger.used() == rich_total());
  ledger.release(rich_total());
  CHECK(ledger.free() == rich_total());
  CHECK(ledger.balanced());
}

TEST_CASE("reservations with other labels are other resources") {
  Ledger ledger(rich_total());
  const Resource x = reserved(Resource::scalar("mem", 300'000),
                              {{Reservation::Type::dynamically, "eng", "p", {{"team", "x"}}}});
  const Resource y = reserved(Resource::scalar("mem", 300'000),
                              {{Reservation::Type::dynamically, "eng", "p", {{"team", "y"}}}});
  CHECK(ledger.available().contains(x));
  CHECK_FALSE(ledger.available().contains(y));
}

TEST_CASE("a shared volume counts once while used at all and is offered all the time") {
  const Resources shared = list({volume("s1", true)});
  Ledger ledger(rich_total());
  ledger.use(shared);
  ledger.use(shared);
  CHECK(ledger.used() == shared);
  CHECK(ledger.available().contains(shared));
  CHECK(ledger.balanced());
  ledger.release(shared);
  CHECK(ledger.used() == shared);
  ledger.release(shared);
  CHECK(ledger.used().empty());
  CHECK(ledger.free() == rich_total());
  CHECK(ledger.balanced());
}

TEST_CASE("more use than there is makes a deficit, which stops offers until it is gone") {
  Ledger ledger(res("cpus:4;mem:100"));
  ledger.use(res("cpus:3"));
  ledger.set_total(res("cpus:2;mem:100"));
  CHECK(ledger.deficit() == res("cpus:1"));
  CHECK(ledger.free() == res("mem:100"));
  CHECK_FALSE(ledger.offerable());
  CHECK(ledger.available().empty());
  CHECK(ledger.balanced());
  ledger.release(res("cpus:3"));
  CHECK(ledger.deficit().empty());
  CHECK(ledger.free() == res("cpus:2;mem:100"));
  CHECK(ledger.offerable());
}

TEST_CASE("a leak is withheld from what is free and makes a deficit of what is not") {
  Ledger ledger(res("cpus:4;ports:[1-10]"));
  ledger.use(res("cpus:3;ports:[1-3]"));
  ledger.hold(res("cpus:2;ports:[3-4]"));
  CHECK(ledger.held() == res("cpus:2;ports:[3-4]"));
  CHECK(ledger.deficit() == res("cpus:1;ports:[3-3]"));
  CHECK(ledger.free() == res("ports:[5-10]"));
  ledger.release(res("cpus:3;ports:[1-3]"));
  CHECK(ledger.free() == res("cpus:2;ports:[1-2,5-10]"));
  ledger.unhold(res("cpus:2;ports:[3-4]"));
  CHECK(ledger.free() == res("cpus:4;ports:[1-10]"));
  CHECK(ledger.balanced());
}

TEST_CASE("ports that two tasks claim are free only when both have ended") {
  Ledger ledger(res("cpus:4;ports:[1-10];disks:{a,b}"));
  ledger.use_anyway(res("cpus:1;ports:[1-4];disks:{a}"));
  ledger.use_anyway(res("cpus:1;ports:[3-6];disks:{a,b}"));
  CHECK(ledger.used() == res("cpus:2;ports:[1-6];disks:{a,b}"));
  ledger.release(res("cpus:1;ports:[1-4];disks:{a}"));
  CHECK(ledger.used() == res("cpus:1;ports:[3-6];disks:{a,b}"));
  CHECK(ledger.free() == res("cpus:3;ports:[1-2,7-10]"));
  ledger.release(res("cpus:1;ports:[3-6];disks:{a,b}"));
  CHECK(ledger.free() == res("cpus:4;ports:[1-10];disks:{a,b}"));
  CHECK(ledger.balanced());
}

TEST_CASE("the ledger balances through random use, offers, leaks and totals") {
  const std::vector<std::string> kAmounts = {
      "cpus:1",    "cpus:2;mem:64", "ports:[1-3]",       "cpus:0.5;ports:[3-5]",
      "disks:{a}", "mem:512",       "disks:{a,b};cpus:1"};
  Prng prng(11);
  for (int run = 0; run < 40; ++run) {
    Ledger ledger(res("cpus:4;mem:1024;ports:[1-10];disks:{a,b}"));
    std::vector<Resources> used, offered, held;
    const auto take = [&](std::vector<Resources>& from) {
      const auto at = from.begin() + static_cast<std::ptrdiff_t>(prng.below(from.size()));
      Resources out = *at;
      from.erase(at);
      return out;
    };
    for (int i = 0; i < 120; ++i) {
      const Resources amount = res(kAmounts[prng.below(kAmounts.size())]);
      switch (prng.below(8)) {
        case 0:
        case 1:
          if (!ledger.available().contains(amount)) break;
          ledger.offer(amount);
          offered.push_back(amount);
          break;
        case 2:
          if (!offered.empty()) ledger.unoffer(take(offered));
          break;
        case 3:
          ledger.use_anyway(amount);
          used.push_back(amount);
          break;
        case 4:
        case 5:
          if (!used.empty()) ledger.release(take(used));
          break;
        case 6:
          if (held.empty() && prng.chance(1, 2)) {
            ledger.hold(amount);
            held.push_back(amount);
          } else if (!held.empty()) {
            ledger.unhold(take(held));
          }
          break;
        default:
          if (offered.empty()) {
            ledger.set_total(res(prng.chance(1, 2) ? "cpus:2;mem:64;ports:[1-4]"
                                                   : "cpus:4;mem:1024;ports:[1-10];disks:{a,b}"));
          }
      }
      REQUIRE(ledger.balanced());
    }
    for (const Resources& amount : offered) ledger.unoffer(amount);
    for (const Resources& amount : held) ledger.unhold(amount);
    while (!used.empty()) ledger.release(take(used));
    REQUIRE(ledger.free() == ledger.total());
  }
}
