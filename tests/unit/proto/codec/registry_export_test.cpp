// The registry as a text file: the same registry back, or a sentence.
#include "proto/codec/registry_export.hpp"

#include <catch2/catch.hpp>

#include "tests/unit/proto/codec/sample.hpp"

using namespace bourse;
using namespace bourse::codec;

namespace {

Registry some_registry() {
  Registry out;
  for (const RegistryCommand& command : sample::registry_commands()) {
    static_cast<void>(apply(out, command));
  }
  REQUIRE(apply(out, registry::SetCluster{"cluster", 7}).ok());
  AgentFacet agent = sample::agent();
  agent.id = AgentId("S-away");
  REQUIRE(apply(out, registry::AdmitAgent{agent, WallTime{7}}).ok());
  REQUIRE(
      apply(out, registry::MarkAgent{agent.id, registry::AgentStanding::unreachable, WallTime{9}})
          .ok());
  FrameworkFacet framework = sample::framework();
  framework.id = FrameworkId("F-gone");
  REQUIRE(apply(out, registry::PutFramework{framework, WallTime{3}}).ok());
  REQUIRE(apply(out, registry::RemoveFramework{framework.id, WallTime{4}}).ok());
  return out;
}

std::string refusal(const std::string& text) {
  const Result<Registry> read = read_registry_export(text);
  REQUIRE_FALSE(read.ok());
  CHECK_FALSE(read.error().message.empty());
  return read.error().message;
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("an exported registry is read back equal, and exporting it again gives the same bytes") {
  const Registry registry = some_registry();
  const std::string text = write_registry_export(registry);
  const Result<Registry> read = read_registry_export(text);
  REQUIRE(read.ok());
  CHECK(*read == registry);
  CHECK(write_registry_export(*read) == text);
}

TEST_CASE("an export says in words what each line is about") {
  const std::string text = write_registry_export(some_registry());
  CHECK(has(text.substr(0, text.find('\n')), "\"cluster_id\":\"cluster\",\"epoch\":7"));
  CHECK(has(text, "\"about\":\"agent/S-away\""));
  CHECK(has(text, "\"about\":\"framework/F-gone\""));
}

TEST_CASE("an export cut off anywhere is refused with a sentence") {
  const std::string text = write_registry_export(some_registry());
  for (std::size_t size = 0; size < text.size(); ++size) {
    CAPTURE(size);
    refusal(text.substr(0, size));
  }
  CHECK(has(refusal(text.substr(0, text.size() - 3)), "checksum"));
  const std::size_t last = text.rfind('\n', text.size() - 2);
  CHECK(has(refusal(text.substr(0, last + 1)), "cut off here: its last line is not its checksum"));
}

TEST_CASE("an export with any bit flipped is refused with a sentence") {
  const std::string text = write_registry_export(some_registry());
  for (std::size_t at = 0; at < text.size(); ++at) {
    std::string flipped = text;
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << (at % 8)));
    CAPTURE(at);
    refusal(flipped);
  }
}

TEST_CASE("an export of a newer version is refused, and a newer build is asked for") {
  std::string text = write_registry_export(some_registry());
  const std::string_view version = "\"version\":1";
  text.replace(text.find(version), version.size(), "\"version\":2");
  const Result<Registry> read = read_registry_export(text);
  REQUIRE_FALSE(read.ok());
  CHECK(read.error().code == ErrorCode::unsupported);
  CHECK(read.error().message ==
        "line 1: 'version' is 2, this build reads 1: import it with a newer build");
}

TEST_CASE("what is no export is refused by its first line") {
  CHECK(has(refusal("hello\n"), "line 1: does not begin an export of a registry"));
  CHECK(has(refusal(""), "is empty"));
}

TEST_CASE("what a registry holds is said in words") {
  Registry registry;
  CHECK(describe_counts(registry) == "0 agents, 0 frameworks, 0 removed frameworks, 0 weights");
  registry.weights_milli["a"] = 1;
  CHECK(describe_counts(registry) == "0 agents, 0 frameworks, 0 removed frameworks, 1 weight");
}
