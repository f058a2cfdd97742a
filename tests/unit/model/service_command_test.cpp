#include "model/service_command.hpp"

#include <catch2/catch.hpp>

#include "model/limits.hpp"

using namespace bourse;
using namespace bourse::service;

namespace {

AppVersion version(std::uint64_t number) {
  AppVersion out;
  out.version = number;
  out.task_version = number;
  out.definition.task.shell = "v" + std::to_string(number);
  return out;
}

void must(Book& book, const ServiceCommand& command) {
  const Status applied = apply(book, command);
  REQUIRE(applied.ok());
}

std::string why_not(Book& book, const ServiceCommand& command) {
  const Book before = book;
  const Status applied = apply(book, command);
  REQUIRE_FALSE(applied.ok());
  CHECK(book == before);
  return applied.error().message;
}

}  // namespace

TEST_CASE("a service book's snapshot rebuilds it, numbers that were given included") {
  Book book;
  must(book, SetFramework{"F1", 7});
  must(book, PutApp{AppId("web"), 7, version(1), 1});
  must(book, PutApp{AppId("web"), 7, version(2), 1});
  must(book, AddInstance{AppId("web"), {1, 1, AgentId("S1"), "h", {}, {{"rack", "r1"}}, {}}});
  must(book, AddInstance{AppId("web"), {2, 2, AgentId("S2"), "h", {}, {}, {}}});
  must(book, EndInstance{AppId("web"), 2});
  must(book, PutApp{AppId("old"), 8, version(1), 1});
  must(book, RemoveApp{AppId("old")});
  must(book, PutApp{AppId("gone"), 9, version(1), 1});
  must(book, ForgetApp{AppId("gone")});
  CHECK(book.next_incarnation == 10);
  CHECK(book.apps.at(AppId("web")).next_number == 3);
  Book copy;
  for (const ServiceCommand& command : snapshot(book)) must(copy, command);
  CHECK(copy == book);
}

TEST_CASE("a service command that does not fit the book changes nothing") {
  Book book;
  must(book, PutApp{AppId("web"), 1, version(3), 1});
  must(book, AddInstance{AppId("web"), {1, 1, {}, {}, {}, {}, {}}});
  CHECK(why_not(book, PutApp{AppId("web"), 1, version(3), 1}).find("not below 3") !=
        std::string::npos);
  CHECK(why_not(book, PutApp{AppId("web"), 2, version(4), 1}).find("incarnation 1") !=
        std::string::npos);
  CHECK(why_not(book, AddInstance{AppId("web"), {1, 1, {}, {}, {}, {}, {}}}).find("already") !=
        std::string::npos);
  CHECK(why_not(book, EndInstance{AppId("web"), 2}) == "app: 'web' has no instance 2");
  for (const ServiceCommand& command :
       {ServiceCommand(RemoveApp{AppId("no")}), ServiceCommand(ForgetApp{AppId("no")}),
        ServiceCommand(AddInstance{AppId("no"), {}}),
        ServiceCommand(EndInstance{AppId("no"), 1})}) {
    CHECK(why_not(book, command) == "app: 'no' is not in the book");
  }
}

TEST_CASE("a service book keeps the newest versions of an app and forgets the oldest") {
  Book book;
  for (std::uint64_t i = 1; i <= limits::kMaxEarlierVersions + 5; ++i) {
    must(book, PutApp{AppId("web"), 1, version(i), 1});
  }
  const AppRecord& record = book.apps.at(AppId("web"));
  CHECK(record.earlier.size() == limits::kMaxEarlierVersions);
  CHECK(record.earlier.front().version == 5);
  CHECK(record.current.version == limits::kMaxEarlierVersions + 5);
}
