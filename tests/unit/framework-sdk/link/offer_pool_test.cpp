#include "framework-sdk/link/offer_pool.hpp"

#include <catch2/catch.hpp>

using namespace bourse;
namespace sdk = bourse::sdk;

namespace {

bourse::Resources res(const char* text) {
  return bourse::Resources::parse(text).value();
}

sdk::OfferPool pool_of(const char* text) {
  sdk::OfferPool pool("web", "p");
  pool.add(res(text));
  return pool;
}

sdk::Resources disk(std::int64_t megabytes) {
  sdk::Resources out;
  out.disk_mb = megabytes;
  return out;
}

}  // namespace

TEST_CASE("what a task asks for is taken of what is reserved first") {
  sdk::OfferPool pool = pool_of("cpus:2;cpus(web):1;mem:100;ports(web):[10-12];ports:[13-20]");
  CHECK(pool.take(res("cpus:1.5;ports:[12-13]")) ==
        res("cpus(web):1;cpus:0.5;ports(web):[12-12];ports:[13-13]"));
  CHECK(pool.take(res("cpus:1")) == res("cpus:1"));
  // What is not there is asked for all the same.
  CHECK(pool.take(res("cpus:4")) == res("cpus:4"));
}

TEST_CASE("operations of one accept build on each other") {
  sdk::OfferPool pool = pool_of("cpus:2;disk:100");
  CHECK(pool.apply(sdk::create_volume("c0", {.id = "v", .size_mb = 10})).error().message ==
        "volume.role: no disk of the offers is reserved for role 'web': reserve some before");
  const auto reserved = pool.apply(sdk::reserve("r", disk(64)));
  REQUIRE(reserved.ok());
  CHECK(reserved->resources.list().front().meta->reservations.back().principal == "p");
  REQUIRE(pool.apply(sdk::create_volume("c", {.id = "v", .size_mb = 16, .path = "db"})).ok());
  REQUIRE(pool.apply(sdk::grow_volume("g", "v", 8)).ok());
  REQUIRE(pool.apply(sdk::shrink_volume("s", "v", 4)).ok());
  const auto volume = pool.take(sdk::Volume{.id = "v"});
  REQUIRE(volume.ok());
  CHECK(volume->scalar_milli("disk") == 20'000);
  CHECK(volume->list().front().meta->disk->volume_path == "db");
  // It is the task's now.
  CHECK_FALSE(pool.apply(sdk::destroy_volume("d", "v")).ok());
  CHECK(pool.apply(sdk::unreserve("u", disk(45))).error().message ==
        "resources: less 'disk' of the offers is reserved by an operation");
  REQUIRE(pool.apply(sdk::unreserve("u", disk(44))).ok());
  CHECK(pool.apply(sdk::reserve("r2", disk(1000))).error().code == ErrorCode::conflict);
}

TEST_CASE("labels say which reservation is meant, and may be exchanged for others") {
  using Labels = std::map<std::string, std::string>;
  sdk::OfferPool pool = pool_of("cpus:4");
  const auto cpus = [](std::int64_t milli) {
    sdk::Resources out;
    out.cpu_milli = milli;
    return out;
  };
  REQUIRE(pool.apply(sdk::reserve("r1", cpus(1000), {{"for", "db"}})).ok());
  REQUIRE(pool.apply(sdk::reserve("r2", cpus(2000), {{"for", "web"}, {"by", "me"}})).ok());
  sdk::Operation wrong = sdk::unreserve("u", cpus(2000));
  wrong.of_labels = Labels{{"for", "db"}};
  CHECK(pool.apply(wrong).error().message ==
        "resources: less 'cpus' of the offers is reserved by an operation with those labels");

  sdk::Operation exchange = sdk::reserve_again("r3", cpus(1500), {{"for", "cache"}});
  exchange.of_labels = Labels{{"by", "me"}, {"for", "web"}};
  const auto formed = pool.apply(exchange);
  REQUIRE(formed.ok());
  CHECK(formed->type == ResourceOperation::Type::reserve);
  REQUIRE(formed->extra.list().size() == 1);
  CHECK(formed->extra.list().front().meta->reservations.back().labels.size() == 2);
  REQUIRE(formed->resources.list().size() == 1);
  CHECK(formed->resources.list().front().meta->reservations.back() ==
        Reservation{Reservation::Type::dynamically, "web", "p", {{"for", "cache"}}});

  // Of all alike, or none: which was meant if they differ?
  CHECK(pool.apply(sdk::reserve_again("r4", cpus(3000)))
            .error()
            .message.find("are reserved differently") != std::string::npos);
  sdk::Operation back = sdk::unreserve("u", cpus(1500));
  back.of_labels = Labels{{"for", "cache"}};
  CHECK(pool.apply(back).ok());
}

TEST_CASE("a task on what is lent takes lent resources of each name that the offers lend") {
  ResourceMeta lent;
  lent.revocable = true;
  sdk::OfferPool pool = pool_of("cpus:2;mem:100");
  const auto lent_cpus = [&](std::int64_t milli) {
    return bourse::Resources({bourse::Resource::scalar("cpus", milli).with(lent)});
  };
  pool.add(lent_cpus(1000));
  CHECK(pool.take(res("cpus:0.5")) == res("cpus:0.5"));  // never by itself
  bourse::Resources expected = lent_cpus(600);
  expected.add(res("mem:32"));
  CHECK(pool.take(res("cpus:0.6;mem:32"), true) == expected);
  // Not some of both: what lacks is asked for as lent, and the master says so.
  CHECK(pool.take(res("cpus:0.6"), true) == lent_cpus(600));
  CHECK(pool.take(res("cpus:0.1"), true) == lent_cpus(100));  // its executor, say
}
