// The service scheduler's book as records and as entries, and its documents.
#include <catch2/catch.hpp>
#include <map>

#include "base/prng.hpp"
#include "model/limits.hpp"
#include "proto/codec/json.hpp"
#include "proto/codec/service_api.hpp"
#include "proto/codec/service_entries.hpp"
#include "proto/codec/service_records.hpp"
#include "proto/internal/service_api.pb.h"
#include "tests/unit/proto/codec/sample.hpp"

using namespace bourse;
using namespace bourse::codec;
using namespace bourse::service;

namespace {

// Whatever could happen to a few apps, some of which a book refuses.
ServiceCommand random_command(Prng& rng, const Book& book) {
  const AppId id("app-" + std::to_string(rng.below(4)));
  const auto it = book.apps.find(id);
  const std::uint64_t version = it == book.apps.end() ? 1 : it->second.current.version + 1;
  const std::uint64_t life = it == book.apps.end() ? book.next_incarnation : it->second.incarnation;
  AppVersion made = sample::app_version();
  made.version = version;
  made.definition.policy.instances = static_cast<std::uint32_t>(rng.below(9));
  InstanceRecord instance = sample::app_instance();
  instance.number = it == book.apps.end() ? 1 : it->second.next_number;
  switch (rng.below(12)) {
    case 0:
      return SetFramework{"F" + std::to_string(rng.below(3)), rng.below(5)};
    case 1:
      return RemoveApp{id};
    case 2:  // as the scheduler does: when the last instance has ended
      if (it != book.apps.end() && !it->second.instances.empty()) return RemoveApp{id};
      return ForgetApp{id};
    case 3:
    case 4:
    case 5:
      return EndInstance{id, 1 + rng.below(instance.number + 1)};
    case 6:
    case 7:
    case 8:
      return AddInstance{id, instance};
    default:
      return PutApp{id, life, made, rng.below(5)};
  }
}

std::string why_not(const std::string& json) {
  const auto read = decode_app(json);
  return read.ok() ? "" : read.error().message;
}

}  // namespace

TEST_CASE("every service command comes back from its record") {
  std::size_t kind = 0;
  for (const ServiceCommand& command : sample::service_commands()) {
    CAPTURE(command.index());
    CHECK(command.index() == kind++);
    const std::string record = encode_service_command(command);
    CHECK(static_cast<std::size_t>(record[1]) == command.index() + 1);
    const auto decoded = decode_service_command(record);
    if (!decoded) FAIL(decoded.error().message);
    CHECK(decoded->index() == command.index());
    CHECK(encode_service_command(*decoded) == record);
    std::string torn = record;
    for (std::size_t i = 0; i < record.size(); ++i) {
      torn[i] = static_cast<char>(torn[i] ^ 0x10);
      CHECK_FALSE(decode_service_command(torn).ok());
      torn[i] = record[i];
      CHECK_FALSE(decode_service_command(record.substr(0, i)).ok());
    }
  }
  CHECK(kind == std::variant_size_v<ServiceCommand>);
}

TEST_CASE("a book kept as entries is the book of its commands, whatever happened") {
  Prng rng(7);
  for (int run = 0; run < 20; ++run) {
    Book book, ahead;
    std::map<std::string, std::string> store;
    for (int step = 0; step < 400; ++step) {
      const ServiceCommand command = random_command(rng, book);
      if (!apply(book, command).ok()) continue;
      std::size_t keys = 0;
      for (const auto& [key, value] : apply_service_commands(ahead, {command})) {
        ++keys;
        if (value) {
          store[key] = *value;
        } else {
          store.erase(key);
        }
      }
      CHECK(keys <= limits::kMaxShardsPerMulti);
      const auto read = decode_service_book({store.begin(), store.end()});
      if (!read.ok()) FAIL(read.error().message);
      // Nothing is known of a framework before the first entry about it.
      CHECK(read->apps == book.apps);
      CHECK(read->framework_id == book.framework_id);
      CHECK(read->next_incarnation == book.next_incarnation);
    }
    const auto whole = encode_service_book(book);
    const auto read = decode_service_book(whole);
    REQUIRE(read.ok());
    CHECK(*read == book);
  }
}

TEST_CASE("instances that are written together need no more keys than a store takes") {
  Book book;
  std::vector<ServiceCommand> adds, ends;
  REQUIRE(apply(book, PutApp{AppId("web"), 1, sample::app_version(), 1}).ok());
  for (std::uint64_t n = 1; n <= limits::kMaxInstancesPerWrite; ++n) {
    InstanceRecord instance = sample::app_instance();
    instance.number = n;
    adds.emplace_back(AddInstance{AppId("web"), instance});
    ends.emplace_back(EndInstance{AppId("web"), n});
  }
  CHECK(apply_service_commands(book, adds).size() <= limits::kMaxShardsPerMulti);
  CHECK(apply_service_commands(book, ends).size() <= limits::kMaxShardsPerMulti);
}

TEST_CASE("a damaged or foreign service entry is refused by its key") {
  Book book;
  for (const ServiceCommand& command : sample::service_commands()) {
    if (command.index() < 2 || command.index() == 4) REQUIRE(apply(book, command).ok());
  }
  const auto good = encode_service_book(book);
  REQUIRE(decode_service_book(good).ok());
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (std::size_t cut = 0; cut < good[i].second.size(); ++cut) {
      auto bad = good;
      bad[i].second.resize(cut);
      const auto read = decode_service_book(bad);
      REQUIRE_FALSE(read.ok());
      CHECK(read.error().message.find("'" + good[i].first + "'") != std::string::npos);
    }
  }
  auto foreign = good;
  foreign.emplace_back("agent/S1", "x");
  CHECK(decode_service_book(foreign).error().code == ErrorCode::unsupported);
  auto moved = good;
  moved.back().first = "instance/other/9";
  CHECK(decode_service_book(moved).error().message ==
        "service entry 'instance/other/9': holds what belongs elsewhere");
}

TEST_CASE("an app's document comes back as it was, and unset fields have their defaults") {
  service_api::App out;
  const AppVersion version = sample::app_version();
  write_app(AppId("web"), version.definition, out);
  const auto again = decode_app(to_json(out));
  if (!again.ok()) FAIL(again.error().message);
  CHECK(again->id == "web");
  CHECK(again->definition == version.definition);
  const auto plain = decode_app(R"({"command":"true"})");
  REQUIRE(plain.ok());
  AppDefinition expected;
  expected.task.shell = "true";
  CHECK(plain->definition == expected);
}

TEST_CASE("a document with a slip of the pen is refused by its field") {
  CHECK(why_not(R"({"command":"x","instanses":3})").starts_with("'instanses' is not known here"));
  CHECK(why_not(R"({"backoff":{"first":3}})")
            .starts_with("'first' is not known here in 'backoff': known are first_seconds"));
  CHECK(why_not(R"({"instances":"many"})") ==
        "'instances' is 'many': it must be a whole number from 0 to 4294967295");
  CHECK(why_not(R"({"cpus":-1})").starts_with("'cpus' is -1"));
  CHECK(why_not(R"({"constraints":[{"attribute":"rack","operator":"near"}]})") ==
        "constraints[0].operator: 'near' must be equals, unlike, exists, unique or max_per");
  CHECK(why_not(R"({"constraints":[{"attribute":"rack","operator":"max_per"}]})") ==
        "constraints[0].count: is missing; give how many may share a value");
  CHECK(why_not(R"({"constraints":[{"attribute":"r","operator":"exists","count":1}]})") ==
        "constraints[0].count: means nothing to 'exists'; max_per takes it");
  CHECK(why_not("[]") == "Expecting a JSON object");
  CHECK(why_not("{").starts_with("Failed to parse body into JSON"));
  CHECK(decode_scale("{}").error().message == "instances: is missing; give {\"instances\": N}");
  CHECK(decode_restart("").value() == std::nullopt);
  CHECK(decode_restart(R"({"if_version":4})").value() == 4);
  CHECK(decode_service_candidate(encode_service_candidate("10.0.0.1:5070")).value() ==
        "10.0.0.1:5070");
  CHECK_FALSE(decode_service_candidate(R"({"id":"a master"})").ok());
}

TEST_CASE("checks of an app come back from its record, and an instance knows whether it has one") {
  PutApp put{AppId("web"), 1, sample::app_version(), 1};
  AppCheck check{AppCheck::Kind::command,
                 "test -e ready",
                 "/",
                 0,
                 0,
                 Duration::seconds(1),
                 Duration::seconds(2),
                 Duration::seconds(3),
                 Duration::seconds(4),
                 5};
  put.version.definition.task.check = check;
  check.kind = AppCheck::Kind::http;
  check.shell.clear();
  check.path = "/healthz";
  check.port_index = 1;
  put.version.definition.task.health_check = check;
  const auto read = decode_service_command(encode_service_command(put));
  REQUIRE(read.ok());
  CHECK(std::get<PutApp>(*read).version == put.version);
  AddInstance add{AppId("web"), sample::app_instance()};
  for (const bool checked : {false, true}) {
    add.instance.health_checked = checked;
    const auto instance = decode_service_command(encode_service_command(add));
    REQUIRE(instance.ok());
    CHECK(std::get<AddInstance>(*instance).instance == add.instance);
  }
}

TEST_CASE("checks of a definition are read with defaults, written back, and refused by field") {
  const auto read = decode_app(
      R"({"command": "x", "ports": 2, "check": {"type": "tcp", "port": 80},
          "health_check": {"type": "http", "path": "/a", "port_index": 1, "grace_seconds": 30}})");
  if (!read.ok()) FAIL(read.error().message);
  const AppTask& task = read->definition.task;
  REQUIRE(task.health_check.has_value());
  CHECK(task.health_check->kind == AppCheck::Kind::http);
  CHECK(task.health_check->path == "/a");
  CHECK(task.health_check->port_index == 1);
  CHECK(task.health_check->delay == Duration{});
  CHECK(task.health_check->interval == Duration::seconds(10));
  CHECK(task.health_check->timeout == Duration::seconds(20));
  CHECK(task.health_check->grace == Duration::seconds(30));
  CHECK(task.health_check->failures == 3);
  REQUIRE(task.check.has_value());
  CHECK(task.check->kind == AppCheck::Kind::tcp);
  CHECK(task.check->port == 80);
  service_api::App out;
  write_app(AppId("web"), read->definition, out);
  const auto again = decode_app(to_json(out));
  if (!again.ok()) FAIL(again.error().message);
  CHECK(again->definition == read->definition);

  const auto refused = [](const std::string& check) {
    return why_not(R"({"command": "x", "ports": 1, "health_check": )" + check + "}");
  };
  CHECK(refused(R"({})") == "health_check.type: '' must be command, http or tcp");
  CHECK(refused(R"({"type": "udp"})") == "health_check.type: 'udp' must be command, http or tcp");
  CHECK(refused(R"({"type": "tcp", "path": "/"})") == "health_check.path: means nothing to 'tcp'");
  CHECK(refused(R"({"type": "http", "command": "x"})") ==
        "health_check.command: means nothing to 'http'");
  CHECK(refused(R"({"type": "tcp", "port": 1, "port_index": 0})") ==
        "health_check.port: give either port or port_index, not both");
  CHECK(refused(R"({"type": "tcp", "port": 0})").find("health_check.port: 0") == 0);
  CHECK(refused(R"({"type": "tcp", "delay_seconds": -1})").find("health_check.delay_seconds") !=
        std::string::npos);
  // Only a health check judges.
  CHECK_FALSE(
      decode_app(R"({"command": "x", "check": {"type": "tcp", "port": 1, "failures": 2}})").ok());
}
