#include "cluster_words.hpp"

using namespace bourse;
using namespace bourse::master;
using bourse::master::test::Told;

namespace {

struct Reader {
  std::vector<std::string> records;
  bool reads = true;

  View::Sink sink() {
    return [this](std::string_view record) {
      records.emplace_back(record);
      return reads;
    };
  }
  std::size_t count(const std::string& type) const {
    std::size_t found = 0;
    for (const std::string& record : records) {
      if (record.find("{\"type\":\"" + type + "\"") == 0) ++found;
    }
    return found;
  }
};

}  // namespace

TEST_CASE(
    "a subscriber gets the state first, a heartbeat, then every event once with its sequence") {
  Told t;
  t.agent("a1");
  t.framework("f");
  t.task("f", "t1");
  Reader reader;
  t.view.subscribe(codec::Encoding::json, {}, reader.sink());
  REQUIRE(reader.records.size() == 2);
  REQUIRE(reader.records[0].find("{\"type\":\"SUBSCRIBED\",\"sequence\":" +
                                 std::to_string(t.sequence)) == 0);
  REQUIRE(reader.records[0].find("\"get_tasks\":{\"tasks\":[") != std::string::npos);
  REQUIRE(reader.count("HEARTBEAT") == 1);
  t.update("f", "t1", TaskState::running);
  t.task("f", "t2");
  t.agent("a2");
  t.agent("a2", AgentPhase::unreachable);
  t.say(change::FrameworkRemoved{FrameworkId("f"), WallTime{}});
  REQUIRE(reader.count("TASK_UPDATED") == 1);
  REQUIRE(reader.count("TASK_ADDED") == 1);
  REQUIRE(reader.count("AGENT_ADDED") == 1);
  REQUIRE(reader.count("AGENT_REMOVED") == 1);
  REQUIRE(reader.count("FRAMEWORK_REMOVED") == 1);
  REQUIRE(reader.records.back().find("\"sequence\":" + std::to_string(t.sequence)) !=
          std::string::npos);
}

TEST_CASE("the four parts of a subscriber's state are there even when empty") {
  Told t;
  Reader reader;
  t.view.subscribe(codec::Encoding::json, {}, reader.sink());
  for (const char* part : {"get_tasks", "get_executors", "get_frameworks", "get_agents"}) {
    REQUIRE(reader.records[0].find(std::string("\"") + part + "\":{") != std::string::npos);
  }
}

TEST_CASE("a subscriber that comes back gets exactly what it missed") {
  Told t;
  t.agent("a1");
  t.framework("f");
  t.task("f", "t1");
  const std::uint64_t left_at = t.sequence;
  t.update("f", "t1", TaskState::starting);
  t.update("f", "t1", TaskState::running);
  Reader reader;
  SubscribeQuery query;
  query.since = left_at;
  t.view.subscribe(codec::Encoding::json, query, reader.sink());
  REQUIRE(reader.records[0].find("\"resumed\":true") != std::string::npos);
  REQUIRE(reader.records[0].find("\"sequence\":" + std::to_string(left_at)) != std::string::npos);
  REQUIRE(reader.count("TASK_UPDATED") == 2);
  REQUIRE(reader.count("TASK_ADDED") == 0);
}

TEST_CASE("a subscriber from another time gets the state afresh") {
  Told t;
  t.agent("a1");
  for (const std::uint64_t since : {std::uint64_t{1}, std::uint64_t{1} << 40}) {
    Reader reader;
    SubscribeQuery query;
    query.since = since;
    t.view.subscribe(codec::Encoding::json, query, reader.sink());
    REQUIRE(reader.records[0].find("resumed") == std::string::npos);
    REQUIRE(reader.records[0].find("\"agents\":[") != std::string::npos);
  }
}

TEST_CASE("types and ids filter a stream and its state") {
  Told t;
  t.agent("a1");
  t.framework("f");
  t.framework("g");
  t.task("f", "t1");
  t.task("g", "t2");
  Reader reader;
  SubscribeQuery query;
  query.types = {"TASK_UPDATED"};
  query.framework_id = FrameworkId("g");
  t.view.subscribe(codec::Encoding::json, query, reader.sink());
  REQUIRE(reader.records[0].find("Name of t2") != std::string::npos);
  REQUIRE(reader.records[0].find("Name of t1") == std::string::npos);
  REQUIRE(reader.records[0].find("host-a1") == std::string::npos);
  t.update("f", "t1", TaskState::running);
  t.update("g", "t2", TaskState::running);
  t.task("g", "t3");
  REQUIRE(reader.count("TASK_UPDATED") == 1);
  REQUIRE(reader.count("TASK_ADDED") == 0);
}

TEST_CASE("a subscriber that does not read is let go and costs nothing more") {
  Told t;
  Reader reader;
  t.view.subscribe(codec::Encoding::json, {}, reader.sink());
  reader.reads = false;
  t.agent("a1");
  REQUIRE(t.view.subscribers() == 0);
  const std::size_t before = reader.records.size();
  t.agent("a2");
  t.view.heartbeat();
  REQUIRE(reader.records.size() == before);
}

TEST_CASE("beyond the limit of subscribers the oldest is let go") {
  Told t;
  std::vector<Reader> readers(View::kMostSubscribers + 1);
  for (Reader& reader : readers) t.view.subscribe(codec::Encoding::json, {}, reader.sink());
  REQUIRE(t.view.subscribers() == View::kMostSubscribers);
  t.agent("a1");
  REQUIRE(readers.front().count("AGENT_ADDED") == 0);
  REQUIRE(readers.back().count("AGENT_ADDED") == 1);
}
