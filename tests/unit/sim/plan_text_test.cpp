// The plan of a seed in words. Its fields are walked as the compiler lists them, so that a new one
// that is not printed fails here.
#include <boost/pfr.hpp>
#include <catch2/catch.hpp>
#include <functional>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "sim/plan.hpp"

using bourse::sim::draw_plan;
using bourse::sim::Plan;
using bourse::sim::Plant;

namespace {

using Look = std::function<void(const std::string& path)>;

template <typename T>
struct IsVector : std::false_type {};
template <typename T>
struct IsVector<std::vector<T>> : std::true_type {};

template <typename T>
concept Map = requires {
  typename T::mapped_type;
};

template <typename T>
void walk(T& value, const std::string& path, const Look& look);

// Calls `look` while the value is another one, and puts it back.
template <typename T>
void change(T& value, T other, const std::string& path, const Look& look) {
  std::swap(value, other);
  look(path);
  std::swap(value, other);
}

template <typename T>
void walk_list(std::vector<T>& list, const std::string& path, const Look& look) {
  INFO(path);
  REQUIRE_FALSE(list.empty());
  auto longer = list;
  longer.push_back(list.back());
  change(list, longer, path + " (one more)", look);
  auto shorter = list;
  shorter.pop_back();
  change(list, shorter, path + " (one less)", look);
  if constexpr (std::is_same_v<T, bool>) {
    auto other = list;
    other.back() = !other.back();
    change(list, other, path + "[last]", look);
  } else {
    walk(list.back(), path + "[last]", look);
  }
}

template <typename T>
void walk(T& value, const std::string& path, const Look& look) {
  if constexpr (std::is_same_v<T, bool>) {
    change(value, !value, path, look);
  } else if constexpr (std::is_enum_v<T>) {
    const auto number = static_cast<std::underlying_type_t<T>>(value);
    change(value, static_cast<T>(number == 0 ? 1 : number - 1), path, look);
  } else if constexpr (std::is_arithmetic_v<T>) {
    change(value, static_cast<T>(value + 1), path, look);
  } else if constexpr (std::is_same_v<T, std::string>) {
    change(value, value + "x", path, look);
  } else if constexpr (IsVector<T>::value) {
    walk_list(value, path, look);
  } else if constexpr (Map<T>) {
    INFO(path);
    REQUIRE_FALSE(value.empty());
    T fewer = value;
    fewer.erase(fewer.begin());
    change(value, fewer, path + " (one less)", look);
    walk(value.begin()->second, path + "[first]", look);
  } else {
    static_assert(std::is_aggregate_v<T>, "say here how a field of this type is changed");
    boost::pfr::for_each_field(value, [&](auto& field, std::size_t index) {
      walk(field, path + "." + std::to_string(index), look);
    });
  }
}

// Of a seed in which everything is drawn that can be left out.
Plan full_plan() {
  for (std::uint64_t seed = 1;; ++seed) {
    REQUIRE(seed < 10'000);
    Plan plan = draw_plan(seed, Plant::none);
    const bool apps = plan.service.processes > 0 && !plan.frameworks.back().tasks.empty();
    if (apps && plan.disks.lie && plan.operators && !plan.lending.empty()) return plan;
  }
}

}  // namespace

TEST_CASE("plans that differ in any one field print differently") {
  Plan plan = full_plan();
  const std::string printed = plan.to_text();
  std::size_t fields = 0;
  walk(plan, "plan", [&](const std::string& path) {
    ++fields;
    if (plan.to_text() == printed) FAIL_CHECK(path << " is not printed");
  });
  REQUIRE(plan.to_text() == printed);  // the walk put everything back
  REQUIRE(fields > 130);
}

TEST_CASE("plans of different seeds print differently beyond their seed's number") {
  std::set<std::string> bodies;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    Plan plan = draw_plan(seed, Plant::none);
    plan.seed = 0;
    bodies.insert(plan.to_text());
  }
  REQUIRE(bodies.size() == 50);
}

TEST_CASE("faults are printed with the numbers by which they are kept") {
  const Plan plan = full_plan();
  const std::string text = plan.to_text();
  for (std::size_t i = 0; i < plan.faults.size(); ++i) {
    const std::string line = "fault " + std::to_string(i + 1) + ": " +
                             std::string(name_of(plan.faults[i].kind)) + " at=";
    REQUIRE(text.find(line) != std::string::npos);
  }
}
