#include "model/resources.hpp"

#include <catch2/catch.hpp>

#include "base/prng.hpp"

using namespace bourse;

namespace {

Resources parsed(const char* text) {
  auto result = Resources::parse(text);
  REQUIRE(result.ok());
  return result.value();
}

std::string refusal(const char* text) {
  const auto result = Resources::parse(text);
  REQUIRE_FALSE(result.ok());
  return result.error().message;
}

Resource reserved(Resource resource, const char* role, const char* label = nullptr) {
  ResourceMeta meta;
  meta.reservations.push_back({Reservation::Type::dynamically, role, "principal", {}});
  if (label != nullptr) meta.reservations.back().labels.push_back({label, "v"});
  return resource.with(meta);
}

Resource volume(std::int64_t milli, const char* id, bool shared) {
  ResourceMeta meta;
  meta.reservations.push_back({Reservation::Type::dynamically, "web", "", {}});
  meta.disk = Disk{id, "", "data", false, std::nullopt};
  meta.shared = shared;
  return Resource::scalar("disk", milli).with(meta);
}

}  // namespace

TEST_CASE("resources parse what operators write and print it back") {
  const Resources r =
      parsed("cpus:0.5; mem:64 ;ports:[31000-31002, 32000-32000];gpus:{a,b};cpus(web):2");
  REQUIRE(r.scalar_milli("cpus") == 2500);
  REQUIRE(r.scalar_milli("mem") == 64000);
  REQUIRE(r.ranges("ports").size() == 4);
  REQUIRE(r.to_text() ==
          "cpus:0.5; cpus(web):2; gpus:{a, b}; mem:64; ports:[31000-31002, 32000-32000]");
  REQUIRE(parsed("").empty());
  REQUIRE(parsed("").to_text() == "nothing");
}

TEST_CASE("a resource that does not parse is refused with its name, its value and what is right") {
  REQUIRE(refusal("cpus:-1").find("'cpus': '-1' is not a number") != std::string::npos);
  REQUIRE(refusal("cpus:nan").find("'nan'") != std::string::npos);
  REQUIRE(refusal("cpus:0.0001").find("three decimals") != std::string::npos);
  REQUIRE(refusal("cpus:9999999999999999").find("is not a number") != std::string::npos);
  REQUIRE(refusal("ports:[5-1]").find("lower end first") != std::string::npos);
  REQUIRE(refusal("ports:[1-5,3-9]").find("disjoint") != std::string::npos);
  REQUIRE(refusal("cpus:1;cpus:2").find("only once") != std::string::npos);
  REQUIRE(refusal("cpus").find("name:value") != std::string::npos);
  REQUIRE(refusal("disks:{a,}").find("no empty items") != std::string::npos);
  REQUIRE(refusal("disks:{a,b c}").find("white space") != std::string::npos);
  REQUIRE(refusal("disks:{a,{b}").find("brackets") != std::string::npos);
  REQUIRE(refusal("a b:1").find("'a b': 'a b:1' is not named without") != std::string::npos);
  REQUIRE(refusal("cpus(a b):1").find("is not a role without") != std::string::npos);
  REQUIRE(refusal("cpus:1000000000000.001").find("is not a number") != std::string::npos);
  REQUIRE(Resources::parse("cpus:1000000000000").ok());
}

TEST_CASE("amounts add up only within the same reservation, disk and provider") {
  Resources r;
  r.add(Resource::scalar("cpus", 1000));
  r.add(reserved(Resource::scalar("cpus", 2000), "web"));
  r.add(reserved(Resource::scalar("cpus", 500), "web"));
  r.add(reserved(Resource::scalar("cpus", 250), "web", "label"));
  REQUIRE(r.list().size() == 3);
  REQUIRE(r.scalar_milli("cpus") == 3750);
  REQUIRE(r.contains(reserved(Resource::scalar("cpus", 2500), "web")));
  REQUIRE_FALSE(r.contains(reserved(Resource::scalar("cpus", 2501), "web")));
  REQUIRE_FALSE(r.contains(Resource::scalar("cpus", 1001)));
  REQUIRE(r.unreserved().scalar_milli("cpus") == 1000);
}

TEST_CASE("a reservation is usable by its role and the roles below it") {
  REQUIRE(role_may_use("web", "web"));
  REQUIRE(role_may_use("web/front", "web"));
  REQUIRE_FALSE(role_may_use("website", "web"));
  REQUIRE_FALSE(role_may_use("web", "web/front"));
  REQUIRE(role_may_use("anything", "*"));
  Resources r;
  r.add(Resource::scalar("mem", 1));
  r.add(reserved(Resource::scalar("mem", 10), "web"));
  r.add(reserved(Resource::scalar("mem", 100), "web/front"));
  REQUIRE(r.usable_by("web").scalar_milli("mem") == 11);
  REQUIRE(r.usable_by("web/front").scalar_milli("mem") == 111);
  REQUIRE(r.usable_by("db").scalar_milli("mem") == 1);
}

TEST_CASE("a shared volume is one thing in several copies") {
  Resources r;
  r.add(volume(1000, "v1", true));
  r.add(volume(1000, "v1", true));
  r.add(volume(1000, "v2", false));
  REQUIRE(r.list().size() == 2);
  REQUIRE(r.shared().list().front().copies == 2);
  Resources one;
  one.add(volume(1000, "v1", true));
  r.subtract(one);
  REQUIRE(r.contains(one));
  r.subtract(one);
  REQUIRE_FALSE(r.contains(one));
  REQUIRE(r.list().size() == 1);
}

TEST_CASE("taking more than there is says what was missing and leaves nothing negative") {
  Resources have = parsed("cpus:2;ports:[1-10];disks:{a,b}");
  const Resources missing = have.subtract_up_to(parsed("cpus:3;ports:[5-15];disks:{b,c};mem:1"));
  REQUIRE(missing == parsed("cpus:1;ports:[11-15];disks:{c};mem:1"));
  REQUIRE(have == parsed("ports:[1-4];disks:{a}"));
}

TEST_CASE("revocable and plain amounts of a name stay apart") {
  ResourceMeta meta;
  meta.revocable = true;
  Resources r = parsed("cpus:4");
  r.add(Resource::scalar("cpus", 2000).with(meta));
  REQUIRE(r.revocable().scalar_milli("cpus") == 2000);
  REQUIRE(r.non_revocable() == parsed("cpus:4"));
  REQUIRE(r.to_text() == "cpus:4; cpus{REV}:2");
}

TEST_CASE("adding and taking away random resources always balances") {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Prng prng(seed);
    const auto draw = [&] {
      Resources out;
      for (int i = 0; i < 4; ++i) {
        const std::uint64_t begin = prng.below(50);
        Resource resource =
            prng.chance(1, 3)
                ? Resource::of_ranges("ports", IntervalSet(begin, begin + prng.below(9)))
                : Resource::scalar(prng.chance(1, 2) ? "cpus" : "mem", prng.between(1, 4000));
        if (prng.chance(1, 3)) resource = reserved(resource, prng.chance(1, 2) ? "a" : "a/b");
        out.add(resource);
      }
      return out;
    };
    Resources total = draw();
    const Resources before = total;
    Resources part = draw();
    part.subtract_up_to(total);  // keep only what total does not have: ranges must not overlap
    total.add(part);
    REQUIRE(total.contains(part));
    REQUIRE(total.contains(before));
    total.subtract(part);
    REQUIRE(total == before);
    Resources rest = total;
    const Resources wish = draw();
    const Resources missing = rest.subtract_up_to(wish);
    Resources again = rest;
    Resources got = wish;
    got.subtract(missing);
    again.add(got);
    REQUIRE(again == total);
  }
}

TEST_CASE("what is done to a copy of resources is not done to the original") {
  const Resources original = parsed("cpus:4;mem:64;ports:[1-9];disks:{a,b}");
  const std::string before = original.to_text();
  Resources copy = original;
  CHECK(copy.same_as(original));
  copy.add(Resource::scalar("cpus", 1'000));
  Resources less = original;
  less.subtract(parsed("cpus:4;ports:[3-4];disks:{a}"));
  Resources none = original;
  CHECK(none.subtract_up_to(original).empty());
  CHECK(none.empty());
  CHECK(original.to_text() == before);
  CHECK(copy.to_text() == "cpus:5; disks:{a, b}; mem:64; ports:[1-9]");
  CHECK(less.to_text() == "disks:{b}; mem:64; ports:[1-2, 5-9]");
  CHECK_FALSE(copy.same_as(original));
  CHECK((original.non_shared().same_as(original)));  // nothing to leave out: nothing copied
}

TEST_CASE("what was left with resources goes with their copies and not with changed ones") {
  Resources original = parsed("cpus:4;mem:64");
  original.wire_form().keep("as sent");
  const Resources copy = original;
  CHECK(copy.wire_form().find() == "as sent");
  original.add(Resource::scalar("cpus", 1'000));
  CHECK_FALSE(original.wire_form().find().has_value());
  CHECK(copy.wire_form().find() == "as sent");
  original.wire_form().keep("more");
  original.subtract(parsed("cpus:1"));  // nobody else has it: changed in place
  CHECK_FALSE(original.wire_form().find().has_value());
}

TEST_CASE("parts that share no entry are told to fit without working out what is left") {
  const Resources all = parsed("cpus:4;mem:64;ports:[1-9];cpus(eng):2");
  const auto fit = [&](std::initializer_list<const char*> texts) {
    std::vector<Resources> parts;
    for (const char* text : texts) parts.push_back(parsed(text));
    return all.contains_apart(parts);
  };
  CHECK(all.contains_apart({all}));
  CHECK(fit({}));
  CHECK(fit({"cpus:4;mem:64", "cpus(eng):2"}));
  CHECK(fit({"cpus(eng):1", "ports:[2-3]", "mem:1"}));
  CHECK_FALSE(fit({"cpus:5"}));
  CHECK_FALSE(fit({"gpus:1"}));
  CHECK_FALSE(fit({"ports:[9-10]"}));
  CHECK_FALSE(fit({"cpus:1", "cpus:1"}));  // two have it in common: cannot tell
  CHECK_FALSE(fit({"cpus:1;gpus:1", "mem:1"}));
}
