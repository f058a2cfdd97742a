// app: long-running apps, as the service scheduler's API (docs/services.md) has them.
#include <algorithm>
#include <cstdio>
#include <functional>
#include <optional>

#include "cli/api.hpp"
#include "cli/app_definition.hpp"
#include "cli/invocation.hpp"
#include "cli/table.hpp"
#include "proto/codec/json.hpp"
#include "proto/internal/service_api.pb.h"
#include "runtime/clock.hpp"
#include "runtime/http_message.hpp"

namespace bourse::cli {

namespace {

namespace app_api = service_api;

constexpr char kAppUsage[] =
    "usage: bourse app list\n"
    "       bourse app run ID --command=... [--instances=N ...]   or --file=FILE\n"
    "       bourse app show|tasks|versions ID\n"
    "       bourse app scale ID N\n"
    "       bourse app restart ID [--if-version=N]   one instance after the other\n"
    "       bourse app delete ID\n"
    "\n"
    "run, scale, restart and delete take --wait: until it is done, saying why it is not.\n"
    "All take --service=HOST:PORT (or BOURSE_SERVICE) and --json.\n";

constexpr Duration kLookAgain = Duration::milliseconds(500);
constexpr Duration kOverFailover = Duration::seconds(60);

std::string path_of(const std::string& id) {
  return "/v1/apps/" + runtime::percent_encode(id);
}

template <typename Message>
Status ask(Api& service, const std::string& method, const std::string& path,
           const std::string& body, Message& out, std::string& json) {
  auto answer = service.ask(method, path, body);
  if (!answer.ok()) return answer.error();
  json = std::move(answer).value();
  codec::JsonLimits bounds;
  bounds.bytes = json.size();
  bounds.elements = 100'000'000;
  return codec::from_json(json, out, bounds);
}

std::string ago(double seconds) {
  return age_text(static_cast<std::int64_t>(seconds * 1e9), runtime::wall_now().ns);
}

std::string ready_text(const app_api::AppState& app) {
  return std::to_string(app.deployment().ready()) + "/" + std::to_string(app.instances());
}

void print_line(const char* name, const std::string& text) {
  if (!text.empty()) std::printf("%-10s  %s\n", name, printable(text).c_str());
}

void print_app(const app_api::AppState& app) {
  const app_api::Deployment& deployment = app.deployment();
  print_line("app", app.id());
  print_line("version", std::to_string(app.version()) + " (" + app.cause() + ", " +
                            ago(app.changed_at_seconds()) + " ago)");
  print_line("state", deployment.state());
  print_line("why", deployment.why());
  print_line("ready", ready_text(app) +
                          (deployment.old() > 0
                               ? ", " + std::to_string(deployment.old()) + " of an older version"
                               : ""));
  std::string command = app.app().command();
  for (const std::string& argument : app.app().arguments()) {
    command += (command.empty() ? "" : " ") + argument;
  }
  print_line("command", command);
  print_line("each", amount_text(app.app().cpus()) + " cpus, " +
                         megabytes_text(static_cast<double>(app.app().mem())) + ", " +
                         std::to_string(app.app().ports()) + " ports");
  for (const app_api::Constraint& rule : app.app().constraints()) {
    print_line("constraint", rule.attribute() + " " + rule.operator_() + " " +
                                 (rule.has_count() ? std::to_string(rule.count()) : rule.value()));
  }
  for (const app_api::End& end : app.last_ends()) {
    print_line("ended", std::to_string(end.number()) + " on " + end.hostname() + " " +
                            ago(end.at_seconds()) + " ago: " + end.state() +
                            (end.message().empty() ? "" : ", " + end.message()));
  }
}

int list(Api& service, bool json) {
  Table table({"APP", ">VERSION", ">READY", "STATE", ">ENDS", "WHY"});
  std::string after;
  do {
    app_api::AppList page;
    std::string text;
    const std::string path = "/v1/apps?limit=1000&after=" + runtime::percent_encode(after);
    if (const Status ok = ask(service, "GET", path, "", page, text); !ok.ok()) {
      return failed(ok.error());
    }
    if (json) std::printf("%s", text.c_str());
    for (const app_api::AppState& app : page.apps()) {
      table.add({app.id(), std::to_string(app.version()), ready_text(app), app.deployment().state(),
                 std::to_string(app.ends()), app.deployment().why()});
    }
    after = page.next();
  } while (!after.empty());
  if (!json) std::printf("%s", table.text().c_str());
  return 0;
}

int show(Api& service, const std::string& id, bool json) {
  app_api::AppState app;
  std::string text;
  if (const Status ok = ask(service, "GET", path_of(id), "", app, text); !ok.ok()) {
    return failed(ok.error());
  }
  if (json) {
    std::printf("%s", text.c_str());
  } else {
    print_app(app);
  }
  return 0;
}

int tasks(Api& service, const std::string& id, bool json) {
  app_api::TaskList list;
  std::string text;
  if (const Status ok = ask(service, "GET", path_of(id) + "/tasks", "", list, text); !ok.ok()) {
    return failed(ok.error());
  }
  if (json) {
    std::printf("%s", text.c_str());
    return 0;
  }
  Table table(
      {"TASK", ">VERSION", "PHASE", "READY", "HEALTHY", "CHECK", "HOST", "PORTS", ">SINCE", "WHY"});
  for (const app_api::Task& task : list.tasks()) {
    std::string ports;
    for (const std::uint32_t port : task.ports()) {
      ports += (ports.empty() ? "" : ",") + std::to_string(port);
    }
    table.add({task.has_id() ? task.id() : "-",
               task.has_version() ? std::to_string(task.version()) : "-", task.phase(),
               task.ready() ? "yes" : "no",
               !task.has_healthy() ? "-"
               : task.healthy()    ? "yes"
                                   : "no",
               task.has_check() ? std::to_string(task.check()) : "-",
               task.hostname().empty() ? "-" : task.hostname(), ports.empty() ? "-" : ports,
               age_text(0, static_cast<std::int64_t>(task.phase_seconds() * 1e9)), task.why()});
  }
  std::printf("%s", table.text().c_str());
  return 0;
}

int versions(Api& service, const std::string& id, bool json) {
  app_api::VersionList list;
  std::string text;
  const Status ok = ask(service, "GET", path_of(id) + "/versions", "", list, text);
  if (!ok.ok()) return failed(ok.error());
  if (json) {
    std::printf("%s", text.c_str());
    return 0;
  }
  Table table({">VERSION", "CAUSE", ">AGE", ">INSTANCES", "REPLACES", "COMMAND"});
  for (const app_api::Version& version : list.versions()) {
    const app_api::App& app = version.app();
    table.add({std::to_string(version.version()), version.cause(), ago(version.at_seconds()),
               std::to_string(app.instances()),
               version.version() == version.task_version() ? "yes" : "no",
               app.command().empty() ? (app.arguments_size() > 0 ? app.arguments(0) : "")
                                     : app.command()});
  }
  std::printf("%s", table.text().c_str());
  return 0;
}

// Until the app is where it should be; says each new reason why it is not.
int wait_done(Api& service, const std::string& id, bool removed) {
  std::string told;
  while (true) {
    app_api::AppState app;
    std::string text;
    const Status ok = ask(service, "GET", path_of(id), "", app, text);
    if (!ok.ok()) {
      const bool gone = removed && ok.error().code == ErrorCode::not_found;
      return gone ? 0 : failed(ok.error());
    }
    if (!removed && app.deployment().state() == "done") return 0;
    const std::string now = app.deployment().state() + ", " + ready_text(app) + " ready" +
                            (app.deployment().why().empty() ? "" : ": " + app.deployment().why());
    if (now != told) std::fprintf(stderr, "%s\n", printable(now).c_str());
    told = now;
    if (!service.wait(kLookAgain)) return 1;
  }
}

int change(Api& service, const std::string& method, const std::string& path,
           const std::string& body, const std::string& id, bool json, bool wait) {
  app_api::AppState app;
  std::string text;
  if (const Status ok = ask(service, method, path, body, app, text); !ok.ok()) {
    return failed(ok.error());
  }
  const bool removed = method == "DELETE";
  if (json) {
    std::printf("%s", text.c_str());
  } else if (removed) {
    std::printf("%s is being removed\n", printable(id).c_str());
  } else if (!app.changed()) {
    std::printf("%s is at version %llu already\n", printable(id).c_str(),
                static_cast<unsigned long long>(app.version()));
  } else {
    std::printf("%s is at version %llu: %s\n", printable(id).c_str(),
                static_cast<unsigned long long>(app.version()), app.deployment().state().c_str());
  }
  std::fflush(stdout);
  if (!wait) return 0;
  service.be_patient(kOverFailover);
  return wait_done(service, id, removed);
}

int usage() {
  std::fputs(kAppUsage, stderr);
  return 2;
}

int run(const Arguments& arguments) {
  Invocation invocation("app run",
                        "Runs an app, or changes one to this definition: what is not given is as "
                        "it is by default.",
                        Invocation::Peer::service);
  AppFlags flags;
  bool wait = false;
  std::vector<std::string> ids;
  add_app_flags(invocation.flags(), flags);
  invocation.flags().add("wait", wait, "until all instances are available");
  invocation.flags().positional("ID", ids, "name of the app; may stand in the file");
  if (const auto code = invocation.parse(arguments)) return *code;
  if (ids.size() > 1) return usage();
  std::string id = ids.empty() ? "" : ids.front();
  auto document = app_document(flags, id);
  if (!document.ok()) return failed(document.error());
  if (id.empty()) {
    std::fputs("bourse app run: give the app's ID, as an argument or in the file\n", stderr);
    return 2;
  }
  Api service(invocation);
  return change(service, "PUT", path_of(id), document.value(), id, invocation.json(), wait);
}

int look(const std::string& verb, const Arguments& arguments) {
  Invocation invocation("app " + verb, "What a service scheduler keeps running.",
                        Invocation::Peer::service);
  std::vector<std::string> ids;
  invocation.flags().positional("ID", ids, "name of the app");
  if (const auto code = invocation.parse(arguments)) return *code;
  if (ids.size() != (verb == "list" ? 0U : 1U)) return usage();
  Api service(invocation);
  if (verb == "list") return list(service, invocation.json());
  if (verb == "show") return show(service, ids.front(), invocation.json());
  if (verb == "tasks") return tasks(service, ids.front(), invocation.json());
  return versions(service, ids.front(), invocation.json());
}

int act(const std::string& verb, const Arguments& arguments) {
  Invocation invocation("app " + verb, "Changes what a service scheduler keeps running.",
                        Invocation::Peer::service);
  std::vector<std::string> words;
  bool wait = false;
  std::uint64_t if_version = 0;
  if (verb == "restart") {
    invocation.flags().add("if-version", if_version,
                           "only if the app is at this version: makes it safe to repeat");
  }
  invocation.flags().add("wait", wait, "until it is done");
  invocation.flags().positional("ID", words, "name of the app; for scale, then how many");
  if (const auto code = invocation.parse(arguments)) return *code;
  if (words.size() != (verb == "scale" ? 2U : 1U)) return usage();
  const std::string& id = words.front();
  Api service(invocation);
  const auto send = [&](const char* method, const std::string& part, const std::string& body) {
    return change(service, method, path_of(id) + part, body, id, invocation.json(), wait);
  };
  if (verb == "delete") return send("DELETE", "", "");
  if (verb == "scale") return send("POST", "/scale", "{\"instances\":" + json_text(words[1]) + "}");
  return send("POST", "/restart",
              if_version == 0 ? "{}" : "{\"if_version\":" + std::to_string(if_version) + "}");
}

}  // namespace

int app_command(const Arguments& arguments) {
  const std::string verb = arguments.empty() ? "" : arguments.front();
  if (verb == "help" || verb == "--help" || verb == "-h") {
    std::fputs(kAppUsage, stdout);
    return 0;
  }
  if (arguments.empty()) return usage();
  const Arguments rest(arguments.begin() + 1, arguments.end());
  if (verb == "run") return run(rest);
  if (verb == "list" || verb == "show" || verb == "tasks" || verb == "versions") {
    return look(verb, rest);
  }
  if (verb == "scale" || verb == "restart" || verb == "delete") return act(verb, rest);
  std::fprintf(stderr, "bourse app: '%s' is no command\n\n", printable(verb).c_str());
  return usage();
}

}  // namespace bourse::cli
