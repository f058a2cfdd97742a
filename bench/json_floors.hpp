// What the codec's JSON of offers is compared with: the same work, written by hand with the fastest
// JSON libraries of Debian. One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/scheduler_event.hpp"

namespace bourse::bench {

// By RapidJSON's Writer, from what the master holds. Valid until the next call.
std::string_view write_with_rapidjson(const event::Offers& offers,
                                      const Capabilities& capabilities);

// What a text of offers is read into: plain values, each checked and taken out of the text. Empty
// strings stand for what was not given.
namespace plain {

enum class Kind : std::uint8_t { scalar, ranges, set, text };

struct Range {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};
struct Label {
  std::string key;
  std::optional<std::string> value;
};
struct Reservation {
  bool dynamic = false;
  std::string role;
  std::string principal;
  std::vector<Label> labels;
};
struct Disk {
  std::string persistence_id;
  std::string persistence_principal;
  std::string container_path;
  bool read_only = false;
};
struct Resource {
  std::string name;
  Kind kind = Kind::scalar;
  std::optional<double> scalar;
  std::vector<Range> ranges;
  std::vector<std::string> items;
  std::string role;
  std::string allocated_to;
  std::vector<Reservation> reservations;
  std::optional<Disk> disk;
};
struct Url {
  std::string scheme;
  std::string hostname;
  std::string ip;
  std::int32_t port = 0;
  std::string path;
};
struct Offer {
  std::string id;
  std::string framework_id;
  std::string agent_id;
  std::string hostname;
  std::optional<Url> url;
  std::vector<Resource> resources;
  std::string allocated_to;
};
struct Offers {
  std::vector<Offer> offers;
};

}  // namespace plain

// By simdjson's two readers. False for what is not an OFFERS event: syntax, a value of another
// type, a required field missing. Unknown fields are skipped. REQUIRES text of padded().
bool read_on_demand(std::string_view text, plain::Offers& out);
bool read_dom(std::string_view text, plain::Offers& out);
// With room behind it that simdjson may read.
std::string padded(std::string_view text);

}  // namespace bourse::bench
