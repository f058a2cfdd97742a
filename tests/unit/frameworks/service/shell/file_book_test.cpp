// The book in a real file: who leads on it, and how long it gets.
#include "frameworks/service/shell/file_book.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>
#include <optional>

using namespace bourse;
using namespace bourse::service;

namespace {

struct Directory {
  Directory() {
    char name[] = "/tmp/bourse-file-book-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    path = name;
  }
  ~Directory() { std::filesystem::remove_all(path); }
  std::string path;
};

// One scheduler's store, as far as a test drives it.
struct Contender {
  Contender(runtime::Loop& loop_arg, const std::string& path, const std::string& address)
      : loop(loop_arg), book(std::make_unique<FileBook>(path)) {
    StoreHandlers handlers;
    handlers.on_lead = [this](Book found) {
      led = std::move(found);
      loop.stop();
    };
    handlers.on_leader = [this](const std::string& who) {
      leader = who;
      loop.stop();
    };
    handlers.on_end = [this](const Error& reason) {
      ended = reason.message;
      loop.stop();
    };
    REQUIRE(book->start(loop, address, std::move(handlers)).ok());
    turn();
  }

  void turn() { REQUIRE(loop.run_for(Duration::seconds(20))); }

  runtime::Loop& loop;
  std::unique_ptr<FileBook> book;
  std::optional<Book> led;
  std::string leader;
  std::string ended;
};

ServiceCommand put(std::uint64_t version) {
  AppVersion out;
  out.version = version;
  out.task_version = 1;
  out.definition.task.shell = "true";
  out.definition.policy.instances = static_cast<std::uint32_t>(version % 2);
  return PutApp{AppId("web"), 1, out, 1};
}

}  // namespace

TEST_CASE("whoever holds the lock of the file leads, the next one when it lets go") {
  Directory directory;
  runtime::Loop loop;
  const std::string path = directory.path + "/sub/services.db";
  Contender first(loop, path, "127.0.0.1:1111");
  REQUIRE(first.led);
  CHECK(first.led->apps.empty());
  bool stored = false;
  first.book->store({put(1)}, [&](const runtime::WriteResult& result) {
    stored = result.outcome == runtime::WriteOutcome::stored;
    loop.stop();
  });
  first.turn();
  REQUIRE(stored);
  Contender second(loop, path, "127.0.0.1:2222");
  CHECK_FALSE(second.led);
  CHECK(second.leader == "127.0.0.1:1111");
  first.book.reset();
  second.turn();
  REQUIRE(second.led);
  CHECK(second.led->apps.at(AppId("web")).current.version == 1);
  Contender third(loop, path, "127.0.0.1:3333");
  CHECK(third.leader == "127.0.0.1:2222");
}

TEST_CASE("a holder stands still after so many looks in a row that found it where it was") {
  LockWatch watch(3);
  CHECK_FALSE(watch.stands_still("7 1"));
  CHECK_FALSE(watch.stands_still("7 1"));
  CHECK_FALSE(watch.stands_still("7 1"));
  CHECK_FALSE(watch.stands_still("7 2"));
  CHECK_FALSE(watch.stands_still("7 2"));
  CHECK_FALSE(watch.stands_still("7 2"));
  CHECK(watch.stands_still("7 2"));
  // It is asked for again only after as many looks more.
  CHECK_FALSE(watch.stands_still("7 2"));
  CHECK_FALSE(watch.stands_still("7 2"));
  CHECK(watch.stands_still("7 2"));
  // A build that does not say whether it moves is never taken to stand still.
  for (int look = 0; look < 10; ++look) CHECK_FALSE(watch.stands_still(""));
}

TEST_CASE("only the process that holds the lock is ended, and then the lock is free") {
  Directory directory;
  const std::string path = directory.path + "/lock";
  StoreLock lock(path);
  REQUIRE(lock.open().ok());
  CHECK(lock.holder().pid == 0);
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    StoreLock own(path);
    const bool has = own.open().ok() && own.take().ok() && own.say("a:1").ok();
    (void)!::write(ready[1], has ? "y" : "n", 1);
    ::pause();
    ::_exit(0);
  }
  char has = 0;
  REQUIRE(::read(ready[0], &has, 1) == 1);
  REQUIRE(has == 'y');
  CHECK_FALSE(lock.take().value());
  const StoreLock::Holder holder = lock.holder();
  CHECK(holder.address == "a:1");
  REQUIRE(holder.pid == child);
  // Another process that the file names, by mistake or by malice.
  StoreLock::Holder other = holder;
  other.pid = ::getppid();
  CHECK_FALSE(lock.end(other).ok());
  other.pid = ::getpid();
  CHECK_FALSE(lock.end(other).ok());
  REQUIRE(lock.end(holder).ok());
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WTERMSIG(status) == SIGKILL);
  CHECK(lock.take().value());
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_CASE("a file whose log has grown is rewritten while it is led, and says the same") {
  Directory directory;
  runtime::Loop loop;
  const std::string path = directory.path + "/services.db";
  Book last;
  {
    Contender first(loop, path, "a:1");
    REQUIRE(first.led);
    std::size_t answered = 0;
    constexpr std::size_t kWrites = 300;
    std::uint64_t version = 0;
    for (std::size_t write = 0; write < kWrites; ++write) {
      std::vector<ServiceCommand> commands;
      for (int i = 0; i < 50; ++i) {
        commands.push_back(put(++version));
        REQUIRE(service::apply(last, commands.back()).ok());
      }
      first.book->store(commands, [&](const runtime::WriteResult& result) {
        REQUIRE(result.outcome == runtime::WriteOutcome::stored);
        if (++answered == kWrites) loop.stop();
      });
    }
    first.turn();
  }
  auto opened = runtime::RecordStore::open(loop, path);
  REQUIRE(opened.ok());
  CHECK(opened->records.size() < 100);
  opened->store.reset();
  Contender second(loop, path, "a:2");
  REQUIRE(second.led);
  CHECK(second.led->apps == last.apps);
}

TEST_CASE("a file that is no store ends the one that would lead on it") {
  Directory directory;
  runtime::Loop loop;
  std::filesystem::create_directories(directory.path + "/services.db");
  Contender only(loop, directory.path + "/services.db", "a:1");
  CHECK_FALSE(only.led);
  CHECK(only.ended.find("services.db") != std::string::npos);
}
