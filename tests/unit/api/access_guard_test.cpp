#include "api/access_guard.hpp"

#include <catch2/catch.hpp>

#include "runtime/http_basic.hpp"

using namespace bourse;
using namespace bourse::api;
using Kind = Verdict::Kind;

namespace {

// Two accounts, one of them kept as a hash, and everything asked for.
struct World {
  Instant now;
  AccessGuard guard{{true, true, true},
                    {{"ops", "secret"}, {"hashed", "$6$what-it-was-made-of"}},
                    {7, 8},
                    {3, Duration::seconds(1), 100}};

  Verdict judge(const std::string& user, const std::string& password,
                Access access = Access::readwrite, const std::string& address = "10.0.0.1") {
    const std::string header = runtime::basic_authorization(user, password);
    return guard.judge(access, &header, address, now);
  }
};

}  // namespace

TEST_CASE("who proves to be a principal is that one in each realm, others are refused") {
  World world;
  for (const Access access : {Access::readonly, Access::readwrite, Access::scheduler}) {
    const Verdict right = world.judge("ops", "secret", access);
    CHECK(right.kind == Kind::passes);
    CHECK(right.principal == "ops");
    CHECK(world.guard.judge(access, nullptr, "10.0.0.1", world.now).kind == Kind::refused);
  }
  CHECK(world.guard.wrong_passwords() == 0);
  const Verdict wrong = world.judge("ops", "Secret");
  const Verdict unknown = world.judge("nobody", "secret");
  CHECK(wrong.kind == Kind::refused);
  CHECK(wrong.sentence == unknown.sentence);  // it does not say which of the two
  CHECK(world.guard.wrong_passwords() == 2);
}

TEST_CASE("where nobody is asked an Authorization header means nothing, right or wrong") {
  World world;
  world.guard = AccessGuard({false, true, false}, {{"ops", "secret"}}, {7, 8});
  for (const Access access : {Access::open, Access::readonly, Access::scheduler}) {
    for (const char* password : {"secret", "wrong"}) {
      const Verdict verdict = world.judge("ops", password, access);
      CHECK(verdict.kind == Kind::passes);
      CHECK(verdict.principal.empty());
    }
  }
  CHECK(world.judge("ops", "wrong").kind == Kind::refused);
  CHECK(world.guard.wrong_passwords() == 1);
}

TEST_CASE("a hash is asked for once, and what was right is known from then on") {
  World world;
  CHECK(world.guard.needs_hashes());
  const Verdict asked = world.judge("hashed", "secret");
  REQUIRE(asked.kind == Kind::costs);
  CHECK(asked.password == "secret");
  CHECK(asked.hash == "$6$what-it-was-made-of");
  CHECK(world.guard.settle(asked, "10.0.0.1", true).principal == "hashed");
  CHECK(world.judge("hashed", "secret").kind == Kind::passes);
  CHECK(world.judge("hashed", "other").kind == Kind::costs);
  CHECK(world.judge("hashed", "$6$what-it-was-made-of").kind == Kind::costs);  // no password
}

TEST_CASE("an address that guesses is not heard for a while, not even when it is right") {
  World world;
  for (int i = 0; i < 3; ++i) CHECK(world.judge("ops", "guess").kind == Kind::refused);
  CHECK(world.judge("ops", "guess").kind == Kind::limited);
  CHECK(world.judge("ops", "secret").kind == Kind::limited);
  CHECK(world.guard.wrong_passwords() == 3);
  // Neither another address nor another account pays for it.
  CHECK(world.judge("ops", "secret", Access::readwrite, "10.0.0.2").kind == Kind::passes);
  CHECK(world.judge("hashed", "secret").kind == Kind::costs);
  world.now = world.now + Duration::seconds(1);
  CHECK(world.judge("ops", "secret").kind == Kind::passes);
}

TEST_CASE("guesses at a hash count before they are answered, and those that were right do not") {
  World world;
  std::vector<Verdict> asked;
  for (int i = 0; i < 3; ++i) asked.push_back(world.judge("hashed", "g" + std::to_string(i)));
  CHECK(world.judge("hashed", "secret").kind == Kind::limited);
  CHECK(world.guard.settle(asked[0], "10.0.0.1", false).kind == Kind::refused);
  CHECK(world.judge("hashed", "secret").kind == Kind::limited);
  CHECK(world.guard.settle(asked[1], "10.0.0.1", true).kind == Kind::passes);
  CHECK(world.judge("hashed", "secret").kind == Kind::costs);
}

TEST_CASE("accounts that are replaced: who stayed is known as before, who left or changed is not") {
  World world;
  CHECK(world.guard.settle(world.judge("hashed", "secret"), "10.0.0.1", true).kind == Kind::passes);
  for (int i = 0; i < 3; ++i) CHECK(world.judge("ops", "guess").kind == Kind::refused);
  const Verdict under_way = world.judge("hashed", "other");
  REQUIRE(under_way.kind == Kind::costs);
  // One more before the others in order: nobody is taken for somebody else.
  world.guard.set_accounts({{"ops", "new"}, {"first", "f"}, {"hashed", "$6$what-it-was-made-of"}});
  CHECK(world.judge("first", "f").principal == "first");
  CHECK(world.judge("hashed", "secret").principal == "hashed");
  // Guessing goes on where it was.
  CHECK(world.judge("ops", "new").kind == Kind::limited);
  world.now = world.now + Duration::seconds(1);
  CHECK(world.judge("ops", "secret").kind == Kind::refused);
  CHECK(world.judge("ops", "new", Access::readwrite, "10.0.0.2").principal == "ops");
  // What is right for a hash that is gone is wrong.
  world.guard.set_accounts({{"hashed", "$6$made-of-another"}});
  CHECK(world.guard.settle(under_way, "10.0.0.1", true).kind == Kind::refused);
  CHECK(world.judge("hashed", "secret").kind == Kind::costs);
  CHECK(world.judge("ops", "new", Access::readwrite, "10.0.0.2").kind == Kind::refused);
  world.guard.set_accounts({});
  CHECK_FALSE(world.guard.needs_hashes());
  CHECK(world.guard.settle(under_way, "10.0.0.1", true).kind == Kind::refused);
}
