#include "bench/json_calls.hpp"

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>
#include <simdjson.h>

#include "proto/codec/json.hpp"
#include "proto/v1/scheduler_event.pb.h"

namespace bourse::bench {

namespace {

constexpr std::uint32_t kTurns = 1000;  // of one repetition: a single one is too short to measure

// As it was on the wire of a recorded master (tests/data/mesos-recordings/scheduler-plain.txt).
constexpr std::string_view kOffer =
    R"json({"type":"OFFERS","offers":{"offers":[{"id":{"value":"a6238e65-f8a7-4a60-af87-493)json"
    R"json(caf76ca64-O0"},"framework_id":{"value":"a6238e65-f8a7-4a60-af87-493caf76ca64-000)json"
    R"json(0"},"agent_id":{"value":"a6238e65-f8a7-4a60-af87-493caf76ca64-S0"},"hostname":"1)json"
    R"json(27.0.0.1","url":{"scheme":"http","address":{"hostname":"127.0.0.1","ip":"127.0.0)json"
    R"json(.1","port":5151},"path":"/slave(1)"},"resources":[{"name":"ports","type":"RANGES)json"
    R"json(","ranges":{"range":[{"begin":31000,"end":32000}]},"role":"*"},{"name":"cpus","t)json"
    R"json(ype":"SCALAR","scalar":{"value":4.0},"role":"*"},{"name":"mem","type":"SCALAR",")json"
    R"json(scalar":{"value":8192.0},"role":"*"},{"name":"disk","type":"SCALAR","scalar":{"v)json"
    R"json(alue":8192.0},"role":"*"}]}]}})json";

// Looks at each value, as whoever parses a text does next.
std::size_t look_at(const simdjson::dom::element& value) {
  switch (value.type()) {
    case simdjson::dom::element_type::ARRAY: {
      std::size_t seen = 0;
      const simdjson::dom::array array = value.get_array().value_unsafe();
      for (const simdjson::dom::element item : array) {
        seen += look_at(item);
      }
      return seen;
    }
    case simdjson::dom::element_type::OBJECT: {
      std::size_t seen = 0;
      const simdjson::dom::object object = value.get_object().value_unsafe();
      for (const simdjson::dom::key_value_pair member : object) {
        seen += member.key.size() + look_at(member.value);
      }
      return seen;
    }
    case simdjson::dom::element_type::STRING:
      return value.get_string().value_unsafe().size();
    default:
      return 1;
  }
}

template <typename F>
double least_us(const Report& report, F&& once) {
  const std::uint32_t repetitions = report.quick() ? 50 : 300;
  return measure(5, repetitions,
                 [&](std::uint32_t) {
                   for (std::uint32_t i = 0; i < kTurns; ++i) once();
                 })
             .min_ns /
         kTurns / 1e3;
}

}  // namespace

bool measure_json(Report& report) {
  report.progress("JSON of a recorded offer");
  mesos::v1::scheduler::Event event;
  if (!codec::from_json(kOffer, event).ok()) return false;
  std::string written;
  codec::write_json(event, written);
  if (written != kOffer) return false;
  const Params params = {{"bytes", std::to_string(kOffer.size())}};

  const double ours = least_us(report, [&] {
    written.clear();
    codec::write_json(event, written);
    keep(written);
  });
  rapidjson::Document document;
  document.Parse(kOffer.data(), kOffer.size());
  rapidjson::StringBuffer buffer;
  const double theirs = least_us(report, [&] {
    buffer.Clear();
    rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
    document.Accept(writer);
    keep(buffer);
  });
  report.add({"offer_written", ours, "us", theirs, params});

  const double read = least_us(report, [&] { keep(codec::from_json(kOffer, event)); });
  simdjson::dom::parser parser;
  std::size_t seen = 0;
  const double parsed = least_us(report, [&] {
    simdjson::dom::element root;
    if (parser.parse(kOffer.data(), kOffer.size()).get(root) != simdjson::SUCCESS) return;
    seen += look_at(root);
    keep(seen);
  });
  report.add({"offer_read", read, "us", parsed, params});
  return true;
}

}  // namespace bourse::bench
