#include "cli/app_definition.hpp"

#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

namespace bourse::cli {

namespace {

using Json = nlohmann::json;

Result<std::string> read_file(const std::string& path) {
  if (path == "-") {
    return std::string(std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>());
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) return Error{ErrorCode::io, "--file: cannot open '" + path + "'"};
  std::string out{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (file.bad()) return Error{ErrorCode::io, "--file: cannot read '" + path + "'"};
  return out;
}

Result<Json> pairs_of(const std::vector<std::string>& words, const std::string& flag) {
  Json out = Json::object();
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0) {
      return invalid(flag + ": '" + word + "' must be NAME=VALUE");
    }
    out[word.substr(0, equals)] = word.substr(equals + 1);
  }
  return out;
}

// "rack:equals:r1", "hostname:unique", "zone:max_per:2".
Result<Json> constraints_of(const std::vector<std::string>& words) {
  Json out = Json::array();
  for (const std::string& word : words) {
    const std::size_t first = word.find(':');
    if (first == std::string::npos || first == 0) {
      return invalid("--constraint: '" + word +
                     "' must be ATTRIBUTE:OPERATOR[:VALUE], as rack:equals:r1, hostname:unique "
                     "or zone:max_per:2");
    }
    const std::size_t second = word.find(':', first + 1);
    Json rule = {
        {"attribute", word.substr(0, first)},
        {"operator", word.substr(first + 1, second == std::string::npos ? std::string::npos
                                                                        : second - first - 1)}};
    if (second != std::string::npos) {
      rule[rule["operator"] == "max_per" ? "count" : "value"] = word.substr(second + 1);
    }
    out.push_back(std::move(rule));
  }
  return out;
}

// "http:/healthz", "tcp", "command:test -e ready".
Result<Json> check_of(const std::string& word, const std::string& flag, const AppFlags& flags) {
  const std::size_t colon = word.find(':');
  const std::string type = word.substr(0, colon);
  const std::string rest = colon == std::string::npos ? "" : word.substr(colon + 1);
  Json out = {{"type", type}, {"interval_seconds", flags.check_interval}};
  if (type == "command" && !rest.empty()) {
    out["command"] = rest;
    return out;
  }
  if ((type != "http" && type != "tcp") || (type == "http") == rest.empty()) {
    return invalid(flag + ": '" + word + "' must be http:/PATH, tcp or command:LINE");
  }
  if (type == "http") out["path"] = rest;
  out["port_index"] = flags.check_port_index;
  return out;
}

Status add_checks(const AppFlags& flags, Json& out) {
  if (!flags.check.empty()) {
    auto check = check_of(flags.check, "--check", flags);
    if (!check.ok()) return check.error();
    out["check"] = std::move(check).value();
  }
  if (flags.health_check.empty()) return {};
  auto check = check_of(flags.health_check, "--health-check", flags);
  if (!check.ok()) return check.error();
  check.value()["grace_seconds"] = flags.health_grace;
  check.value()["failures"] = flags.health_failures;
  out["health_check"] = std::move(check).value();
  return {};
}

}  // namespace

void add_app_flags(runtime::Flags& flags, AppFlags& out) {
  flags.add("file", out.file, "the whole definition as JSON; - is the standard input");
  flags.add("command", out.command, "what an instance runs, by /bin/sh -c");
  flags.add(
      "arg", out.arguments,
      "instead of --command: the program, and with more --arg its arguments, without a shell");
  flags.add("instances", out.instances, "how many");
  flags.add("cpus", out.cpus, "of each");
  flags.add("mem", out.mem, "of each, in MB");
  flags.add("disk", out.disk, "of each, in MB");
  flags.add("gpus", out.gpus, "of each");
  flags.add("ports", out.ports, "how many each needs; it finds them in PORT0, PORT1, ...");
  flags.add("env", out.env, "NAME=VALUE, may be given several times");
  flags.add("label", out.labels, "KEY=VALUE, may be given several times");
  flags.add("constraint", out.constraints,
            "ATTRIBUTE:OPERATOR[:VALUE], as rack:equals:r1, hostname:unique or zone:max_per:2");
  flags.add(
      "health-check", out.health_check,
      "http:/PATH, tcp or command:LINE: an instance counts as available while it is well, and "
      "is replaced when it is not");
  flags.add("health-grace", out.health_grace,
            "seconds in which failures before it was ever well do not count");
  flags.add("health-failures", out.health_failures, "so many in a row end an instance");
  flags.add("check", out.check, "likewise, but it only tells what it sees: bourse app tasks");
  flags.add("check-port-index", out.check_port_index, "which of its --ports the checks ask");
  flags.add("check-interval", out.check_interval, "seconds between looks");
  flags.add("user", out.user, "whom it runs as; the scheduler's unless given");
  flags.add("max-unavailable", out.max_unavailable,
            "how many may be missing while a change is rolled out");
  flags.add("max-surge", out.max_surge, "how many may run above --instances meanwhile");
  flags.add("ready-after", out.ready_after, "seconds that one must run to count as available");
  flags.add("kill-grace", out.kill_grace, "seconds from SIGTERM to SIGKILL");
}

Result<std::string> app_document(const AppFlags& flags, std::string& id) {
  if (!flags.file.empty()) {
    auto text = read_file(flags.file);
    if (!text.ok() || !id.empty()) return text;
    const Json read = Json::parse(text.value(), nullptr, false);
    if (read.is_object() && read.contains("id") && read["id"].is_string()) id = read["id"];
    return text;
  }
  const auto env = pairs_of(flags.env, "--env");
  if (!env.ok()) return env.error();
  const auto labels = pairs_of(flags.labels, "--label");
  if (!labels.ok()) return labels.error();
  const auto constraints = constraints_of(flags.constraints);
  if (!constraints.ok()) return constraints.error();
  Json out = {{"env", env.value()},
              {"labels", labels.value()},
              {"constraints", constraints.value()},
              {"cpus", flags.cpus},
              {"mem", flags.mem},
              {"disk", flags.disk},
              {"gpus", flags.gpus},
              {"ports", flags.ports},
              {"instances", flags.instances},
              {"max_unavailable", flags.max_unavailable},
              {"max_surge", flags.max_surge},
              {"ready_after_seconds", flags.ready_after},
              {"kill_grace_seconds", flags.kill_grace}};
  if (const Status checks = add_checks(flags, out); !checks.ok()) return checks.error();
  if (!flags.command.empty()) out["command"] = flags.command;
  if (!flags.arguments.empty()) out["arguments"] = flags.arguments;
  if (!flags.user.empty()) out["user"] = flags.user;
  return out.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace bourse::cli
