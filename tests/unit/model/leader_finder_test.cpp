#include <catch2/catch.hpp>
#include <set>

#include "model/leader_finder.hpp"

using namespace bourse;

namespace {

// A finder and its clock.
struct Seeker {
  explicit Seeker(std::vector<std::string> addresses, std::uint64_t seed = 1)
      : finder(std::move(addresses), seed) {}

  std::optional<std::string> tell(const FinderInput& input) { return finder.step(now, input); }
  // Lets time pass to the next deadline.
  std::optional<std::string> wait() {
    REQUIRE(finder.next_deadline() != Instant::max());
    now = finder.next_deadline();
    return finder.step(now, finder::Tick{});
  }
  // The leader l:9 did not answer, and the only master there is names it again.
  void doubts_leader() {
    tell(finder::Started{});
    tell(finder::Elsewhere{"l:9"});
    tell(finder::Lost{});
    REQUIRE(wait() == "a:1");
    tell(finder::Connected{});
    REQUIRE_FALSE(tell(finder::Elsewhere{"l:9"}));
  }

  Instant now{1'000'000'000};
  LeaderFinder finder;
};

const std::vector<std::string> kThree{"a:1", "b:2", "c:3"};

}  // namespace

TEST_CASE("a list of masters names the entry that is none") {
  REQUIRE(parse_masters("h1:5060,[::1]:5061", "--master").value() ==
          std::vector<std::string>{"h1:5060", "[::1]:5061"});
  for (const char* bad : {"", "h1", "h1:", "h1:0", "h1:70000", "h1:50x", ":5060", "h1:5060,"}) {
    INFO(bad);
    const auto parsed = parse_masters(bad, "--master");
    REQUIRE_FALSE(parsed.ok());
    CHECK(parsed.error().message.starts_with("--master: '"));
  }
  CHECK(parse_masters("h1:5060,h2", "--master").error().message.find("'h2'") != std::string::npos);
}

TEST_CASE("a crowd does not begin with the same master, and each tries all of them") {
  std::set<std::string> first;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    Seeker seeker(kThree, seed);
    std::set<std::string> tried;
    tried.insert(seeker.tell(finder::Started{}).value());
    first.insert(*tried.begin());
    tried.insert(seeker.wait().value());  // nobody answered
    tried.insert(seeker.tell(finder::Lost{}).value());
    CHECK(tried.size() == 3);
  }
  CHECK(first.size() == 3);
}

TEST_CASE("a master that does not lead sends on to the one that does") {
  Seeker seeker(kThree);
  const std::string first = seeker.tell(finder::Started{}).value();
  CHECK_FALSE(seeker.tell(finder::Connected{}));
  CHECK(seeker.tell(finder::Elsewhere{"d:4"}) == "d:4");
  CHECK_FALSE(seeker.tell(finder::Connected{}));
  CHECK_FALSE(seeker.tell(finder::Registered{}));
  CHECK(seeker.finder.next_deadline() == Instant::max());
}

TEST_CASE("while nobody leads it stays where it will be told") {
  Seeker seeker(kThree);
  const std::string first = seeker.tell(finder::Started{}).value();
  seeker.tell(finder::Connected{});
  CHECK_FALSE(seeker.tell(finder::Elsewhere{""}));
  CHECK_FALSE(seeker.tell(finder::Elsewhere{""}));
  // The one it asked leads now.
  CHECK(seeker.tell(finder::Elsewhere{first}) == first);
}

TEST_CASE("a dead leader that others still name is not believed") {
  Seeker seeker({"a:1", "b:2"});
  seeker.tell(finder::Started{});
  seeker.tell(finder::Elsewhere{"l:9"});
  seeker.tell(finder::Connected{});
  seeker.tell(finder::Registered{});
  const auto other = seeker.tell(finder::Lost{});
  REQUIRE(other);
  seeker.tell(finder::Connected{});
  CHECK_FALSE(seeker.tell(finder::Elsewhere{"l:9"}));
  CHECK(seeker.tell(finder::Elsewhere{"n:8"}) == "n:8");
}

TEST_CASE("a dead leader is believed again after a while") {
  Seeker seeker({"a:1"});
  seeker.doubts_leader();
  seeker.now = seeker.now + LeaderFinderConfig{}.distrust;
  CHECK(seeker.tell(finder::Elsewhere{"l:9"}) == "l:9");
}

TEST_CASE("a leader that is named again after nobody was is believed at once") {
  Seeker seeker({"a:1"});
  seeker.doubts_leader();
  REQUIRE_FALSE(seeker.tell(finder::Elsewhere{""}));
  CHECK(seeker.tell(finder::Elsewhere{"l:9"}) == "l:9");
}

TEST_CASE("a leader that is doubted is tried once the doubt is old, without being named again") {
  Seeker seeker({"a:1"});
  seeker.doubts_leader();
  CHECK(seeker.finder.next_deadline() - seeker.now <= LeaderFinderConfig{}.distrust);
  CHECK(seeker.wait() == "l:9");
}

TEST_CASE("masters that name each other for ever are left for a pause") {
  Seeker seeker({"a:1"});
  seeker.tell(finder::Started{});
  int hops = 0;
  bool to_b = true;
  while (seeker.tell(finder::Elsewhere{to_b ? "b:2" : "a:1"})) {
    to_b = !to_b;
    ++hops;
    REQUIRE(hops < 20);
  }
  CHECK(hops == static_cast<int>(LeaderFinderConfig{}.most_hops));
  CHECK(seeker.finder.next_deadline() > seeker.now);
}

TEST_CASE("being told that nobody leads begins the count of hints anew") {
  Seeker seeker(kThree);
  seeker.tell(finder::Started{});
  seeker.tell(finder::Connected{});
  for (int i = 0; i < 4; ++i) seeker.tell(finder::Elsewhere{i % 2 == 0 ? "x:1" : "y:1"});
  CHECK_FALSE(seeker.tell(finder::Elsewhere{""}));
  CHECK(seeker.tell(finder::Elsewhere{"z:1"}) == "z:1");
}

TEST_CASE("told that a leader stands behind where it waits, it asks there again") {
  Seeker seeker(kThree);
  const std::string first = seeker.tell(finder::Started{}).value();
  seeker.tell(finder::Connected{});
  CHECK_FALSE(seeker.tell(finder::Elsewhere{""}));
  CHECK_FALSE(seeker.tell(finder::Here{}));
  CHECK(seeker.finder.address() == first);
  CHECK_FALSE(seeker.tell(finder::Registered{}));
  CHECK(seeker.finder.next_deadline() == Instant::max());
  // And when nobody answers after all, the others are asked.
  CHECK_FALSE(seeker.tell(finder::Elsewhere{""}));
  CHECK_FALSE(seeker.tell(finder::Here{}));
  CHECK(seeker.wait().value() != first);
}

TEST_CASE("rounds without a leader wait longer each time, and jittered") {
  std::set<std::int64_t> firsts;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Seeker seeker({"a:1"}, seed);
    seeker.tell(finder::Started{});
    for (int round = 0; round < 8; ++round) {
      REQUIRE_FALSE(seeker.tell(finder::Lost{}));
      const Duration pause = seeker.finder.next_deadline() - seeker.now;
      if (round == 0) firsts.insert(pause.ns);
      CHECK(pause >= Duration::milliseconds(100));
      CHECK(pause <= LeaderFinderConfig{}.pause_max);
      if (round == 7) CHECK(pause >= LeaderFinderConfig{}.pause_max / 2);
      REQUIRE(seeker.wait() == "a:1");
    }
  }
  CHECK(firsts.size() > 10);
}

TEST_CASE("a leader that ZooKeeper names and that does not answer is tried again and again") {
  Seeker seeker({});
  seeker.tell(finder::Started{});
  REQUIRE(seeker.tell(finder::Learned{"l:1"}) == "l:1");
  for (int i = 0; i < 5; ++i) {
    REQUIRE_FALSE(seeker.wait());  // it does not answer
    REQUIRE(seeker.wait() == "l:1");
  }
  REQUIRE_FALSE(seeker.tell(finder::Lost{}));
  // Gone and back under the same address.
  REQUIRE_FALSE(seeker.tell(finder::Learned{""}));
  REQUIRE_FALSE(seeker.tell(finder::Learned{"l:1"}));
  CHECK(seeker.wait() == "l:1");
}

TEST_CASE("with ZooKeeper alone it waits to be told and follows what it is told") {
  Seeker seeker({});
  CHECK_FALSE(seeker.tell(finder::Started{}));
  CHECK(seeker.finder.next_deadline() == Instant::max());
  CHECK_FALSE(seeker.tell(finder::Learned{""}));
  CHECK(seeker.tell(finder::Learned{"l:1"}) == "l:1");
  seeker.tell(finder::Connected{});
  CHECK_FALSE(seeker.tell(finder::Learned{"l:1"}));
  seeker.tell(finder::Registered{});
  CHECK(seeker.tell(finder::Learned{"m:2"}) == "m:2");
}
