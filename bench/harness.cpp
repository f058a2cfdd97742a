#include "bench/harness.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <thread>

namespace bourse::bench {

namespace {

std::string machine_name() {
  std::ifstream cpuinfo("/proc/cpuinfo");
  std::string line;
  std::string model = "unknown cpu";
  while (std::getline(cpuinfo, line)) {
    if (line.rfind("model name", 0) != 0) continue;
    const std::size_t colon = line.find(": ");
    if (colon != std::string::npos) model = line.substr(colon + 2);
    break;
  }
  double load = 0;
  std::ifstream("/proc/loadavg") >> load;
  char text[64];
  std::snprintf(text, sizeof text, ", %u cpus, load %.2f", std::thread::hardware_concurrency(),
                load);
  return model + text;
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return out + '"';
}

std::string json_value(const std::string& text) {
  char* end = nullptr;
  std::strtod(text.c_str(), &end);
  const bool number = !text.empty() && *end == '\0' &&
                      text.find_first_not_of("-.0123456789eE") == std::string::npos;
  return number || text == "true" || text == "false" ? text : quoted(text);
}

std::string number(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

std::string params_text(const Params& params) {
  std::string out;
  for (const auto& [name, value] : params) out += (out.empty() ? "" : " ") + name + "=" + value;
  return out;
}

// "<=5 met"
std::string goal_text(const std::optional<Judged>& goal) {
  if (!goal) return "-";
  return (goal->at_least ? ">=" : "<=") + number(goal->limit) + (goal->met ? " met" : " missed");
}

}  // namespace

Report::Report(std::string bench, int argc, char** argv)
    : bench_(std::move(bench)), goals_(read_goals()) {
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    if (flag == "--json") {
      json_ = true;
    } else if (flag == "--quick") {
      quick_ = true;
    } else {
      std::fprintf(stderr, "%s: \"%s\" is not a flag here; there are --json and --quick.\n",
                   bench_.c_str(), flag.c_str());
      std::exit(2);
    }
  }
}

void Report::progress(const std::string& what) const {
  std::fprintf(stderr, "%s: %s\n", bench_.c_str(), what.c_str());
}

void Report::add(Figure figure) {
  figures_.push_back(std::move(figure));
}

int Report::finish() const {
  if (json_) {
    print_json();
  } else {
    print_table();
  }
  const bool told = std::fflush(stdout) == 0;
  return told && (std::getenv("BOURSE_BENCH_CHECK") == nullptr || all_met()) ? 0 : 1;
}

std::optional<Judged> Report::judged(const Figure& figure) const {
  return judge(goals_, bench_, figure.metric, figure.params, figure.value, figure.floor);
}

bool Report::all_met() const {
  return std::all_of(figures_.begin(), figures_.end(), [&](const Figure& figure) {
    const auto goal = judged(figure);
    return !goal || goal->met;
  });
}

void Report::print_table() const {
  std::size_t width = 6;
  for (const Figure& figure : figures_) width = std::max(width, figure.metric.size());
  std::printf("%s on %s\n", bench_.c_str(), machine_name().c_str());
  std::printf("%-*s  %12s %-4s %12s %8s %18s  %s\n", static_cast<int>(width), "metric", "value",
              "unit", "floor", "ratio", "goal", "params");
  for (const Figure& figure : figures_) {
    const bool has_ratio = figure.floor && *figure.floor > 0;
    std::printf("%-*s  %12s %-4s %12s %8s %18s  %s\n", static_cast<int>(width),
                figure.metric.c_str(), number(figure.value).c_str(), figure.unit.c_str(),
                figure.floor ? number(*figure.floor).c_str() : "-",
                has_ratio ? number(figure.value / *figure.floor).c_str() : "-",
                goal_text(judged(figure)).c_str(), params_text(figure.params).c_str());
  }
}

void Report::print_json() const {
  const std::string machine = quoted(machine_name());
  for (const Figure& figure : figures_) {
    std::string params;
    for (const auto& [name, value] : figure.params) {
      params += (params.empty() ? "" : ",") + quoted(name) + ":" + json_value(value);
    }
    const bool has_ratio = figure.floor && *figure.floor > 0;
    const auto goal = judged(figure);
    std::printf(
        "{\"bench\":%s,\"metric\":%s,\"value\":%s,\"unit\":%s,\"floor\":%s,\"ratio\":%s,"
        "\"goal\":%s,\"met\":%s,\"params\":{%s},\"machine\":%s}\n",
        quoted(bench_).c_str(), quoted(figure.metric).c_str(), number(figure.value).c_str(),
        quoted(figure.unit).c_str(), figure.floor ? number(*figure.floor).c_str() : "null",
        has_ratio ? number(figure.value / *figure.floor).c_str() : "null",
        goal ? number(goal->limit).c_str() : "null",
        !goal       ? "null"
        : goal->met ? "true"
                    : "false",
        params.c_str(), machine.c_str());
  }
}

double thread_cpu_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

Timing timing_of(std::vector<double>& durations_ns) {
  if (durations_ns.empty()) return {};
  std::sort(durations_ns.begin(), durations_ns.end());
  const std::size_t count = durations_ns.size();
  return {durations_ns.front(), durations_ns[count / 2],
          durations_ns[std::min(count - 1, count * 99 / 100)]};
}

}  // namespace bourse::bench
