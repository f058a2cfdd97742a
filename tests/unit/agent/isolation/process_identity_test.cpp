#include "agent/isolation/process_identity.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cerrno>
#include <csignal>

namespace bourse::isolation {

TEST_CASE("the stat line of a process with a hostile name is still read right") {
  const auto stat = parse_process_stat(
      "123 (a) R 1 (b) ) S 77 88 99 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 5555 1 2 3\n");
  REQUIRE(stat);
  CHECK(stat->state == 'S');
  CHECK(stat->parent == 77);
  CHECK(stat->session == 99);
  CHECK(stat->start_time == 5555);
  CHECK_FALSE(parse_process_stat("123 (a) S 1 2 3"));
  CHECK_FALSE(parse_process_stat(""));
}

TEST_CASE("a pid that now belongs to a later process is not taken for the earlier one") {
  const ProcessIdentity self = identify(::getpid());
  CHECK(self.start_time > 0);
  CHECK(is_alive(self));
  CHECK_FALSE(is_alive({self.pid, self.start_time - 1}));
  CHECK(signal_process({self.pid, self.start_time - 1}, SIGKILL) == ESRCH);
  CHECK_FALSE(is_alive({}));
  CHECK(boot_id().size() == 36);
}

TEST_CASE("a zombie is dead and descendants are found over generations") {
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const pid_t grandchild = ::fork();
    if (grandchild == 0) {
      ::setsid();
      [[maybe_unused]] const ssize_t wrote = ::write(ready[1], "x", 1);
      while (true) ::pause();
    }
    while (true) ::pause();
  }
  char byte = 0;
  REQUIRE(::read(ready[0], &byte, 1) == 1);
  const ProcessIdentity identity = identify(child);
  const auto below = descendants_of(::getpid());
  CHECK(std::find(below.begin(), below.end(), child) != below.end());
  CHECK(below.size() >= 2);
  for (const pid_t pid : below) ::kill(pid, SIGKILL);
  siginfo_t info{};
  REQUIRE(::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT) == 0);
  CHECK_FALSE(is_alive(identity));
  ::waitpid(child, nullptr, 0);
  ::close(ready[0]);
  ::close(ready[1]);
}

}  // namespace bourse::isolation
