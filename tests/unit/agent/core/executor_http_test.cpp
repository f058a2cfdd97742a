// Executors over HTTP: each call has an answer, and the stream is the answer to SUBSCRIBE.
#include "harness.hpp"

using namespace bourse;
using namespace bourse::agent;
using bourse::agent::test::World;

namespace {

struct HttpWorld : World {
  std::uint64_t requests = 0;
  bool from_here = true;

  void launched(const char* task_id = "t") {
    boot_and_register();
    launch(task(task_id), executor());
    World::started("E");
  }
  std::string token() const { return core->state().executors.begin()->second.token; }
  // A call over HTTP, and its answer.
  template <typename Body>
  Status call(std::uint64_t peer, Body body, const std::string& token = "",
              const char* framework = "F", const char* id = "E") {
    const std::size_t before = count<AnswerExecutor>();
    step(FromExecutor{PeerId(peer),
                      {FrameworkId(framework), ExecutorId(id), token, std::move(body)},
                      RequestId(++requests),
                      from_here});
    REQUIRE(count<AnswerExecutor>() == before + 1);
    REQUIRE(last<AnswerExecutor>().request == RequestId(requests));
    return last<AnswerExecutor>().status;
  }
  static executor_call::Update update(const char* task_id, TaskState state, std::uint64_t uuid) {
    TaskStatus status;
    status.task_id = TaskId(task_id);
    status.state = state;
    status.uuid = make_uuid(9, uuid);
    return {status};
  }
};

ErrorCode code(const Status& status) {
  REQUIRE_FALSE(status.ok());
  return status.error().code;
}

}  // namespace

TEST_CASE("a subscription over HTTP is answered before its first event") {
  HttpWorld w;
  w.launched();
  REQUIRE(w.call(7, executor_call::Subscribe{}).ok());
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < w.done.size(); ++i) {
    if (std::holds_alternative<AnswerExecutor>(w.done[i].body)) order.push_back(i);
    if (std::holds_alternative<SendToExecutor>(w.done[i].body)) order.push_back(i);
  }
  REQUIRE(order.size() == 3);
  REQUIRE(std::holds_alternative<AnswerExecutor>(w.done[order[0]].body));
  REQUIRE(w.to_executor_all<executor_event::Subscribed>().size() == 1);
  REQUIRE(w.to_executor_all<executor_event::Launch>().size() == 1);
  REQUIRE(w.last<SendToExecutor>().peer == PeerId(7));
}

TEST_CASE("calls over HTTP name no connection: what they cause goes to the executor's stream") {
  HttpWorld w;
  w.launched();
  REQUIRE(w.call(7, executor_call::Subscribe{}).ok());
  REQUIRE(w.call(0, HttpWorld::update("t", TaskState::running, 5)).ok());
  REQUIRE(w.World::update().state == TaskState::running);
  REQUIRE(w.to_executor_all<executor_event::Acknowledged>().size() == 1);
  REQUIRE(w.last<SendToExecutor>().peer == PeerId(7));
  REQUIRE(w.call(0, executor_call::Message{"hi"}).ok());
  REQUIRE(w.to_master_all<to_master::ExecutorMessage>().back().data == "hi");
}

TEST_CASE("an executor's call is judged in order: framework, executor, token, subscription") {
  HttpWorld w;
  w.launched();
  const executor_call::Message hi{"hi"};
  REQUIRE(code(w.call(0, hi, "", "X")) == ErrorCode::not_found);
  REQUIRE(code(w.call(0, hi, "", "F", "X")) == ErrorCode::not_found);
  w.from_here = false;
  REQUIRE(code(w.call(0, hi, "wrong")) == ErrorCode::denied);
  REQUIRE(code(w.call(0, hi, w.token())) == ErrorCode::conflict);
  REQUIRE(w.call(0, executor_call::Heartbeat{}, "", "X").ok());
  REQUIRE(w.count<CloseExecutor>() == 0);
  REQUIRE(w.to_master_all<to_master::ExecutorMessage>().empty());
}

TEST_CASE("an agent's own executor of a command task takes no calls") {
  HttpWorld w;
  w.boot_and_register();
  w.run_command("t");
  REQUIRE(code(w.call(7, executor_call::Subscribe{}, w.token(), "F", "t")) == ErrorCode::not_found);
}

TEST_CASE("without a token an executor is let in from this machine alone, and if configured so") {
  HttpWorld w;
  SECTION("from here") {
    w.launched();
  }
  SECTION("from elsewhere") {
    w.from_here = false;
    w.launched();
    REQUIRE(code(w.call(7, executor_call::Subscribe{})) == ErrorCode::denied);
    REQUIRE(w.call(7, executor_call::Subscribe{}, w.token()).ok());
    return;
  }
  SECTION("when tokens are wanted") {
    w.config.authenticate_executors = true;
    w.launched();
    REQUIRE(code(w.call(7, executor_call::Subscribe{})) == ErrorCode::denied);
    REQUIRE(w.call(7, executor_call::Subscribe{}, w.token()).ok());
    return;
  }
  // A header that means nothing here is ignored.
  REQUIRE(w.call(7, executor_call::Subscribe{}, "something").ok());
}

TEST_CASE("an executor that has shown its token cannot be spoken for without it") {
  HttpWorld w;
  w.launched();
  SECTION("over HTTP") {
    REQUIRE(w.call(7, executor_call::Subscribe{}, w.token()).ok());
  }
  SECTION("on the socket") {
    w.subscribe(1);
  }
  REQUIRE(code(w.call(8, executor_call::Subscribe{})) == ErrorCode::denied);
  REQUIRE(code(w.call(0, HttpWorld::update("t", TaskState::finished, 5))) == ErrorCode::denied);
  REQUIRE(w.count<CloseExecutor>() == 0);
  REQUIRE(w.updates().empty());
}

TEST_CASE("a second subscription over HTTP ends the first stream") {
  HttpWorld w;
  w.launched();
  REQUIRE(w.call(7, executor_call::Subscribe{}).ok());
  REQUIRE(w.call(8, executor_call::Subscribe{}).ok());
  REQUIRE(w.last<CloseExecutor>().peer == PeerId(7));
  w.step(ExecutorGone{PeerId(7)});  // too late to mean anything
  REQUIRE(w.call(0, HttpWorld::update("t", TaskState::running, 5)).ok());
  REQUIRE(w.last<SendToExecutor>().peer == PeerId(8));
}

TEST_CASE("an executor over HTTP whose stream is gone is not subscribed until it returns") {
  HttpWorld w;
  w.launched();
  REQUIRE(w.call(7, executor_call::Subscribe{}).ok());
  w.step(ExecutorGone{PeerId(7)});
  REQUIRE(code(w.call(0, HttpWorld::update("t", TaskState::running, 5))) == ErrorCode::conflict);
  executor_call::Subscribe again;
  again.unacknowledged_tasks.push_back(*World::task("t"));
  again.unacknowledged_updates.push_back(HttpWorld::update("t", TaskState::running, 5).status);
  REQUIRE(w.call(8, again).ok());
  REQUIRE(w.World::update().state == TaskState::running);
  REQUIRE(w.to_executor_all<executor_event::Launch>().size() == 1);  // it has the task already
}

TEST_CASE("an executor over HTTP hears a heartbeat every half hour, one on the socket none") {
  HttpWorld w;
  w.launched();
  const auto wait = [&](Duration span) {
    for (Duration passed; passed < span; passed = passed + Duration::seconds(10)) {
      w.pass(Duration::seconds(10));
      w.step(FromMaster{{LinkHeader{w.core->state().link.session, 0, 7},
                         to_agent::Heartbeat{w.master_sequence}}});
    }
  };
  REQUIRE(w.call(7, executor_call::Subscribe{}).ok());
  wait(Duration::seconds(1790));
  REQUIRE(w.to_executor_all<executor_event::Heartbeat>().empty());
  wait(Duration::seconds(1820));
  REQUIRE(w.to_executor_all<executor_event::Heartbeat>().size() == 2);
  w.subscribe(1);
  wait(Duration::seconds(1820));
  REQUIRE(w.to_executor_all<executor_event::Heartbeat>().size() == 2);
}

TEST_CASE("every status that an agent makes tells where the task is reached") {
  HttpWorld w;
  w.status_extra = Blob("address");
  w.boot_and_register();
  w.run_command("t");
  REQUIRE(w.World::update().extra.bytes() == "address");
}
