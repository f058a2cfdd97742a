#include "agent/core/sessions.hpp"

#include "harness.hpp"
#include "model/session_limits.hpp"

using namespace bourse;
using namespace bourse::agent;
using bourse::agent::test::World;

namespace {

struct Fixture {
  World w;
  Sessions sessions;
  ContainerId container;

  Fixture() {
    w.boot_and_register();
    w.launch(World::task("t"));
    container = w.last<StartContainer>().container_id;
    w.started("t");
  }
  SessionKey key(const std::string& id = "s") const { return {container, id}; }
  Status launch(const SessionKey& session, bool tty = false) {
    return sessions.launch(w.core->state(), session, true, tty);
  }
  std::string refusal(const Status& status) const {
    REQUIRE_FALSE(status.ok());
    return status.error().message;
  }
};

bool has(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a session is in a container that runs, under a name that is not in use") {
  Fixture f;
  REQUIRE(*user_of(f.w.core->state(), f.container) == "user");
  CHECK(has(f.refusal(f.launch({ContainerId("gone"), "s"})), "no container 'gone'"));
  for (const char* bad : {"", ".a", "a/b", "a b"}) {
    CHECK(has(f.refusal(f.launch(f.key(bad))), "must be 1 to 128"));
  }
  CHECK(has(f.refusal(f.launch(f.key(std::string(129, 'a')))), "must be 1 to 128"));
  REQUIRE(f.launch(f.key()).ok());
  CHECK(has(f.refusal(f.launch(f.key())), "is in use"));
  f.sessions.started(f.key());
  f.sessions.ended(f.key(), 0, "");
  CHECK(has(f.refusal(f.launch(f.key())), "is in use"));
  REQUIRE(f.sessions.remove(f.key()).ok());
  CHECK(f.launch(f.key()).ok());
  f.sessions.withdraw(f.key());
  CHECK(f.sessions.find(f.key()) == nullptr);
}

TEST_CASE("a container that does not run yet, or not any more, has no sessions") {
  World w;
  Sessions sessions;
  w.boot_and_register();
  w.launch(World::task("t"));
  const ContainerId container = w.last<StartContainer>().container_id;
  CHECK(sessions.launch(w.core->state(), {container, "s"}, true, false).error().code ==
        ErrorCode::conflict);
  w.started("t");
  REQUIRE(sessions.launch(w.core->state(), {container, "s"}, true, false).ok());
  w.exited("t", 0);
  CHECK_FALSE(sessions.launch(w.core->state(), {container, "s2"}, true, false).ok());
}

TEST_CASE("a container has so many sessions that live, and those that ended do not count") {
  Fixture f;
  for (std::size_t i = 0; i < limits::kMaxSessionsPerContainer; ++i) {
    REQUIRE(f.launch(f.key("s" + std::to_string(i))).ok());
  }
  CHECK(has(f.refusal(f.launch(f.key("more"))), "has 16 sessions, its most"));
  f.sessions.ended(f.key("s3"), 9, "");
  CHECK(f.launch(f.key("more")).ok());
}

TEST_CASE("an agent has so many sessions in all its containers") {
  World w("cpus:1000;mem:100000;disk:1000");
  Sessions sessions;
  w.boot_and_register();
  std::size_t made = 0;
  Status last;
  for (int t = 0; last.ok() && t < 20; ++t) {
    const std::string id = "t" + std::to_string(t);
    w.launch(World::task(id.c_str()));
    const ContainerId container = w.last<StartContainer>().container_id;
    w.started(id.c_str());
    for (std::size_t i = 0; last.ok() && i < limits::kMaxSessionsPerContainer; ++i) {
      last = sessions.launch(w.core->state(), {container, std::to_string(i)}, true, false);
      made += last.ok() ? 1 : 0;
    }
  }
  CHECK(made == limits::kMaxSessionsPerAgent);
  CHECK(has(last.error().message, "this agent has 256 sessions"));
}

TEST_CASE("of sessions that ended the oldest is forgotten first") {
  Fixture f;
  for (std::size_t i = 0; i <= limits::kMaxEndedSessions; ++i) {
    const SessionKey key = f.key("s" + std::to_string(i));
    REQUIRE(f.launch(key).ok());
    f.sessions.ended(key, 0, "");
  }
  CHECK(f.sessions.table().size() == limits::kMaxEndedSessions);
  CHECK(f.sessions.find(f.key("s0")) == nullptr);
  CHECK(f.sessions.find(f.key("s1")) != nullptr);
}

TEST_CASE("the input of a session has one writer, and an end") {
  Fixture f;
  CHECK(f.sessions.attach_input(f.key()).error().code == ErrorCode::not_found);
  REQUIRE(f.launch(f.key()).ok());
  REQUIRE(f.sessions.attach_input(f.key()).ok());
  CHECK(has(f.refusal(f.sessions.attach_input(f.key())), "another connection"));
  f.sessions.detach_input(f.key());
  REQUIRE(f.sessions.attach_input(f.key()).ok());
  REQUIRE(f.sessions.end_input(f.key()).ok());
  f.sessions.detach_input(f.key());
  CHECK(has(f.refusal(f.sessions.attach_input(f.key())), "has ended"));
  REQUIRE(f.launch(f.key("tty"), true).ok());
  REQUIRE(f.sessions.end_input(f.key("tty")).ok());
  CHECK(f.sessions.attach_input(f.key("tty")).ok());  // Ctrl-D ends no terminal
}

TEST_CASE("a session has so many readers and so many calls that wait for its end") {
  Fixture f;
  REQUIRE(f.launch(f.key()).ok());
  for (std::size_t i = 0; i < limits::kMaxReadersPerSession; ++i) {
    REQUIRE(f.sessions.attach_output(f.key()).ok());
  }
  CHECK(has(f.refusal(f.sessions.attach_output(f.key())), "16 readers"));
  f.sessions.detach_output(f.key());
  CHECK(f.sessions.attach_output(f.key()).ok());
  for (std::size_t i = 0; i < limits::kMaxWaitersPerSession; ++i) {
    REQUIRE(f.sessions.wait(f.key()).ok());
  }
  CHECK(has(f.refusal(f.sessions.wait(f.key())), "64 calls"));
  f.sessions.waited(f.key());
  CHECK(f.sessions.wait(f.key()).ok());
}

TEST_CASE("a size is for a terminal, a signal for who lives, a removal for who does not") {
  Fixture f;
  REQUIRE(f.launch(f.key()).ok());
  REQUIRE(f.launch(f.key("tty"), true).ok());
  CHECK(has(f.refusal(f.sessions.resize(f.key(), 24, 80)), "no terminal"));
  CHECK(f.sessions.resize(f.key("tty"), 24, 80).ok());
  CHECK(has(f.refusal(f.sessions.resize(f.key("tty"), 0, 80)), "0 rows and 80 columns"));
  CHECK(has(f.refusal(f.sessions.signal(f.key(), 65)), "65 is not between 1 and 64"));
  CHECK(f.sessions.signal(f.key(), 15).ok());
  CHECK(has(f.refusal(f.sessions.remove(f.key())), "kill it first"));
  f.sessions.ended(f.key(), 15, "");
  CHECK(has(f.refusal(f.sessions.signal(f.key(), 15)), "has ended"));
  CHECK(f.sessions.remove(f.key()).ok());
  CHECK(f.sessions.signal(f.key(), 15).error().code == ErrorCode::not_found);
}
