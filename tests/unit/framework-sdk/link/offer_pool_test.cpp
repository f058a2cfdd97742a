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
