// crawl: watches and operates a running crawl. What it shows is the document that the crawler
// publishes through the master; what it changes goes to the crawler's own control address, which
// stands in that document.
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/api.hpp"
#include "cli/invocation.hpp"
#include "cli/table.hpp"
#include "proto/v1/master_response.pb.h"

namespace bourse::cli {

namespace {

using Json = nlohmann::json;
using mesos::v1::master::Response;

constexpr char kCrawlUsage[] =
    "usage: bourse crawl [status]\n"
    "       bourse crawl pause|resume [STAGE]      a stage (fetch, extract, store) or all of it\n"
    "       bourse crawl scale STAGE N|auto        workers of a stage\n"
    "       bourse crawl rate HOST REQUESTS/S      what one site is asked for at most\n"
    "       bourse crawl drain|undrain HOST        no new pages of one site\n";

// The framework that says it is a crawler; the newest if there are several.
Result<std::string> find_crawler(Api& api) {
  Response response;
  const Status ok =
      api.call(R"({"type":"GET_FRAMEWORKS","get_frameworks":{"offers":false}})", response);
  if (!ok.ok()) return ok.error();
  std::string found;
  std::int64_t newest = -1;
  for (const auto& framework : response.get_frameworks().frameworks()) {
    for (const auto& label : framework.framework_info().labels().labels()) {
      if (label.key() != "bourse.ui" || label.value() != "crawler") continue;
      if (framework.registered_time().nanoseconds() <= newest) continue;
      newest = framework.registered_time().nanoseconds();
      found = framework.framework_info().id().value();
    }
  }
  if (found.empty()) return Error{ErrorCode::not_found, "no crawl runs on this cluster"};
  return found;
}

Result<Json> read_stats(Api& api) {
  auto framework = find_crawler(api);
  if (!framework.ok()) return framework.error();
  Response response;
  const std::string path = "/frameworks/" + framework.value() + "/published/stats.json";
  const Status ok =
      api.call(R"({"type":"READ_FILE","read_file":{"path":)" + json_text(path) + R"(,"offset":0}})",
               response);
  if (!ok.ok()) return ok.error();
  Json stats = Json::parse(response.read_file().data(), nullptr, false);
  if (stats.is_discarded() || !stats.is_object()) {
    return Error{ErrorCode::corrupt, "the crawl's stats.json does not parse"};
  }
  return stats;
}

std::string number(const Json& row, const char* name) {
  const auto it = row.find(name);
  if (it == row.end() || !it->is_number()) return "-";
  return amount_text(it->get<double>());
}

std::string text(const Json& row, const char* name) {
  const auto it = row.find(name);
  return it != row.end() && it->is_string() ? printable(it->get<std::string>()) : "-";
}

void print_status(const Json& stats, bool all_sites) {
  const Json run = stats.value("run", Json::object());
  std::printf("%s: %s of %s items, %s pages, %s errors, %s s\n", text(run, "state").c_str(),
              number(run, "items").c_str(), number(run, "expected_items").c_str(),
              number(run, "pages").c_str(), number(run, "errors").c_str(),
              number(run, "seconds").c_str());
  Table stages({"STAGE", ">WORKERS", ">QUEUE", ">IN FLIGHT", ">DONE", ">FAILED", ">PER S", ""});
  for (const Json& row : stats.value("stages", Json::array())) {
    stages.add({text(row, "name"), number(row, "workers") + "/" + number(row, "target_workers"),
                number(row, "queue"), number(row, "in_flight"), number(row, "done"),
                number(row, "failed"), number(row, "rate_per_s"),
                row.value("paused", false)    ? "paused"
                : text(row, "trouble") == "-" ? ""
                                              : text(row, "trouble")});
  }
  std::printf("\n%s", stages.text().c_str());
  if (!all_sites) return;
  Table sites({"SITE", "STATE", ">QUEUE", ">DONE", ">ITEMS", ">ERRORS", ">PER S", ">ALLOWED"});
  for (const Json& row : stats.value("sites", Json::array())) {
    sites.add({text(row, "host"), text(row, "state"), number(row, "queue"), number(row, "done"),
               number(row, "items"), number(row, "errors"), number(row, "rate_per_s"),
               number(row, "allowed_per_s")});
  }
  std::printf("\n%s", sites.text().c_str());
}

// The operation as the crawler's control address takes it; nullopt: wrong usage.
std::optional<Json> operation_of(const Arguments& words) {
  const std::string& verb = words.front();
  if ((verb == "pause" || verb == "resume") && words.size() <= 2) {
    Json out = {{"op", verb}};
    if (words.size() == 2) out["stage"] = words[1];
    return out;
  }
  if (verb == "scale" && words.size() == 3) {
    Json out = {{"op", "scale"}, {"stage", words[1]}};
    if (words[2] == "auto") {
      out["workers"] = "auto";
    } else {
      const Json workers = Json::parse(words[2], nullptr, false);
      if (!workers.is_number_unsigned()) return std::nullopt;
      out["workers"] = workers;
    }
    return out;
  }
  if (verb == "rate" && words.size() == 3) {
    const Json rate = Json::parse(words[2], nullptr, false);
    if (!rate.is_number()) return std::nullopt;
    return Json{{"op", "rate"}, {"host", words[1]}, {"per_s", rate}};
  }
  if ((verb == "drain" || verb == "undrain") && words.size() == 2) {
    return Json{{"op", verb}, {"host", words[1]}};
  }
  return std::nullopt;
}

int operate(Api& api, const Arguments& words, bool json) {
  const auto operation = operation_of(words);
  if (!operation) {
    std::fputs(kCrawlUsage, stderr);
    return 2;
  }
  auto stats = read_stats(api);
  if (!stats.ok()) return failed(stats.error());
  const std::string control = stats->value("control", "");
  if (control.empty()) {
    return failed({ErrorCode::unavailable, "the crawl has no control address yet; try again"});
  }
  const std::string url =
      (control.find("://") == std::string::npos ? "http://" + control : control) + "/control";
  auto done = api.request("POST", url, operation->dump());
  if (!done.ok()) return failed(done.error());
  std::printf("%s\n", json ? operation->dump().c_str() : "done");
  return 0;
}

}  // namespace

int crawl_command(const Arguments& arguments) {
  Invocation invocation("crawl", "Watches and operates a running crawl.");
  std::vector<std::string> words;
  bool sites = false;
  invocation.flags().add("sites", sites, "also a line for each site");
  invocation.flags().positional("OPERATION", words,
                                "status; pause, resume, scale, rate, drain, undrain");
  if (const auto code = invocation.parse(arguments)) return *code;
  Api api(invocation);
  if (!words.empty() && words.front() != "status") {
    return operate(api, words, invocation.json());
  }
  auto stats = read_stats(api);
  if (!stats.ok()) return failed(stats.error());
  if (invocation.json()) {
    std::printf("%s\n", stats->dump().c_str());
  } else {
    print_status(stats.value(), sites);
  }
  return 0;
}

}  // namespace bourse::cli
