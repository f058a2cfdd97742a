#include "examples/crawler/robots/robots.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace bourse::crawler {
namespace {

char small(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
std::string in_small(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), small);
  return out;
}
std::string_view stripped(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\v'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (small(c) >= 'a' && small(c) <= 'f');
}

// Patterns and paths are compared in one form of percent-encoding: hex in upper case, non-ASCII
// bytes escaped.
std::string comparable(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (text[i] == '%' && i + 2 < text.size() && is_hex(text[i + 1]) && is_hex(text[i + 2])) {
      const auto upper = [](char c) {
        return c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c;
      };
      out += '%';
      out += upper(text[i + 1]);
      out += upper(text[i + 2]);
      i += 2;
    } else if (byte > 127 || byte <= ' ') {
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += text[i];
    }
  }
  return out;
}

// Whether `pattern` matches a prefix of `path` ('*' any run, trailing '$' the end). On a mismatch
// only the last star needs another try, so a hostile row of stars costs length x length at most.
bool matches(std::string_view pattern, std::string_view path) {
  const bool anchored = !pattern.empty() && pattern.back() == '$';
  if (anchored) pattern.remove_suffix(1);
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;
  std::size_t star_t = 0;
  while (true) {
    if (p == pattern.size() && (!anchored || t == path.size())) return true;
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_t = t;
    } else if (p < pattern.size() && t < path.size() && pattern[p] == path[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos && star_t < path.size()) {
      p = star + 1;
      t = ++star_t;
    } else {
      return false;
    }
  }
}

Duration seconds(double value) {
  return Duration::nanoseconds(static_cast<std::int64_t>(std::llround(value * 1e9)));
}

// "0.25" -> four in any second; "5" -> one in any five seconds.
std::optional<Pace> pace_of_delay(std::string_view text) {
  const double delay = std::strtod(std::string(text).c_str(), nullptr);
  if (!(delay > 0.0) || delay > 86'400.0) return std::nullopt;
  if (delay >= 1.0) return Pace{1, seconds(delay)};
  // The small addend keeps 1/0.333 at three although 0.333 is a little less than a third.
  return Pace{static_cast<std::uint32_t>(std::min(1.0 / delay + 0.005, 1'000.0)),
              Duration::seconds(1)};
}

// "5/1" -> five in any second; "1/10s" -> one in ten seconds; "30/1m" -> thirty in a minute.
std::optional<Pace> pace_of_rate(std::string_view text) {
  const std::string copy(text);
  char* end = nullptr;
  const double requests = std::strtod(copy.c_str(), &end);
  if (!(requests >= 1.0) || requests > 100'000.0 || *end != '/') return std::nullopt;
  double window = std::strtod(end + 1, &end);
  if (small(*end) == 'm') window *= 60.0;
  if (small(*end) == 'h') window *= 3'600.0;
  if (!(window > 0.0) || window > 86'400.0) return std::nullopt;
  return Pace{static_cast<std::uint32_t>(requests), seconds(window)};
}

// The slower of two paces is the one that keeps both.
void keep_slower(std::optional<Pace>& kept, std::optional<Pace> other) {
  if (!other) return;
  const auto slower = [](const Pace& a, const Pace& b) {
    return static_cast<double>(a.requests) / static_cast<double>(a.window.ns) <
           static_cast<double>(b.requests) / static_cast<double>(b.window.ns);
  };
  if (!kept || slower(*other, *kept)) kept = other;
}

struct Group {
  bool named = false;  // for us by name; otherwise for "*"
  RobotsRules rules;
  bool exists = false;
};

class RobotsReader {
 public:
  explicit RobotsReader(std::string_view product) : product_(in_small(product)) {}

  void line(std::string_view text) {
    text = stripped(text.substr(0, text.find('#')));
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) return;
    const std::string key = in_small(stripped(text.substr(0, colon)));
    const std::string_view value = stripped(text.substr(colon + 1));
    if (key == "user-agent") {
      user_agent(value);
      return;
    }
    if (key == "sitemap") {
      if (sitemaps_.size() < 64 && !value.empty()) sitemaps_.emplace_back(value);
      return;
    }
    in_agent_lines_ = false;
    for (Group* group : current_) rule(*group, key, value);
  }

  RobotsRules finish() {
    RobotsRules out = named_.exists ? std::move(named_.rules) : std::move(any_.rules);
    out.sitemaps = std::move(sitemaps_);
    return out;
  }

 private:
  void user_agent(std::string_view value) {
    if (!in_agent_lines_) current_.clear();
    in_agent_lines_ = true;
    // Only the product token counts: "bourse-crawler/1.0" names "bourse-crawler".
    const std::string name = in_small(value.substr(0, value.find_first_of("/ \t")));
    Group* group = name == "*" ? &any_ : (name == product_ ? &named_ : nullptr);
    if (group == nullptr) return;
    group->exists = true;
    if (std::find(current_.begin(), current_.end(), group) == current_.end()) {
      current_.push_back(group);
    }
  }

  static void rule(Group& group, const std::string& key, std::string_view value) {
    if (key == "allow" || key == "disallow") {
      // An empty pattern matches nothing: "Disallow:" allows all.
      if (value.empty() || group.rules.rules.size() >= kMaxRobotsRules) return;
      group.rules.rules.push_back({key == "allow", comparable(value)});
    } else if (key == "crawl-delay") {
      keep_slower(group.rules.pace, pace_of_delay(value));
    } else if (key == "request-rate") {
      keep_slower(group.rules.pace, pace_of_rate(value));
    }
  }

  std::string product_;
  Group any_;
  Group named_;
  std::vector<Group*> current_;  // groups that the lines now read belong to
  bool in_agent_lines_ = false;
  std::vector<std::string> sitemaps_;
};

}  // namespace

bool RobotsRules::allowed(std::string_view path_and_query) const {
  if (path_and_query == "/robots.txt") return true;
  const std::string path = comparable(path_and_query);
  const RobotsRule* best = nullptr;
  for (const RobotsRule& rule : rules) {
    if (best != nullptr && (rule.pattern.size() < best->pattern.size() ||
                            (rule.pattern.size() == best->pattern.size() && !rule.allow))) {
      continue;
    }
    if (matches(rule.pattern, path)) best = &rule;
  }
  return best == nullptr || best->allow;
}

std::string RobotsRules::text() const {
  std::string out = "User-agent: *\n";
  for (const RobotsRule& rule : rules) {
    out += (rule.allow ? "Allow: " : "Disallow: ") + rule.pattern + "\n";
  }
  if (pace) {
    // Whole milliseconds are what Request-rate can say in a decimal fraction without loss.
    const std::int64_t ms = pace->window.ms();
    const std::string fraction = std::to_string(1'000 + ms % 1'000).substr(1);
    out += "Request-rate: " + std::to_string(pace->requests) + "/" + std::to_string(ms / 1'000) +
           "." + fraction + "\n";
  }
  for (const std::string& sitemap : sitemaps) out += "Sitemap: " + sitemap + "\n";
  return out;
}

RobotsRules parse_robots(std::string_view body, std::string_view product) {
  body = body.substr(0, kMaxRobotsBytes);
  if (body.substr(0, 3) == "\xEF\xBB\xBF") body.remove_prefix(3);
  RobotsReader reader(product);
  while (!body.empty()) {
    const std::size_t end = std::min(body.find_first_of("\r\n"), body.size());
    reader.line(body.substr(0, end));
    body.remove_prefix(std::min(end + 1, body.size()));
  }
  return reader.finish();
}

RobotsRules robots_allow_all() {
  return {};
}

RobotsRules robots_disallow_all() {
  RobotsRules rules;
  rules.rules.push_back({false, "/"});
  return rules;
}

}  // namespace bourse::crawler
