#include "bench/json_calls.hpp"

#include <algorithm>
#include <fstream>
#include <functional>
#include <limits>

#include "bench/json_floors.hpp"
#include "proto/codec/json.hpp"
#include "proto/codec/scheduler.hpp"
#include "proto/v1/scheduler_event.pb.h"

namespace bourse::bench {

namespace {

constexpr std::uint32_t kTurns = 500;  // of one repetition: a single one is too short to measure

// The longest OFFERS event of a recording, as it was on the wire.
std::string recorded_offers(const std::string& name) {
  std::ifstream file(std::string(BOURSE_TEST_DATA) + "/mesos-recordings/" + name + ".txt");
  std::string line, longest;
  while (std::getline(file, line)) {
    if (line.rfind(R"({"type":"OFFERS")", 0) == 0 && line.size() > longest.size()) longest = line;
  }
  return longest;
}

// The least processor time that each of these took, in turn, so that other work of the machine
// meets all of them.
std::vector<double> least_us(const Report& report, const std::vector<std::function<void()>>& all) {
  const std::uint32_t repetitions = report.quick() ? 50 : 400;
  std::vector<double> least(all.size(), std::numeric_limits<double>::infinity());
  for (std::uint32_t i = 0; i < repetitions; ++i) {
    for (std::size_t k = 0; k < all.size(); ++k) {
      const double before = thread_cpu_ns();
      all[k]();
      least[k] = std::min(least[k], (thread_cpu_ns() - before) / kTurns / 1e3);
    }
  }
  return least;
}

template <typename Once>
std::function<void()> turns(Once once) {
  return [once] {
    for (std::uint32_t i = 0; i < kTurns; ++i) once();
  };
}

bool measure_offer(Report& report, const std::string& name, const codec::EventShape& shape) {
  const std::string text = recorded_offers(name);
  const Params params = {{"offer", name}, {"bytes", std::to_string(text.size())}};
  report.progress("JSON of an offer of " + name);
  auto event = codec::decode_scheduler_event(codec::Encoding::json, text);
  if (!event.ok()) return false;
  const auto* offers = std::get_if<event::Offers>(&*event);
  mesos::v1::scheduler::Event message;
  const std::string in = padded(text);
  static plain::Offers read;
  if (offers == nullptr || !codec::from_json(text, message).ok() || !read_on_demand(in, read) ||
      !read_dom(in, read)) {
    return false;
  }
  const auto encoded = [&] {
    return codec::encode_scheduler_event(codec::Encoding::json, *event, shape);
  };
  // The same bytes from everybody.
  const std::string ours = encoded();
  if (ours.size() != text.size() || codec::to_json(message) != text ||
      write_with_rapidjson(*offers, shape.capabilities) != ours) {
    return false;
  }
  std::string written;
  const std::vector<double> wrote =
      least_us(report, {turns([&] { keep(encoded()); }), turns([&] {
                          written.clear();
                          codec::write_json(message, written);
                          keep(written);
                        }),
                        turns([&] { keep(write_with_rapidjson(*offers, shape.capabilities)); })});
  report.add({"offer_written", wrote[0], "us", wrote[2], params});
  report.add({"offer_message_written", wrote[1], "us", wrote[2], params});
  const std::vector<double> took = least_us(
      report,
      {turns([&] { keep(codec::from_json(text, message)); }),
       turns([&] { keep(codec::decode_scheduler_event(codec::Encoding::json, text)); }),
       turns([&] { keep(read_on_demand(in, read)); }), turns([&] { keep(read_dom(in, read)); })});
  const double floor = std::min(took[2], took[3]);
  report.progress("simdjson on demand " + std::to_string(took[2]) + " us, as a document " +
                  std::to_string(took[3]) + " us");
  report.add({"offer_read", took[0], "us", floor, params});
  report.add({"offer_decoded", took[1], "us", floor, params});
  return true;
}

}  // namespace

bool measure_json(Report& report) {
  codec::EventShape old, modern;
  modern.capabilities.set(Capabilities::multi_role);
  modern.capabilities.set(Capabilities::reservation_refinement);
  return measure_offer(report, "scheduler-plain", old) &&
         measure_offer(report, "scheduler-modern", modern);
}

}  // namespace bourse::bench
