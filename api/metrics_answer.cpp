#include "api/metrics_answer.hpp"

#include <set>

#include "api/negotiation.hpp"
#include "proto/codec/json_object.hpp"
#include "runtime/units.hpp"

namespace bourse::api {

runtime::HttpResponse snapshot_answer(const runtime::HttpRequest& request, const Metrics& metrics) {
  const std::string_view timeout = request.query_value("timeout");
  if (!timeout.empty()) {
    if (const auto read = runtime::parse_duration(timeout); !read.ok()) {
      return refusal(invalid("timeout: " + read.error().message));
    }
  }
  std::string json;
  codec::JsonObject object(json);
  for (const auto& [name, value] : metrics) object.number(name, value);
  object.end();
  return json_answer(request, std::move(json));
}

runtime::HttpResponse prometheus_answer(const Metrics& metrics) {
  std::string text;
  std::set<std::string> said;
  for (const auto& [name, value] : metrics) {
    std::string flat = name.rfind("bourse/", 0) == 0 ? name : "bourse_mesos/" + name;
    for (char& c : flat) {
      const bool plain =
          (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
      if (!plain) c = '_';
    }
    // Two roles may differ by what no name may have: one sample of a name is what a scraper takes.
    if (!said.insert(flat).second) continue;
    text += flat + ' ';
    codec::write_json_double(value, text);
    text += '\n';
  }
  return runtime::HttpResponse::text(200, std::move(text));
}

}  // namespace bourse::api
