#include "proto/codec/check_form.hpp"

#include <string>

#include "proto/codec/canonical.hpp"
#include "proto/codec/field_path.hpp"
#include "proto/codec/quantity.hpp"
#include "proto/codec/text_check.hpp"
#include "proto/v1/task.pb.h"

namespace bourse::codec {

namespace {

namespace v1 = mesos::v1;

// What an HTTP request takes in one piece, and no more lines than its own.
constexpr std::size_t kMostPathBytes = 4096;

Error refused(const FieldPath& at, const std::string& why) {
  return invalid("'" + at.text() + "' " + why);
}

Status check_command(const v1::CommandInfo& command, const FieldPath& at) {
  if (!command.value().empty()) return {};
  const FieldPath value = at.at("value");
  return refused(value, command.shell() ? "is empty; give the line to run, or shell: false"
                                        : "is empty; give the program to run");
}

Status check_port(std::uint32_t port, const FieldPath& at) {
  if (port >= 1 && port <= 65'535) return {};
  return refused(at, "is " + std::to_string(port) + ": a port is a number from 1 to 65535");
}

Status check_path(const std::string& path, const FieldPath& at) {
  if (path.empty()) return {};
  if (path[0] != '/') return refused(at, "is " + shown(path) + ": a path starts with '/'");
  if (path.size() > kMostPathBytes) {
    return refused(at, "has " + std::to_string(path.size()) + " bytes; at most " +
                           std::to_string(kMostPathBytes));
  }
  for (const char c : path) {
    if (static_cast<unsigned char>(c) > ' ' && c != '\x7f') continue;
    return refused(at, "is " + shown(path) + ": spaces and control characters are written %XX");
  }
  return {};
}

template <typename Check>
Status check_times(const Check& check, const FieldPath& at) {
  for (const auto& [name, seconds] : {std::pair{"delay_seconds", check.delay_seconds()},
                                      {"interval_seconds", check.interval_seconds()},
                                      {"timeout_seconds", check.timeout_seconds()}}) {
    const FieldPath here = at.at(name);
    if (const auto read = duration_from_seconds(seconds, Duration::max(), here); !read.ok()) {
      return read.error();
    }
  }
  return {};
}

Status missing(const FieldPath& at, const char* kind) {
  return refused(at, std::string("is missing; a check of type ") + kind + " is about it");
}

Status check_health(const v1::HealthCheck& check, const FieldPath& at) {
  const FieldPath command = at.at("command"), http = at.at("http"), tcp = at.at("tcp");
  switch (check.type()) {
    case v1::HealthCheck::COMMAND:
      if (!check.has_command()) return missing(command, "COMMAND");
      if (Status ok = check_command(check.command(), command); !ok) return ok;
      break;
    case v1::HealthCheck::HTTP: {
      if (!check.has_http()) return missing(http, "HTTP");
      if (Status ok = check_port(check.http().port(), http.at("port")); !ok) return ok;
      if (Status ok = check_path(check.http().path(), http.at("path")); !ok) return ok;
      const std::string& scheme = check.http().scheme();
      if (!scheme.empty() && scheme != "http") {
        return refused(http.at("scheme"), "is " + shown(scheme) +
                                              ": give http; for others, a check of type COMMAND "
                                              "that runs curl");
      }
      break;
    }
    case v1::HealthCheck::TCP:
      if (!check.has_tcp()) return missing(tcp, "TCP");
      if (Status ok = check_port(check.tcp().port(), tcp.at("port")); !ok) return ok;
      break;
    default:
      return refused(at.at("type"), "is missing; give COMMAND, HTTP or TCP");
  }
  const FieldPath grace = at.at("grace_period_seconds");
  const auto read = duration_from_seconds(check.grace_period_seconds(), Duration::max(), grace);
  if (!read.ok()) return read.error();
  return check_times(check, at);
}

Status check_plain(const v1::CheckInfo& check, const FieldPath& at) {
  const FieldPath command = at.at("command"), http = at.at("http"), tcp = at.at("tcp");
  switch (check.type()) {
    case v1::CheckInfo::COMMAND:
      if (!check.has_command()) return missing(command, "COMMAND");
      if (Status ok = check_command(check.command().command(), command.at("command")); !ok) {
        return ok;
      }
      break;
    case v1::CheckInfo::HTTP:
      if (!check.has_http()) return missing(http, "HTTP");
      if (Status ok = check_port(check.http().port(), http.at("port")); !ok) return ok;
      if (Status ok = check_path(check.http().path(), http.at("path")); !ok) return ok;
      break;
    case v1::CheckInfo::TCP:
      if (!check.has_tcp()) return missing(tcp, "TCP");
      if (Status ok = check_port(check.tcp().port(), tcp.at("port")); !ok) return ok;
      break;
    default:
      return refused(at.at("type"), "is missing; give COMMAND, HTTP or TCP");
  }
  return check_times(check, at);
}

}  // namespace

Status check_checks(const v1::TaskInfo& task) {
  if (task.has_health_check()) {
    if (Status ok = check_health(task.health_check(), "health_check"); !ok) return ok;
  }
  return task.has_check() ? check_plain(task.check(), "check") : Status();
}

Blob with_check_status(const Blob& extra, int type, std::optional<std::int32_t> value) {
  v1::TaskStatus message;
  if (!extra.empty() && !parse_bounded(extra.bytes(), message)) return extra;
  v1::CheckStatusInfo& out = *message.mutable_check_status();
  switch (type) {
    case v1::CheckInfo::COMMAND:
      out.set_type(v1::CheckInfo::COMMAND);
      out.mutable_command();
      if (value) out.mutable_command()->set_exit_code(*value);
      break;
    case v1::CheckInfo::HTTP:
      out.set_type(v1::CheckInfo::HTTP);
      out.mutable_http();
      if (value) out.mutable_http()->set_status_code(static_cast<std::uint32_t>(*value));
      break;
    case v1::CheckInfo::TCP:
      out.set_type(v1::CheckInfo::TCP);
      out.mutable_tcp();
      if (value) out.mutable_tcp()->set_succeeded(*value != 0);
      break;
    default:
      return extra;
  }
  return canonical_blob(message);
}

std::optional<CheckSaid> read_check_status(const Blob& extra) {
  v1::TaskStatus message;
  if (extra.empty() || !parse_bounded(extra.bytes(), message) || !message.has_check_status()) {
    return std::nullopt;
  }
  const v1::CheckStatusInfo& in = message.check_status();
  CheckSaid out{static_cast<int>(in.type()), std::nullopt};
  if (in.command().has_exit_code()) out.value = in.command().exit_code();
  if (in.http().has_status_code()) out.value = static_cast<std::int32_t>(in.http().status_code());
  if (in.tcp().has_succeeded()) out.value = in.tcp().succeeded() ? 1 : 0;
  if (out.type < v1::CheckInfo::COMMAND || out.type > v1::CheckInfo::TCP) return std::nullopt;
  return out;
}

}  // namespace bourse::codec
