#include "proto/codec/executor_form.hpp"

#include "model/limits.hpp"
#include "proto/codec/facet_read.hpp"
#include "proto/codec/facet_write.hpp"
#include "proto/codec/quantity.hpp"
#include "proto/codec/status_form.hpp"
#include "proto/codec/text_check.hpp"
#include "proto/v1/executor_call.pb.h"
#include "proto/v1/executor_event.pb.h"

namespace bourse::codec {

namespace v1 = mesos::v1;
using v1::executor::Call;
using v1::executor::Event;

namespace {

Error lacks(const char* what, const char* field) {
  return invalid(std::string("Failed to validate executor::") + what + ": Expecting '" + field +
                 "' to be present");
}

// Executors leave out who speaks.
Result<TaskStatus> read_executor_status(v1::TaskStatus& message, const FieldPath& at) {
  if (!message.has_source()) message.set_source(v1::TaskStatus::SOURCE_EXECUTOR);
  return read_status(message, at);
}

// What a status must say to be an update of this executor's.
Status check_update(const TaskStatus& status, const ExecutorId& executor_id) {
  if (!status.uuid) return lacks("Call", "uuid");
  if (!status.executor_id.empty() && status.executor_id != executor_id) {
    return invalid("'update.status.executor_id' is " + shown(status.executor_id.raw()) +
                   ": the call is of executor " + shown(executor_id.raw()));
  }
  if (status.source != StatusSource::executor) {
    return invalid("'update.status.source': an executor's update has SOURCE_EXECUTOR");
  }
  if (status.state == TaskState::staging) {
    return invalid("'update.status.state': TASK_STAGING is not an executor's to tell");
  }
  return {};
}

Status check_data(std::string_view data, const char* field) {
  if (data.size() <= limits::kMaxFrameworkMessageBytes) return {};
  return Error{ErrorCode::too_large, std::string("'") + field + "' has " +
                                         std::to_string(data.size()) + " bytes: at most 1048576"};
}

Result<executor_call::Subscribe> read_subscribe(Call::Subscribe& message,
                                                const FrameworkId& framework_id) {
  const FieldPath at = "subscribe";
  executor_call::Subscribe out;
  for (int i = 0; i < message.unacknowledged_tasks_size(); ++i) {
    Result<TaskFacet> task = read_task(*message.mutable_unacknowledged_tasks(i), framework_id,
                                       at.at("unacknowledged_tasks", i));
    if (!task) return task.error();
    out.unacknowledged_tasks.push_back(std::move(*task));
  }
  for (int i = 0; i < message.unacknowledged_updates_size(); ++i) {
    Result<TaskStatus> status =
        read_executor_status(*message.mutable_unacknowledged_updates(i)->mutable_status(),
                             at.at("unacknowledged_updates", i));
    if (!status) return status.error();
    out.unacknowledged_updates.push_back(std::move(*status));
  }
  return out;
}

std::string role_of(const google::protobuf::RepeatedPtrField<v1::Resource>& list) {
  return list.empty() ? std::string() : list.Get(0).allocation_info().role();
}

void write_held_task(const TaskFacet& task, const std::string& role, v1::TaskInfo& out) {
  write_task(task, out);
  hold_in(role, *out.mutable_resources());
  if (out.has_executor()) hold_in(role, *out.mutable_executor()->mutable_resources());
}

Result<ExecutorEvent> read_subscribed(Event::Subscribed& message) {
  const FieldPath at = "subscribed";
  executor_event::Subscribed out;
  std::string role = role_of(message.executor_info().resources());
  Result<FrameworkFacet> framework =
      read_framework(*message.mutable_framework_info(), at.at("framework_info"));
  if (!framework) return framework.error();
  Result<ExecutorFacet> executor =
      read_executor(*message.mutable_executor_info(), framework->id, at.at("executor_info"));
  if (!executor) return executor.error();
  Result<AgentFacet> agent = read_agent(*message.mutable_agent_info(), at.at("agent_info"));
  if (!agent) return agent.error();
  out.framework = std::make_shared<const FrameworkFacet>(std::move(*framework));
  out.executor = std::make_shared<const ExecutorFacet>(std::move(*executor));
  out.agent = std::make_shared<const AgentFacet>(std::move(*agent));
  out.container_id = ContainerId(message.container_id().value());
  out.role = std::move(role);
  return ExecutorEvent(std::move(out));
}

Result<ExecutorEvent> read_launch_group(Event::LaunchGroup& message) {
  const FieldPath at = "launch_group";
  executor_event::LaunchGroup out;
  for (int i = 0; i < message.task_group().tasks_size(); ++i) {
    if (i == 0) out.role = role_of(message.task_group().tasks(i).resources());
    Result<TaskFacet> task = read_task(*message.mutable_task_group()->mutable_tasks(i),
                                       FrameworkId(), at.at("tasks", i));
    if (!task) return task.error();
    out.tasks.push_back(std::make_shared<const TaskFacet>(std::move(*task)));
  }
  return ExecutorEvent(std::move(out));
}

Result<ExecutorEvent> read_kill(const Event::Kill& message) {
  executor_event::Kill out{TaskId(message.task_id().value()), std::nullopt};
  if (message.kill_policy().has_grace_period()) {
    Result<Duration> grace = duration_from_ns(message.kill_policy().grace_period().nanoseconds(),
                                              limits::kMaxKillGrace, "kill.kill_policy");
    if (!grace) return grace.error();
    out.grace = *grace;
  }
  return ExecutorEvent(std::move(out));
}

// One overload per kind of event.
struct EventWriter {
  Event& out;

  void operator()(const executor_event::Subscribed& in) {
    out.set_type(Event::SUBSCRIBED);
    Event::Subscribed& made = *out.mutable_subscribed();
    if (in.executor) {
      write_executor(*in.executor, *made.mutable_executor_info());
      hold_in(in.role, *made.mutable_executor_info()->mutable_resources());
    }
    if (in.framework) write_framework(*in.framework, *made.mutable_framework_info());
    if (in.agent) write_agent(*in.agent, *made.mutable_agent_info());
    if (!in.container_id.empty()) made.mutable_container_id()->set_value(in.container_id.raw());
  }
  void operator()(const executor_event::Launch& in) {
    out.set_type(Event::LAUNCH);
    write_held_task(*in.task, in.role, *out.mutable_launch()->mutable_task());
  }
  void operator()(const executor_event::LaunchGroup& in) {
    out.set_type(Event::LAUNCH_GROUP);
    v1::TaskGroupInfo& group = *out.mutable_launch_group()->mutable_task_group();
    for (const TaskFacetPtr& task : in.tasks) write_held_task(*task, in.role, *group.add_tasks());
  }
  void operator()(const executor_event::Kill& in) {
    out.set_type(Event::KILL);
    out.mutable_kill()->mutable_task_id()->set_value(in.task_id.raw());
    if (in.grace) {
      out.mutable_kill()->mutable_kill_policy()->mutable_grace_period()->set_nanoseconds(
          in.grace->ns);
    }
  }
  void operator()(const executor_event::Acknowledged& in) {
    out.set_type(Event::ACKNOWLEDGED);
    out.mutable_acknowledged()->mutable_task_id()->set_value(in.task_id.raw());
    out.mutable_acknowledged()->set_uuid(std::string(bytes_of(in.uuid)));
  }
  void operator()(const executor_event::Message& in) {
    out.set_type(Event::MESSAGE);
    out.mutable_message()->set_data(in.data);
  }
  void operator()(const executor_event::Shutdown&) { out.set_type(Event::SHUTDOWN); }
  void operator()(const executor_event::Error& in) {
    out.set_type(Event::ERROR);
    out.mutable_error()->set_message(in.message);
  }
  void operator()(const executor_event::Heartbeat&) { out.set_type(Event::HEARTBEAT); }
};

// One overload per kind of call.
struct CallWriter {
  Call& out;

  void operator()(const executor_call::Subscribe& in) {
    out.set_type(Call::SUBSCRIBE);
    Call::Subscribe& made = *out.mutable_subscribe();
    for (const TaskFacet& task : in.unacknowledged_tasks) {
      write_task(task, *made.add_unacknowledged_tasks());
    }
    for (const TaskStatus& status : in.unacknowledged_updates) {
      write_status(status, *made.add_unacknowledged_updates()->mutable_status());
    }
  }
  void operator()(const executor_call::Update& in) {
    out.set_type(Call::UPDATE);
    write_status(in.status, *out.mutable_update()->mutable_status());
  }
  void operator()(const executor_call::Message& in) {
    out.set_type(Call::MESSAGE);
    out.mutable_message()->set_data(in.data);
  }
  void operator()(const executor_call::Heartbeat&) { out.set_type(Call::HEARTBEAT); }
};

}  // namespace

Result<ExecutorCall> read_executor_call(Call& message) {
  ExecutorCall out;
  if (Status ok = check_id(message.framework_id().value(), "framework_id"); !ok) return ok.error();
  if (Status ok = check_id(message.executor_id().value(), "executor_id"); !ok) return ok.error();
  out.framework_id = FrameworkId(message.framework_id().value());
  out.executor_id = ExecutorId(message.executor_id().value());
  switch (message.type()) {
    case Call::SUBSCRIBE: {
      if (!message.has_subscribe()) return lacks("Call", "subscribe");
      Result<executor_call::Subscribe> body =
          read_subscribe(*message.mutable_subscribe(), out.framework_id);
      if (!body) return body.error();
      out.body = std::move(*body);
      return out;
    }
    case Call::UPDATE: {
      if (!message.has_update()) return lacks("Call", "update");
      Result<TaskStatus> status =
          read_executor_status(*message.mutable_update()->mutable_status(), "update.status");
      if (!status) return status.error();
      if (Status ok = check_update(*status, out.executor_id); !ok) return ok.error();
      out.body = executor_call::Update{std::move(*status)};
      return out;
    }
    case Call::MESSAGE:
      if (!message.has_message()) return lacks("Call", "message");
      if (Status ok = check_data(message.message().data(), "message.data"); !ok) return ok.error();
      out.body = executor_call::Message{std::move(*message.mutable_message()->mutable_data())};
      return out;
    case Call::HEARTBEAT:
      out.body = executor_call::Heartbeat{};
      return out;
    default:
      return lacks("Call", "type");
  }
}

Result<ExecutorEvent> read_executor_event(Event& message) {
  switch (message.type()) {
    case Event::SUBSCRIBED:
      if (!message.has_subscribed()) return lacks("Event", "subscribed");
      return read_subscribed(*message.mutable_subscribed());
    case Event::LAUNCH: {
      if (!message.has_launch()) return lacks("Event", "launch");
      std::string role = role_of(message.launch().task().resources());
      Result<TaskFacet> task =
          read_task(*message.mutable_launch()->mutable_task(), FrameworkId(), "launch.task");
      if (!task) return task.error();
      return ExecutorEvent(executor_event::Launch{
          std::make_shared<const TaskFacet>(std::move(*task)), std::move(role)});
    }
    case Event::LAUNCH_GROUP:
      if (!message.has_launch_group()) return lacks("Event", "launch_group");
      return read_launch_group(*message.mutable_launch_group());
    case Event::KILL:
      if (!message.has_kill()) return lacks("Event", "kill");
      return read_kill(message.kill());
    case Event::ACKNOWLEDGED: {
      if (!message.has_acknowledged()) return lacks("Event", "acknowledged");
      Result<Uuid> uuid = read_uuid(message.acknowledged().uuid(), "acknowledged.uuid");
      if (!uuid) return uuid.error();
      return ExecutorEvent(
          executor_event::Acknowledged{TaskId(message.acknowledged().task_id().value()), *uuid});
    }
    case Event::MESSAGE:
      if (!message.has_message()) return lacks("Event", "message");
      return ExecutorEvent(
          executor_event::Message{std::move(*message.mutable_message()->mutable_data())});
    case Event::SHUTDOWN:
      return ExecutorEvent(executor_event::Shutdown{});
    case Event::ERROR:
      if (!message.has_error()) return lacks("Event", "error");
      return ExecutorEvent(executor_event::Error{message.error().message()});
    case Event::HEARTBEAT:
      return ExecutorEvent(executor_event::Heartbeat{});
    default:
      // An agent is newer than the executors that it runs: they must tell this from damage.
      return Error{ErrorCode::unsupported, "an event of a kind that this version does not know"};
  }
}

void write_executor_call(const ExecutorCall& call, Call& out) {
  out.mutable_framework_id()->set_value(call.framework_id.raw());
  out.mutable_executor_id()->set_value(call.executor_id.raw());
  std::visit(CallWriter{out}, call.body);
}

void write_executor_event(const ExecutorEvent& event, Event& out) {
  std::visit(EventWriter{out}, event);
}

}  // namespace bourse::codec
