#include "master/shell/view_service.hpp"

#include <catch2/catch.hpp>
#include <future>

using namespace bourse;
using namespace bourse::master;

namespace {

std::vector<Change> up_to(std::uint64_t first, std::uint64_t last) {
  std::vector<Change> changes;
  for (std::uint64_t i = first; i <= last; ++i) {
    changes.push_back(Change{i, change::WeightSet{}});
  }
  return changes;
}

constexpr auto kDeadline = std::chrono::seconds(20);

}  // namespace

TEST_CASE("a client reads its own writes: a read waits for what was published before it came") {
  ViewService service([] {});
  service.start();
  service.push(up_to(1, 3));
  std::promise<std::uint64_t> early, late, first;
  const auto seen = [](std::promise<std::uint64_t>& into) {
    return [&into](View& view) { into.set_value(view.state().sequence()); };
  };
  const auto never = [] { FAIL_CHECK("told it is late"); };
  service.read(2, seen(early), never);
  REQUIRE(early.get_future().get() == 3);
  // An answer told the client sequence 5 while the view is at 3.
  service.read(5, seen(late), never);
  service.read(4, seen(first), never);
  std::promise<void> looked;
  service.post([&](View&) { looked.set_value(); });
  looked.get_future().get();
  auto at_five = late.get_future();
  auto at_four = first.get_future();
  CHECK(at_five.wait_for(std::chrono::seconds(0)) == std::future_status::timeout);
  service.push(up_to(4, 4));
  REQUIRE(at_four.wait_for(kDeadline) == std::future_status::ready);
  service.push(up_to(5, 6));
  REQUIRE(at_five.wait_for(kDeadline) == std::future_status::ready);
  CHECK(at_five.get() >= 5);
}

TEST_CASE("a read that the view does not reach in time is told so, once, and never served") {
  ViewService service([] {}, Duration::milliseconds(1));
  service.start();
  std::promise<void> told;
  service.read(
      7, [](View&) { FAIL_CHECK("served"); }, [&] { told.set_value(); });
  auto late = told.get_future();
  REQUIRE(late.wait_for(kDeadline) == std::future_status::ready);
  service.push(up_to(1, 8));
  // Once the view is past it, nothing of the read that was given up is left.
  for (std::uint64_t reached = 0; reached < 8;) {
    std::promise<std::uint64_t> look;
    service.post([&](View& view) { look.set_value(view.state().sequence()); });
    reached = look.get_future().get();
  }
}
