// Resources in their old and new public forms, and what is refused of them.

#include <catch2/catch.hpp>

#include "proto/codec/facet_read.hpp"
#include "proto/codec/facet_write.hpp"
#include "proto/codec/json.hpp"
#include "proto/v1/agent_info.pb.h"
#include "tests/unit/proto/codec/sample.hpp"

using namespace bourse;
using namespace bourse::codec;
namespace v1 = mesos::v1;
using Catch::Matchers::Contains;

namespace {

Result<Resources> read(const std::string& resources) {
  v1::AgentInfo holder;
  const Status ok = from_json(R"({"hostname":"h","resources":)" + resources + "}", holder);
  if (!ok) return ok.error();
  return read_resources(holder.resources(), "task");
}

std::string written(const Resources& resources, const ResourceForm& form) {
  v1::AgentInfo holder;
  holder.set_hostname("h");
  write_resources(resources, form, *holder.mutable_resources());
  const std::string json = to_json(holder);
  const std::size_t from = json.find("[");
  return json.substr(from, json.rfind(']') + 1 - from);
}

std::string refused_list(const std::string& resources) {
  const auto refused = read(resources);
  REQUIRE_FALSE(refused.ok());
  return refused.error().message;
}

std::string scalar(const std::string& value) {
  return R"([{"name":"cpus","type":"SCALAR","scalar":{"value":)" + value + "}}]";
}

}  // namespace

TEST_CASE("resources of every kind come back from their public form") {
  const Resources resources = sample::resources();
  CHECK(resources.list().size() == 6);
  const auto again = read(written(resources, {}));
  REQUIRE(again.ok());
  CHECK(*again == resources);
}

TEST_CASE("the old form of a reservation is read as the new one") {
  const auto old_form = read(R"([
    {"name":"cpus","type":"SCALAR","scalar":{"value":1},"role":"*"},
    {"name":"cpus","type":"SCALAR","scalar":{"value":2},"role":"eng"},
    {"name":"cpus","type":"SCALAR","scalar":{"value":3},"role":"eng","reservation":{"principal":"p"}}])");
  const auto new_form = read(R"([
    {"name":"cpus","type":"SCALAR","scalar":{"value":1}},
    {"name":"cpus","type":"SCALAR","scalar":{"value":2},"reservations":[{"type":"STATIC","role":"eng"}]},
    {"name":"cpus","type":"SCALAR","scalar":{"value":3},
     "reservations":[{"type":"DYNAMIC","role":"eng","principal":"p"}]}])");
  REQUIRE(old_form.ok());
  REQUIRE(new_form.ok());
  CHECK(*old_form == *new_form);
}

TEST_CASE("frameworks get the form they can read: role or reservation stack, allocation or none") {
  const auto resources = read(R"([{"name":"cpus","type":"SCALAR","scalar":{"value":3},
      "reservations":[{"type":"DYNAMIC","role":"eng","principal":"p"}]}])");
  REQUIRE(resources.ok());
  CHECK(written(*resources, {false, {}}) ==
        R"([{"name":"cpus","type":"SCALAR","scalar":{"value":3.0},"role":"eng",)"
        R"("reservation":{"principal":"p"}}])");
  CHECK(written(*resources, {true, "eng"}) ==
        R"([{"name":"cpus","type":"SCALAR","scalar":{"value":3.0},)"
        R"("allocation_info":{"role":"eng"},)"
        R"("reservations":[{"type":"DYNAMIC","role":"eng","principal":"p"}]}])");
  CHECK(written(*read(scalar("4")), {false, {}}) ==
        R"([{"name":"cpus","type":"SCALAR","scalar":{"value":4.0},"role":"*"}])");
}

TEST_CASE("resources of value zero are accepted and hold nothing") {
  const auto none = read(scalar("0"));
  REQUIRE(none.ok());
  CHECK(none->empty());
}

TEST_CASE("negative, NaN, infinite and huge scalars are refused") {
  CHECK(refused_list(scalar("-1")) ==
        "'task.resources[0].scalar.value' is -1: a quantity must be a "
        "number from 0 on");
  CHECK_THAT(refused_list(scalar("\"Infinity\"")), Contains("is Infinity"));
  CHECK_THAT(refused_list(scalar("\"-Infinity\"")), Contains("is -Infinity"));
  CHECK_THAT(refused_list(scalar("1e13")), Contains("at most 1e12"));
  // NaN cannot be said in JSON, but in protobuf it can.
  v1::AgentInfo holder;
  v1::Resource& cpus = *holder.add_resources();
  cpus.set_name("cpus");
  cpus.set_type(v1::Value::SCALAR);
  cpus.mutable_scalar()->set_value(std::numeric_limits<double>::quiet_NaN());
  const auto refused = read_resources(holder.resources(), "task");
  REQUIRE_FALSE(refused.ok());
  CHECK_THAT(refused.error().message, Contains("is NaN"));
}

TEST_CASE("ranges that are inverted or overlap are refused, also between entries of one name") {
  const auto ports = [](const std::string& ranges) {
    return R"({"name":"ports","type":"RANGES","ranges":{"range":[)" + ranges + "]}}";
  };
  CHECK_THAT(refused_list("[" + ports(R"({"begin":5,"end":4})") + "]"),
             Contains("'task.resources[0].ranges.range[0]' is [5-4]"));
  CHECK_THAT(refused_list("[" + ports(R"({"begin":1,"end":10},{"begin":10,"end":11})") + "]"),
             Contains("'task.resources[0].ranges.range[1]' is [10-11]: it overlaps"));
  CHECK_THAT(refused_list("[" + ports(R"({"begin":1,"end":10})") + "," +
                          ports(R"({"begin":7,"end":8})") + "]"),
             Contains("'task.resources[1].ranges' of 'ports' overlaps"));
  CHECK(read("[" + ports(R"({"begin":0,"end":18446744073709551615})") + "]").ok());
}

TEST_CASE("sets with equal items, resources without the value their type announces are refused") {
  CHECK_THAT(refused_list(R"([{"name":"d","type":"SET","set":{"item":["a","b","a"]}}])"),
             Contains("holds 'a' twice"));
  CHECK_THAT(refused_list(R"([{"name":"cpus","type":"SCALAR","set":{"item":["a"]}}])"),
             Contains("'task.resources[0].scalar' is missing"));
  CHECK_THAT(refused_list(R"([{"name":"cpus","type":"TEXT"}])"), Contains("is TEXT"));
  CHECK_THAT(refused_list(R"([{"name":"","type":"SCALAR","scalar":{"value":1}}])"),
             Contains("name' must not be empty"));
}

TEST_CASE("reservations that do not refine the one before, or for everybody, are refused") {
  const auto reserved = [](const std::string& stack) {
    return R"([{"name":"cpus","type":"SCALAR","scalar":{"value":1},)" + stack + "}]";
  };
  CHECK_THAT(refused_list(reserved(R"("reservations":[{"type":"DYNAMIC","role":"*"}])")),
             Contains("nothing can be reserved for everybody"));
  CHECK_THAT(refused_list(reserved(R"("reservations":[{"type":"DYNAMIC","role":"a"},
                                                 {"type":"DYNAMIC","role":"b"}])")),
             Contains("must lie below"));
  CHECK_THAT(refused_list(reserved(R"("reservations":[{"type":"STATIC","role":"a"},
                                                 {"type":"STATIC","role":"a/b"}])")),
             Contains("STATIC"));
  CHECK_THAT(refused_list(reserved(R"("reservations":[{"role":"a"}])")),
             Contains("STATIC or DYNAMIC"));
  CHECK_THAT(refused_list(reserved(R"("role":"a","reservations":[{"type":"DYNAMIC","role":"a"}])")),
             Contains("only one of the two forms"));
}

namespace {

// `part` with its number for each %, joined with commas.
std::string repeated(const std::string& part, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) {
    out += i == 0 ? "" : ",";
    for (const char c : part) out += c == '%' ? std::to_string(3 * i) : std::string(1, c);
  }
  return out;
}

void check_too_large(const Status& refused, const std::string& said) {
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::too_large);
  CHECK_THAT(refused.error().message, Contains(said));
}

Status read_agent_with(const std::string& attributes) {
  v1::AgentInfo holder;
  if (const Status ok = from_json(R"({"hostname":"h",)" + attributes + "}", holder); !ok) return ok;
  const auto got = read_agent(holder, "agent");
  return got.ok() ? Status{} : Status(got.error());
}

}  // namespace

TEST_CASE("too many resources, ranges or set items are refused as too large, one fewer is read") {
  const std::string one = R"({"name":"cpus","type":"SCALAR","scalar":{"value":1}})";
  const std::string ranges = R"([{"name":"ports","type":"RANGES","ranges":{"range":[)";
  const std::string items = R"([{"name":"zones","type":"SET","set":{"item":[)";
  const auto status = [](const std::string& text) {
    const auto got = read(text);
    return got.ok() ? Status{} : Status(got.error());
  };
  check_too_large(status("[" + repeated(one, 1025) + "]"), "1025");
  CHECK(status("[" + repeated(one, 1024) + "]").ok());
  const std::string range = R"({"begin":%,"end":%})";
  check_too_large(status(ranges + repeated(range, 4097) + "]}}]"), "has 4097 ranges: at most 4096");
  CHECK(status(ranges + repeated(range, 4096) + "]}}]").ok());
  check_too_large(status(items + repeated(R"("z%")", 4097) + "]}}]"),
                  "has 4097 items: at most 4096");
  CHECK(status(items + repeated(R"("z%")", 4096) + "]}}]").ok());
}

TEST_CASE("too many attributes or labels are refused as too large, one fewer is read") {
  const std::string attribute = R"({"name":"a%","type":"TEXT","text":{"value":"x"}})";
  const auto attributes = [&](int count) {
    return read_agent_with(R"("attributes":[)" + repeated(attribute, count) + "]");
  };
  check_too_large(attributes(257), "has 257 attributes: at most 256");
  CHECK(attributes(256).ok());
  const auto labels = [](int count) {
    const auto got = read(
        R"([{"name":"cpus","type":"SCALAR","scalar":{"value":1},"reservations":[
            {"type":"DYNAMIC","role":"a","labels":{"labels":[)" +
        repeated(R"({"key":"k%"})", count) + "]}}]}]");
    return got.ok() ? Status{} : Status(got.error());
  };
  check_too_large(labels(257), "has 257 labels: at most 256");
  CHECK(labels(256).ok());
}
