#include "examples/crawler/scheduler/report.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace bourse::crawler {
namespace {

using OrderedJson = nlohmann::ordered_json;

constexpr std::size_t kLooks = 6;      // rates over the last five seconds
constexpr std::size_t kSites = 1'000;  // more would not fit into a published document

const char* class_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::gone:
      return "http_404";
    case Outcome::refused:
      return "http_4xx";
    case Outcome::throttled:
      return "http_429";
    case Outcome::server_error:
      return "http_5xx";
    case Outcome::bad_encoding:
      return "decode";
    case Outcome::disallowed:
      return "robots";
    default:
      return name_of(outcome);
  }
}

double rounded(double value) {
  return std::round(value * 10.0) / 10.0;
}

}  // namespace

std::map<std::string, std::uint64_t> errors_by_class(const FrontierStats& stats) {
  std::map<std::string, std::uint64_t> out;
  for (std::size_t i = 0; i < kOutcomes; ++i) {
    const auto outcome = static_cast<Outcome>(i);
    if (outcome == Outcome::ok || outcome == Outcome::redirect || outcome == Outcome::not_sent) {
      continue;
    }
    // Failures of requests are counted where they happen, verdicts where they are given.
    const std::uint64_t count = std::max(stats.attempts[i], stats.ended[i]);
    if (count > 0) out[class_of(outcome)] += count;
  }
  return out;
}

std::uint64_t errors_in_all(const FrontierStats& stats) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < kOutcomes; ++i) {
    const auto outcome = static_cast<Outcome>(i);
    if (outcome == Outcome::ok || outcome == Outcome::redirect || outcome == Outcome::not_sent) {
      continue;
    }
    sum += stats.attempts[i];
  }
  return sum;
}

void Reporter::look(const CrawlReport& report, Instant now) {
  Look look;
  look.at = now;
  look.pages = report.stats.pages;
  for (std::size_t i = 0; i < kStages.size(); ++i) look.done[i] = report.stages[i].done;
  for (const Frontier::HostView& host : report.hosts) look.host_orders.push_back(host.pages);
  looks_.push_back(std::move(look));
  if (looks_.size() > kLooks) looks_.pop_front();
}

double Reporter::per_s(std::uint64_t before, std::uint64_t after) const {
  const Duration span = looks_.back().at - looks_.front().at;
  if (span <= Duration{} || after < before) return 0.0;
  return static_cast<double>(after - before) * 1e9 / static_cast<double>(span.ns);
}

double Reporter::pages_per_s() const {
  return looks_.size() < 2 ? 0.0 : per_s(looks_.front().pages, looks_.back().pages);
}

double Reporter::stage_rate(Stage stage) const {
  const auto i = static_cast<std::size_t>(stage);
  return looks_.size() < 2 ? 0.0 : per_s(looks_.front().done[i], looks_.back().done[i]);
}

double Reporter::host_rate(std::size_t index) const {
  if (looks_.size() < 2 || index >= looks_.back().host_orders.size()) return 0.0;
  const std::vector<std::uint64_t>& first = looks_.front().host_orders;
  return per_s(index < first.size() ? first[index] : 0, looks_.back().host_orders[index]);
}

std::string Reporter::document(const CrawlReport& report, WallTime wall) const {
  OrderedJson out;
  out["time"] = static_cast<double>(wall.ns / 1'000'000) / 1e3;
  out["run"] = {{"state", report.state},
                {"expected_items", report.items_expected},
                {"items", report.stats.items},
                {"duplicates", report.stats.duplicates},
                {"pages", report.stats.pages},
                {"bytes", report.stats.page_bytes},
                {"errors", errors_in_all(report.stats)},
                {"seconds", rounded(static_cast<double>(report.elapsed.ns) / 1e9)}};
  out["control"] = report.control;
  out["stages"] = OrderedJson::array();
  for (const Stage stage : kStages) {
    const StageReport& one = report.stages[static_cast<std::size_t>(stage)];
    OrderedJson row = {{"name", name_of(stage)},       {"workers", one.workers},
                       {"target_workers", one.wanted}, {"queue", one.queue},
                       {"in_flight", one.in_flight},   {"done", one.done},
                       {"failed", one.failed},         {"rate_per_s", rounded(stage_rate(stage))},
                       {"paused", one.paused}};
    if (!one.trouble.empty()) row["trouble"] = one.trouble;
    out["stages"].push_back(std::move(row));
  }
  out["sites"] = OrderedJson::array();
  for (std::size_t i = 0; i < report.hosts.size() && i < kSites; ++i) {
    const Frontier::HostView& host = report.hosts[i];
    const bool done = host.queued == 0 && host.in_flight == 0;
    OrderedJson row = {{"host", host.name},
                       {"queue", host.queued},
                       {"in_flight", host.in_flight},
                       {"done", host.pages},
                       {"items", host.items},
                       {"errors", host.failed},
                       {"rate_per_s", rounded(host_rate(i))},
                       {"state", host.drained ? "draining"
                                 : done       ? "done"
                                              : "active"}};
    if (host.pace.requests > 0) {
      row["allowed_per_s"] = rounded(static_cast<double>(host.pace.requests) * 1e9 /
                                     static_cast<double>(host.pace.window.ns));
    }
    out["sites"].push_back(std::move(row));
  }
  out["errors"] = errors_by_class(report.stats);
  return out.dump();
}

std::string Reporter::progress_line(const CrawlReport& report) const {
  OrderedJson out = {{"state", report.state},
                     {"seconds", rounded(static_cast<double>(report.elapsed.ns) / 1e9)},
                     {"items", report.stats.items},
                     {"pages", report.stats.pages},
                     {"pages_per_second", rounded(pages_per_s())},
                     {"errors", errors_in_all(report.stats)},
                     {"retries", report.stats.retries},
                     {"queued", report.stats.queued}};
  out["stages"] = OrderedJson::object();
  for (const Stage stage : kStages) {
    const StageReport& one = report.stages[static_cast<std::size_t>(stage)];
    out["stages"][name_of(stage)] = {{"workers", one.workers}, {"queue", one.queue}};
  }
  return out.dump();
}

}  // namespace bourse::crawler
