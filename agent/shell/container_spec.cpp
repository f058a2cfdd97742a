#include "agent/shell/container_spec.hpp"

#include <limits>
#include <map>

#include "agent/shell/task_checks.hpp"
#include "model/limits.hpp"
#include "proto/codec/facet_write.hpp"
#include "proto/v1/executor_info.pb.h"
#include "proto/v1/task.pb.h"
#include "runtime/units.hpp"

namespace bourse::agent {

namespace {

constexpr char kDefaultPath[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

Error unsupported(const std::string& what) {
  return {ErrorCode::unsupported, what};
}

Status fill_command(const mesos::v1::CommandInfo& command, isolation::ContainerSpec& spec,
                    std::map<std::string, std::string>& env) {
  for (const auto& variable : command.environment().variables()) {
    if (variable.has_value()) env[variable.name()] = variable.value();
  }
  if (command.shell()) {
    if (command.value().empty()) {
      return invalid("command.value: is empty; give the line to run, or shell: false");
    }
    spec.shell_command = command.value();
    return {};
  }
  if (command.value().empty()) {
    return invalid("command.value: is empty; give the program to run");
  }
  // As Mesos: `value` is the program, `arguments` its argv including argv[0].
  spec.argv.push_back(command.value());
  for (int i = 1; i < command.arguments_size(); ++i) spec.argv.push_back(command.arguments(i));
  return {};
}

void fill_executor_environment(const StartContainer& start, const SpecContext& context,
                               std::map<std::string, std::string>& env) {
  env["LIBPROCESS_IP"] = context.ip;
  env["LIBPROCESS_PORT"] = "0";
  env["MESOS_SLAVE_PID"] = context.agent_pid;
  env["MESOS_AGENT_ENDPOINT"] = context.agent_endpoint;
  env["MESOS_CHECKPOINT"] = start.framework->checkpoint ? "1" : "0";
  env["MESOS_HTTP_COMMAND_EXECUTOR"] = "0";
  env["MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD"] = mesos_duration(start.executor->shutdown_grace);
  if (start.framework->checkpoint) {
    env["MESOS_RECOVERY_TIMEOUT"] = mesos_duration(context.recovery_timeout);
    env["MESOS_SUBSCRIPTION_BACKOFF_MAX"] = "2secs";
  }
  env["MESOS_EXECUTOR_AUTHENTICATION_TOKEN"] = start.token;
  env["BOURSE_EXECUTOR_SOCKET"] = context.executor_socket;
}

isolation::ResourceLimits limits_of(const StartContainer& start, const SpecContext& context) {
  isolation::ResourceLimits limits = limits_of(start.resources, context);
  if (!start.task) return limits;
  const auto& asked = start.task->limits_milli;
  if (const auto it = asked.find("cpus"); it != asked.end()) {
    limits.cpu_quota = it->second != std::numeric_limits<std::int64_t>::max();
    if (limits.cpu_quota) limits.cpu_milli = it->second;
  }
  if (const auto it = asked.find("mem"); it != asked.end()) {
    limits.memory_bytes =
        it->second == std::numeric_limits<std::int64_t>::max() ? 0 : it->second / 1000 * (1 << 20);
  }
  return limits;
}

}  // namespace

isolation::ResourceLimits limits_of(const Resources& resources, const SpecContext& context) {
  isolation::ResourceLimits limits;
  limits.cpu_milli = resources.scalar_milli("cpus");
  const std::int64_t lent = resources.revocable().scalar_milli("cpus");
  if (lent > 0 && context.lent_cpus_yield) {
    limits.cpu_shares = isolation::cpu_shares_of(limits.cpu_milli - lent, lent);
  }
  // `mem` counts megabytes in thousandths.
  limits.memory_bytes = resources.scalar_milli("mem") / 1000 * (1 << 20);
  limits.pids = context.pids_limit;
  return limits;
}

std::string mesos_duration(Duration duration) {
  return runtime::duration_text(duration);
}

std::string path_component(const std::string& name) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const auto c = static_cast<unsigned char>(name[i]);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || (c == '.' && i > 0);
    if (plain) {
      out += static_cast<char>(c);
    } else {
      out += '%';
      out += kHex[c >> 4];
      out += kHex[c & 0xf];
    }
  }
  // The file system's own bound; a longer name keeps its start and a digest that tells it apart.
  if (out.size() > 200) {
    const Digest digest = digest_of(name);
    out = out.substr(0, 150) + "%" + std::to_string(digest.high) + std::to_string(digest.low);
  }
  return out;
}

std::string sandbox_of(const std::string& work_dir, const std::string& agent_id,
                       const std::string& framework_id, const std::string& executor_id,
                       const std::string& container_id) {
  return work_dir + "/slaves/" + path_component(agent_id) + "/frameworks/" +
         path_component(framework_id) + "/executors/" + path_component(executor_id) + "/runs/" +
         path_component(container_id);
}

Result<std::vector<FetchItem>> files_of(const StartContainer& start) {
  mesos::v1::CommandInfo command;
  if (start.task) {
    mesos::v1::TaskInfo info;
    codec::write_task(*start.task, info);
    command.Swap(info.mutable_command());
  } else {
    mesos::v1::ExecutorInfo info;
    codec::write_executor(*start.executor, info);
    command.Swap(info.mutable_command());
  }
  const auto count = static_cast<std::size_t>(command.uris_size());
  if (count > limits::kMaxUrisPerCommand) {
    return Error{ErrorCode::too_large, "command.uris: " + std::to_string(count) +
                                           " files; at most " +
                                           std::to_string(limits::kMaxUrisPerCommand)};
  }
  std::vector<FetchItem> items;
  for (const mesos::v1::CommandInfo::URI& uri : command.uris()) {
    auto item = make_fetch_item("command.uris[" + std::to_string(items.size()) + "]", uri.value(),
                                uri.output_file(), uri.executable(), uri.extract(), uri.cache());
    if (!item.ok()) return item.error();
    items.push_back(std::move(item).value());
  }
  return items;
}

Result<isolation::ContainerSpec> container_spec(const StartContainer& start,
                                                const SpecContext& context) {
  isolation::ContainerSpec spec;
  spec.container_id = start.container_id.raw();
  spec.sandbox_dir = sandbox_of(context.work_dir, context.agent_id, start.framework->id.raw(),
                                start.executor->id.raw(), start.container_id.raw());
  if (start.executor->container.has_image) {
    return unsupported("container.image: this agent runs programs of its own machine only");
  }
  std::map<std::string, std::string> env;
  env["PATH"] = kDefaultPath;
  env["HOME"] = spec.sandbox_dir;
  env["MESOS_SANDBOX"] = spec.sandbox_dir;
  env["MESOS_DIRECTORY"] = spec.sandbox_dir;
  env["MESOS_FRAMEWORK_ID"] = start.framework->id.raw();
  env["MESOS_EXECUTOR_ID"] = start.executor->id.raw();
  env["MESOS_SLAVE_ID"] = context.agent_id;
  env["MESOS_CONTAINER_ID"] = start.container_id.raw();
  Status filled;
  if (start.task) {
    mesos::v1::TaskInfo info;
    codec::write_task(*start.task, info);
    env["MESOS_TASK_ID"] = start.task->id.raw();
    filled = fill_command(info.command(), spec, env);
    if (filled.ok()) filled = fill_checks(info, env, spec);
    spec.kill_grace = start.kill_grace;
  } else {
    mesos::v1::ExecutorInfo info;
    codec::write_executor(*start.executor, info);
    fill_executor_environment(start, context, env);
    filled = fill_command(info.command(), spec, env);
  }
  if (!filled.ok()) return filled.error();
  spec.env.assign(env.begin(), env.end());
  if (context.switch_user) spec.user = start.user;
  spec.limits = limits_of(start, context);
  return spec;
}

}  // namespace bourse::agent
