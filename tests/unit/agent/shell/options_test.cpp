#include "agent/shell/options.hpp"

#include <catch2/catch.hpp>

using namespace bourse;
using namespace bourse::agent;

namespace {

// An agent with a disk of 100 MB that says `more` of it, in the JSON form.
Result<AgentFacet> with_disk(const std::string& more) {
  AgentOptions options;
  options.work_dir = "/tmp";
  options.hostname = "here";
  options.resources = R"([{"name":"disk","type":"SCALAR","scalar":{"value":100})" + more + "}]";
  return describe_agent(options, 5051);
}

}  // namespace

TEST_CASE("an agent's resources are what its machine has: what is made of it later is refused") {
  const std::string reserved = R"(,"reservations":[{"type":"DYNAMIC","role":"web"}])";
  const std::string persistent =
      R"("disk":{"persistence":{"id":"db"},"volume":{"container_path":"p","mode":"RW"}})";
  const std::string statically = R"(,"reservations":[{"type":"STATIC","role":"web"}],)";
  const std::pair<std::string, std::string> refused[] = {
      {reserved,
       "'disk' has reservations of type DYNAMIC, for role 'web': give STATIC, or none and reserve "
       "it by RESERVE_RESOURCES"},
      {R"(,"reservations":[{"type":"STATIC","role":"web"},{"type":"DYNAMIC","role":"web/a"}])",
       "'disk' has reservations of type DYNAMIC, for role 'web/a': give STATIC, or none and "
       "reserve it by RESERVE_RESOURCES"},
      {statically + persistent,
       "'disk' has disk.persistence 'db': give the disk without it and make the volume by "
       "CREATE_VOLUMES"},
      {R"(,"disk":{"volume":{"container_path":"p","mode":"RW"}})",
       "'disk' has disk.volume 'p': leave it out, a volume is where its task wants it"},
      {R"(,"revocable":{})",
       "'disk' has revocable: leave it out; --resource-estimator lends what is not used"},
      {R"(,"shared":{})",
       "'disk' has shared: leave it out, only a persistent volume can be shared"},
  };
  for (const auto& [more, sentence] : refused) {
    const auto agent = with_disk(more);
    REQUIRE_FALSE(agent.ok());
    CHECK(agent.error().message == "--resources: " + sentence);
  }
}

TEST_CASE("a static reservation and a disk with a source are the machine's own") {
  for (const std::string more :
       {R"(,"reservations":[{"type":"STATIC","role":"web"}])",
        R"(,"disk":{"source":{"type":"PATH","path":{"root":"/mnt/a"}}})"}) {
    const auto agent = with_disk(more);
    REQUIRE(agent.ok());
    CHECK(agent->total.list().size() >= 4);  // the others are detected
  }
}
