#include <catch2/catch.hpp>

#include "model/limits.hpp"
#include "proto/codec/scheduler.hpp"
#include "proto/v1/scheduler_call.pb.h"
#include "tests/unit/proto/codec/sample.hpp"

using namespace bourse;
using namespace bourse::codec;
using Catch::Matchers::Contains;

namespace {

SchedulerCall decoded(const std::string& json) {
  auto call = decode_scheduler_call(Encoding::json, json);
  if (!call) FAIL(call.error().message);
  return std::move(*call);
}

Error refused_call(const std::string& json) {
  const auto call = decode_scheduler_call(Encoding::json, json);
  REQUIRE_FALSE(call.ok());
  return call.error();
}

std::string of_framework(const std::string& members) {
  return R"({"framework_id":{"value":"F1"},)" + members + "}";
}

}  // namespace

TEST_CASE("every scheduler call comes back from protobuf and from JSON") {
  std::size_t kinds = 0;
  for (const SchedulerCall& call : sample::scheduler_calls()) {
    CAPTURE(call.body.index());
    for (const Encoding encoding : {Encoding::protobuf, Encoding::json}) {
      const auto again = decode_scheduler_call(encoding, encode_scheduler_call(encoding, call));
      if (!again) FAIL(again.error().message);
      CHECK(again->framework_id == call.framework_id);
      CHECK(again->body.index() == call.body.index());
      CHECK(encode_scheduler_call(encoding, *again) == encode_scheduler_call(encoding, call));
    }
    kinds |= std::size_t{1} << call.body.index();
  }
  // All but Publish, which has a form of its own, and Unsupported: none is left.
  const std::size_t publish = 12;
  const std::size_t unsupported = 13;
  CHECK(kinds == ((std::size_t{1} << std::variant_size_v<decltype(SchedulerCall::body)>)-1 -
                  (std::size_t{1} << publish) - (std::size_t{1} << unsupported)));
}

TEST_CASE("an accept carries its tasks as facets and its filters") {
  const auto call = decode_scheduler_call(
      Encoding::protobuf, encode_scheduler_call(Encoding::protobuf, sample::scheduler_calls()[2]));
  REQUIRE(call.ok());
  const auto& accept = std::get<call::Accept>(call->body);
  CHECK(accept.offer_ids == std::vector<OfferId>{OfferId("O1"), OfferId("O2")});
  CHECK(accept.filters.refuse == Duration::milliseconds(1500));
  REQUIRE(accept.operations.size() == 10);
  CHECK(std::get<LaunchOperation>(accept.operations[0].body).tasks.at(1) == sample::task("t2"));
  const auto& group = std::get<LaunchGroupOperation>(accept.operations[1].body);
  CHECK(group.executor == sample::executor());
  CHECK(group.tasks.at(0) == sample::task("t3"));
  CHECK(std::get<UnsupportedOperation>(accept.operations[2].body).type == "CREATE_DISK");
  const std::vector<ResourceOperation> operations = sample::resource_operations();
  for (std::size_t i = 0; i < operations.size(); ++i) {
    CHECK(accept.operations[3 + i].id == OperationId("op"));
    CHECK(std::get<ResourceOperation>(accept.operations[3 + i].body) == operations[i]);
  }
}

TEST_CASE("what real clients leave out or send empty is accepted") {
  const auto nothing = decoded(of_framework(
      R"("type":"ACCEPT","accept":{"offer_ids":[{"value":"O"}],"operations":[
          {"type":"LAUNCH","launch":{"task_infos":[]}}]})"));
  CHECK(std::get<call::Accept>(nothing.body).filters.refuse == Duration::seconds(5));
  decoded(of_framework(R"("type":"ACCEPT","accept":{"offer_ids":[{"value":"O"}]})"));
  decoded(of_framework(R"("type":"ACCEPT","accept":{})"));
  decoded(of_framework(R"("type":"DECLINE","decline":{"filters":{"refuse_seconds":0.5}})"));
  decoded(of_framework(R"("type":"RECONCILE","reconcile":{"tasks":[]})"));
  decoded(of_framework(R"("type":"RECONCILE","reconcile":{})"));
  decoded(of_framework(R"("type":"REVIVE")"));
  decoded(of_framework(R"("type":"SUPPRESS","suppress":null)"));
  decoded(
      of_framework(R"("type":"KILL","kill":{"task_id":{"value":"t"},"agent_id":{"value":""}})"));
  const auto subscribe =
      decoded(R"({"type":"SUBSCRIBE","subscribe":{"framework_info":{"user":"u","name":"n"}}})");
  CHECK(subscribe.framework_id.empty());
}

TEST_CASE("refuse_seconds is fractional, capped at a year, and never negative") {
  const auto refuse = [](const std::string& seconds) {
    return std::get<call::Decline>(
               decoded(of_framework(R"("type":"DECLINE","decline":{"filters":{"refuse_seconds":)" +
                                    seconds + "}}"))
                   .body)
        .filters.refuse;
  };
  CHECK(refuse("0.25") == Duration::milliseconds(250));
  CHECK(refuse("0") == Duration{});
  CHECK(refuse("1e15") == limits::kMaxRefuse);
  CHECK(refuse("-3") == Duration::seconds(5));
}

TEST_CASE("a subscription names itself once or twice, but not differently") {
  const auto twice = decoded(of_framework(
      R"("type":"SUBSCRIBE","subscribe":{"framework_info":{"user":"u","name":"n","id":{"value":"F1"}}})"));
  CHECK(std::get<call::Subscribe>(twice.body).framework.id == FrameworkId("F1"));
  const auto inside = decoded(
      R"({"type":"SUBSCRIBE","subscribe":{"framework_info":{"user":"u","name":"n","id":{"value":"F1"}}}})");
  CHECK(inside.framework_id == FrameworkId("F1"));
  refused_call(of_framework(
      R"("type":"SUBSCRIBE","subscribe":{"framework_info":{"user":"u","name":"n","id":{"value":"F2"}}})"));
}

TEST_CASE("calls lacking their body, with bad ids or a bad uuid are refused, naming the field") {
  for (const char* type :
       {"ACCEPT", "DECLINE", "KILL", "SHUTDOWN", "ACKNOWLEDGE", "RECONCILE", "MESSAGE"}) {
    CHECK_THAT(refused_call(of_framework(std::string(R"("type":")") + type + "\"")).message,
               Contains("Expecting '"));
  }
  CHECK_THAT(
      refused_call(of_framework(R"("type":"KILL","kill":{"task_id":{"value":"a/b"}})")).message,
      Contains("'kill.task_id' is 'a/b'"));
  CHECK_THAT(refused_call(of_framework(
                              R"("type":"ACKNOWLEDGE","acknowledge":{"agent_id":{"value":"a"},
                            "task_id":{"value":"t"},"uuid":"AAAA"})"))
                 .message,
             Contains("'acknowledge.uuid' has 3 bytes: a uuid has 16"));
  CHECK_THAT(refused_call(of_framework(R"("type":"ACCEPT","accept":{"offer_ids":[{"value":""}]})"))
                 .message,
             Contains("'accept.offer_ids[0]'"));
  CHECK_THAT(refused_call(of_framework(R"("type":"ACCEPT","accept":{"operations":[{}]})")).message,
             Contains("'accept.operations[0].type'"));
}

TEST_CASE("a bad task is named by its place in the call") {
  CHECK_THAT(refused_call(of_framework(R"("type":"ACCEPT","accept":{"operations":[{"type":"LAUNCH",
      "launch":{"task_infos":[{"name":"n","task_id":{"value":"t"},"agent_id":{"value":"a"},
      "resources":[{"name":"cpus","type":"SCALAR","scalar":{"value":-1}}]}]}}]})"))
                 .message,
             Contains("'accept.operations[0].launch.task_infos[0].resources[0].scalar.value'"));
}

TEST_CASE("a volume that is to come from elsewhere than its disk is refused by name") {
  const auto create = [](const std::string& member) {
    return refused_call(of_framework(R"("type":"ACCEPT","accept":{"operations":[{"type":"CREATE",
        "create":{"volumes":[{"name":"disk","type":"SCALAR","scalar":{"value":1},
        "disk":{"persistence":{"id":"v"},"volume":{"mode":"RW","container_path":"data",)" +
                                     member + "}}}]}}]}"))
        .message;
  };
  CHECK(create(R"("host_path":"/srv")") ==
        "'accept.operations[0].create.volumes[0].disk.volume.host_path' is set: a persistent "
        "volume is where its disk is; leave it out");
  CHECK_THAT(create(R"("image":{"type":"DOCKER"})"), Contains("disk.volume.image' is set"));
  CHECK_THAT(create(R"("source":{"type":"SANDBOX_PATH"})"), Contains("disk.volume.source' is set"));
}

TEST_CASE("oversized calls, messages and lists are refused as too large") {
  const auto too_large = [](Encoding encoding, const std::string& body) {
    const auto call = decode_scheduler_call(encoding, body);
    REQUIRE_FALSE(call.ok());
    CHECK(call.error().code == ErrorCode::too_large);
  };
  too_large(Encoding::json, std::string(limits::kMaxCallBytes + 1, ' '));
  too_large(Encoding::protobuf, std::string(limits::kMaxCallBytes + 1, ' '));
  SchedulerCall message{FrameworkId("F"), call::Message{AgentId("A"), ExecutorId("E"), ""}};
  std::get<call::Message>(message.body).data.assign(limits::kMaxFrameworkMessageBytes + 1, 'x');
  too_large(Encoding::protobuf, encode_scheduler_call(Encoding::protobuf, message));
  SchedulerCall accept{FrameworkId("F"), call::Accept{}};
  for (std::size_t i = 0; i <= limits::kMaxOffersPerAccept; ++i) {
    std::get<call::Accept>(accept.body).offer_ids.emplace_back("O" + std::to_string(i));
  }
  too_large(Encoding::protobuf, encode_scheduler_call(Encoding::protobuf, accept));
  SchedulerCall reconcile{FrameworkId("F"), call::Reconcile{}};
  std::get<call::Reconcile>(reconcile.body)
      .tasks.assign(limits::kMaxReconcilePerCall + 1, {TaskId("t"), AgentId()});
  too_large(Encoding::protobuf, encode_scheduler_call(Encoding::protobuf, reconcile));
}

TEST_CASE("offer constraints that say nothing are refused with their place") {
  const auto constraints = [](const std::string& groups) {
    return R"({"type":"SUBSCRIBE","subscribe":{"framework_info":{"user":"u","name":"n"},)"
           R"("offer_constraints":{"role_constraints":{"web":{"groups":)" +
           groups + "}}}}}";
  };
  const auto one = [&](const std::string& constraint) {
    return refused_call(constraints(R"([{"attribute_constraints":[)" + constraint + "]}]")).message;
  };
  const std::string place = "'subscribe.offer_constraints.role_constraints.web.groups";
  CHECK(refused_call(constraints("[]")).message ==
        "'subscribe.offer_constraints.role_constraints.web.groups' is empty: a role that has no "
        "constraints is left out");
  CHECK(refused_call(constraints("[{}]")).message ==
        place + "[0].attribute_constraints' is empty: a group without any says nothing");
  CHECK(one(R"({"selector":{},"predicate":{"exists":{}}})") ==
        place +
            "[0].attribute_constraints[0].selector' says nothing: it must be one of attribute_name "
            "and pseudoattribute_type (HOSTNAME, REGION or ZONE)");
  CHECK_THAT(one(R"({"selector":{"attribute_name":"a"},"predicate":{}})"),
             Contains(place + "[0].attribute_constraints[0].predicate' says nothing"));
  CHECK_THAT(one(R"({"selector":{"attribute_name":"a"},"predicate":{"text_equals":{"value":")" +
                 std::string(limits::kMaxConstraintTextBytes + 1, 'x') + "\"}}}"),
             Contains("predicate.text_equals"));
  // Told on the stream, like who may subscribe.
  CHECK(refused_call(constraints("[]")).code == ErrorCode::denied);
  std::string many;
  for (std::size_t i = 0; i <= limits::kMaxOfferConstraints; ++i) {
    many += R"({"selector":{"attribute_name":"a"},"predicate":{"exists":{}}},)";
  }
  many.pop_back();
  CHECK(one(many) == "'subscribe.offer_constraints' has more than 1024 attribute constraints");
}

namespace {

// A REQUEST with these requests.
std::string asking_for(const std::string& requests) {
  return of_framework(R"("type":"REQUEST","request":{"requests":[)" + requests + "]}");
}
// One request with one resource, of these members.
std::string asking_for_one(const std::string& members) {
  return asking_for(R"({"resources":[{"name":"cpus",)" + members + "}]}");
}
std::string cpus(const std::string& amount) {
  return R"("type":"SCALAR","scalar":{"value":)" + amount + "}";
}

}  // namespace

TEST_CASE("equal requests are one shape with its count, ranges and sets count by their number") {
  const std::string two_cpus = "{\"resources\":[{\"name\":\"cpus\"," + cpus("2") + "}]}";
  const std::string ports =
      R"({"agent_id":{"value":"A1"},"resources":[{"name":"ports","type":"RANGES","ranges":{"range":[
          {"begin":1,"end":3}]},"allocation_info":{"role":"web"}}]})";
  const auto call = decoded(asking_for(two_cpus + "," + ports + "," + two_cpus));
  const std::vector<call::Request::Wanted> expected{
      {"", {{{"cpus", 2'000}}, 2, AgentId()}}, {"web", {{{"ports", 3'000}}, 1, AgentId("A1")}}};
  CHECK(std::get<call::Request>(call.body).wanted == expected);
  CHECK(std::get<call::Request>(decoded(asking_for("")).body).wanted.empty());
}

TEST_CASE("a request that cannot be meant is refused with its place") {
  const auto refused = [](const std::string& json) { return refused_call(json).message; };
  CHECK_THAT(refused(asking_for_one(cpus("-1"))),
             Contains("'request.requests[0].resources[0].scalar.value'"));
  CHECK_THAT(refused(asking_for_one(cpus("\"NaN\""))), Contains("request.requests[0]"));
  CHECK_THAT(refused(asking_for_one(cpus("0"))),
             Contains("'request.requests[0].resources' asks for nothing"));
  CHECK_THAT(refused(asking_for("{}")), Contains("asks for nothing"));
  CHECK_THAT(refused(asking_for_one(cpus("1") + R"(,"revocable":{})")),
             Contains("a request says how much of a name is wanted"));
  CHECK_THAT(refused(asking_for_one(cpus("1") + R"(,"allocation_info":{"role":"a b"})")),
             Contains("'request.requests[0].resources[0].allocation_info.role'"));
  CHECK_THAT(
      refused(asking_for(R"({"resources":[{"name":"cpus",)" + cpus("1") + R"(},{"name":"mem",)" +
                         cpus("1") + R"(,"allocation_info":{"role":"web"}}]})")),
      Contains("one request is for one role"));
  CHECK_THAT(refused(asking_for(R"({"agent_id":{"value":"a/b"}})")),
             Contains("'request.requests[0].agent_id'"));
}

TEST_CASE("more requests, or more different ones, than a framework may have are too large") {
  const auto many = [](std::size_t count, bool different) {
    std::string out;
    for (std::size_t i = 1; i <= count; ++i) {
      out += (out.empty() ? "" : ",") + std::string(R"({"resources":[{"name":"cpus",)") +
             cpus(different ? std::to_string(i) : "1") + "}]}";
    }
    return asking_for(out);
  };
  const auto most = decoded(many(limits::kMaxDemandShapes, true));
  CHECK(std::get<call::Request>(most.body).wanted.size() == limits::kMaxDemandShapes);
  const Error shapes = refused_call(many(limits::kMaxDemandShapes + 1, true));
  CHECK(shapes.code == ErrorCode::too_large);
  CHECK(shapes.message == "'request.requests' asks for more than 64 different shapes");
  const auto often = decoded(many(limits::kMaxDemandRequests, false));
  CHECK(std::get<call::Request>(often.body).wanted[0].shape.count == limits::kMaxDemandRequests);
  const Error count = refused_call(many(limits::kMaxDemandRequests + 1, false));
  CHECK(count.code == ErrorCode::too_large);
  CHECK(count.message == "'request.requests' has 10001 entries: at most 10000");
}

TEST_CASE("a document is published in a form that Mesos does not know, in both encodings") {
  const SchedulerCall call{FrameworkId("F1"), call::Publish{"stats.json", "{\"a\":1}"}};
  CHECK(encode_scheduler_call(Encoding::json, call) ==
        R"({"framework_id":{"value":"F1"},"type":"PUBLISH",)"
        R"("publish":{"name":"stats.json","content":"eyJhIjoxfQ=="}})");
  for (const Encoding encoding : {Encoding::protobuf, Encoding::json}) {
    const auto again = decode_scheduler_call(encoding, encode_scheduler_call(encoding, call));
    if (!again) FAIL(again.error().message);
    CHECK(again->framework_id == FrameworkId("F1"));
    CHECK(std::get<call::Publish>(again->body).name == "stats.json");
    CHECK(std::get<call::Publish>(again->body).content == "{\"a\":1}");
  }
  // To Mesos' own message it is a call without a type.
  mesos::v1::scheduler::Call mesos;
  REQUIRE(mesos.ParseFromString(encode_scheduler_call(Encoding::protobuf, call)));
  CHECK_FALSE(mesos.has_type());
}

TEST_CASE("a document that cannot be published is refused with the field") {
  CHECK_THAT(refused_call(R"({"type":"PUBLISH","publish":{"name":"a"}})").message,
             Contains("framework_id"));
  CHECK_THAT(refused_call(of_framework(R"("type":"PUBLISH")")).message,
             Contains("Expecting 'publish' to be present"));
  CHECK_THAT(refused_call(of_framework(R"("type":"PUBLISH","publish":{"content":""})")).message,
             Contains("publish.name"));
  CHECK(refused_call(of_framework(R"("type":"PUBLISH","publish":{"name":"a","content":")" +
                                  std::string(4 * (limits::kMaxPublishedBytes / 3 + 1), 'A') +
                                  R"("})"))
            .code == ErrorCode::too_large);
  CHECK_THAT(refused_call(of_framework(R"("type":"PUBLISHED")")).message,
             Contains("Expecting 'type' to be present"));
}
