#include "agent/shell/session_call.hpp"

#include "model/session_limits.hpp"

namespace bourse::agent {

namespace {

using mesos::v1::agent::Call;
using mesos::v1::agent::ProcessIO;
namespace v1 = mesos::v1;

Error not_in_sessions(std::string sentence) {
  return {ErrorCode::unsupported, std::move(sentence)};
}

Status check_container(const v1::ContainerInfo& container) {
  if (container.has_mesos() && container.mesos().has_image()) {
    return not_in_sessions("container.mesos.image: a session sees what its container sees");
  }
  if (container.has_docker()) {
    return not_in_sessions("container.docker: a session sees what its container sees");
  }
  if (container.volumes_size() > 0) {
    return not_in_sessions("container.volumes: a session has those of its container");
  }
  if (!container.tty_info().has_window_size()) return {};
  const auto& size = container.tty_info().window_size();
  return check_tty("container.tty_info", size.rows(), size.columns());
}

Status fill_command(const v1::CommandInfo& command, const std::string& user,
                    isolation::SessionSpec& spec) {
  if (command.value().empty()) return invalid("command.value: is empty; give what to run");
  if (command.uris_size() > 0) {
    return not_in_sessions(
        "command.uris: a session fetches nothing; it sees its container's sandbox");
  }
  if (!command.user().empty() && command.user() != user) {
    return Error{ErrorCode::denied, "command.user: '" + command.user().substr(0, 64) +
                                        "' is not '" + user +
                                        "', whom the container belongs to; leave it out"};
  }
  if (command.shell()) {
    spec.argv = {"/bin/sh", "-c", command.value()};
  } else {
    spec.argv.push_back(command.value());
    for (int i = 1; i < command.arguments_size(); ++i) spec.argv.push_back(command.arguments(i));
  }
  std::size_t bytes = 0;
  for (const std::string& word : spec.argv) bytes += word.size() + 1;
  for (const auto& variable : command.environment().variables()) {
    if (!variable.has_value()) continue;
    bytes += variable.name().size() + variable.value().size() + 2;
    spec.env.emplace_back(variable.name(), variable.value());
  }
  if (bytes > limits::kMaxSessionCommandBytes) {
    return Error{ErrorCode::too_large, "command: its words and environment come to " +
                                           std::to_string(bytes) + " bytes; at most " +
                                           std::to_string(limits::kMaxSessionCommandBytes)};
  }
  return {};
}

template <typename Launch>
Status fill(const Launch& launch, const std::string& user, isolation::SessionSpec& spec) {
  if (!launch.has_command()) return invalid("command: is missing; give what to run");
  if (Status good = check_container(launch.container()); !good.ok()) return good;
  spec.tty = launch.container().has_tty_info();
  spec.rows = launch.container().tty_info().window_size().rows();
  spec.columns = launch.container().tty_info().window_size().columns();
  return fill_command(launch.command(), user, spec);
}

Result<SessionInput> read_process_io(const ProcessIO& io) {
  SessionInput out;
  if (io.type() == ProcessIO::DATA) {
    if (io.data().type() != ProcessIO::Data::STDIN) {
      return invalid("process_io.data.type: '" + ProcessIO::Data::Type_Name(io.data().type()) +
                     "' is not STDIN, which alone can be written");
    }
    out.bytes = io.data().data();
    return out;
  }
  if (io.type() != ProcessIO::CONTROL) {
    return invalid("process_io.type: '" + ProcessIO::Type_Name(io.type()) +
                   "' is neither DATA nor CONTROL");
  }
  if (io.control().type() == ProcessIO::Control::HEARTBEAT) return out;
  if (io.control().type() != ProcessIO::Control::TTY_INFO) {
    return invalid("process_io.control.type: '" +
                   ProcessIO::Control::Type_Name(io.control().type()) +
                   "' is neither HEARTBEAT nor TTY_INFO");
  }
  if (!io.control().tty_info().has_window_size()) {
    return invalid("process_io.control.tty_info.window_size: is missing; give rows and columns");
  }
  const auto& size = io.control().tty_info().window_size();
  out.window = {size.rows(), size.columns()};
  return out;
}

}  // namespace

Result<SessionKey> read_session_key(const v1::ContainerID& id) {
  if (!id.has_parent()) {
    return invalid("container_id.parent: is missing; name the container of a task, in which '" +
                   id.value().substr(0, 64) + "' is or shall be");
  }
  if (id.parent().has_parent()) {
    return not_in_sessions(
        "container_id.parent.parent: sessions run in containers of tasks and "
        "executors, not in one another");
  }
  return SessionKey{ContainerId(id.parent().value()), id.value()};
}

const v1::ContainerID* session_id_in(const Call& call) {
  switch (call.type()) {
    case Call::LAUNCH_NESTED_CONTAINER_SESSION:
      return &call.launch_nested_container_session().container_id();
    case Call::LAUNCH_NESTED_CONTAINER:
      return &call.launch_nested_container().container_id();
    case Call::LAUNCH_CONTAINER:
      return &call.launch_container().container_id();
    case Call::ATTACH_CONTAINER_OUTPUT:
      return &call.attach_container_output().container_id();
    case Call::WAIT_NESTED_CONTAINER:
      return &call.wait_nested_container().container_id();
    case Call::WAIT_CONTAINER:
      return &call.wait_container().container_id();
    case Call::KILL_NESTED_CONTAINER:
      return &call.kill_nested_container().container_id();
    case Call::KILL_CONTAINER:
      return &call.kill_container().container_id();
    case Call::REMOVE_NESTED_CONTAINER:
      return &call.remove_nested_container().container_id();
    case Call::REMOVE_CONTAINER:
      return &call.remove_container().container_id();
    default:
      return nullptr;
  }
}

bool asks_for_tty(const Call& call) {
  return call.launch_nested_container_session().container().has_tty_info() ||
         call.launch_nested_container().container().has_tty_info() ||
         call.launch_container().container().has_tty_info();
}

Result<isolation::SessionSpec> read_session(const Call& call, const SessionKey& key,
                                            const std::string& user) {
  isolation::SessionSpec spec;
  spec.container_id = key.parent.raw();
  spec.session_id = key.id;
  spec.user = user;
  Status filled;
  if (call.type() == Call::LAUNCH_NESTED_CONTAINER_SESSION) {
    filled = fill(call.launch_nested_container_session(), user, spec);
  } else if (call.type() == Call::LAUNCH_NESTED_CONTAINER) {
    filled = fill(call.launch_nested_container(), user, spec);
  } else if (call.launch_container().resources_size() > 0 ||
             !call.launch_container().limits().empty()) {
    filled = not_in_sessions("resources, limits: a session uses those of its container");
  } else {
    filled = fill(call.launch_container(), user, spec);
  }
  if (!filled.ok()) return filled.error();
  return spec;
}

Result<SessionInput> read_session_input(const Call& call) {
  if (call.type() != Call::ATTACH_CONTAINER_INPUT) {
    return invalid("type: '" + Call::Type_Name(call.type()) +
                   "' in a stream of ATTACH_CONTAINER_INPUT");
  }
  const auto& input = call.attach_container_input();
  if (input.type() == Call::AttachContainerInput::PROCESS_IO) {
    return read_process_io(input.process_io());
  }
  if (input.type() != Call::AttachContainerInput::CONTAINER_ID || !input.has_container_id()) {
    return invalid("attach_container_input: is neither a CONTAINER_ID nor a PROCESS_IO");
  }
  auto key = read_session_key(input.container_id());
  if (!key.ok()) return key.error();
  SessionInput out;
  out.attach = std::move(key).value();
  return out;
}

}  // namespace bourse::agent
