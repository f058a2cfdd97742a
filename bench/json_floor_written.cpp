// The writing floor: RapidJSON's Writer, called by hand for each value. Without RAPIDJSON_SSE2,
// which makes short strings slower.

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "bench/json_floors.hpp"

namespace bourse::bench {

namespace {

class Writer {
 public:
  explicit Writer(rapidjson::StringBuffer& out) : json_(out) {}

  void offers(const event::Offers& in, const Capabilities& capabilities) {
    multi_role_ = capabilities.has(Capabilities::multi_role);
    refined_ = capabilities.has(Capabilities::reservation_refinement);
    json_.StartObject();
    key("type");
    text("OFFERS");
    key("offers");
    json_.StartObject();
    key("offers");
    json_.StartArray();
    for (const OfferFacet& one : in.offers) offer(one, in.framework_id);
    json_.EndArray();
    json_.EndObject();
    json_.EndObject();
  }

 private:
  template <std::size_t kSize>
  void key(const char (&name)[kSize]) {
    json_.Key(name, kSize - 1);
  }
  void text(std::string_view value) {
    json_.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
  }
  template <std::size_t kSize>
  void only(const char (&name)[kSize], std::string_view value) {
    json_.StartObject();
    key(name);
    text(value);
    json_.EndObject();
  }

  void offer(const OfferFacet& in, const FrameworkId& framework_id) {
    json_.StartObject();
    key("id");
    only("value", in.id.raw());
    key("framework_id");
    only("value", framework_id.raw());
    if (in.agent) agent(*in.agent);
    key("resources");
    json_.StartArray();
    for (const Resource& one : in.resources.list()) {
      for (std::int32_t copy = 0; copy < one.copies; ++copy) resource(one, *in.role);
    }
    json_.EndArray();
    if (multi_role_) {
      key("allocation_info");
      only("role", *in.role);
    }
    if (in.agent && !in.agent->attributes.empty()) attributes(in.agent->attributes);
    if (!in.executor_ids.empty()) {
      key("executor_ids");
      json_.StartArray();
      for (const ExecutorId& id : in.executor_ids) only("value", id.raw());
      json_.EndArray();
    }
    json_.EndObject();
  }

  void agent(const AgentFacet& in) {
    key("agent_id");
    only("value", in.id.raw());
    key("hostname");
    text(in.hostname);
    key("url");
    json_.StartObject();
    key("scheme");
    text("http");
    key("address");
    json_.StartObject();
    key("hostname");
    text(in.http.hostname);
    if (!in.http.ip.empty()) {
      key("ip");
      text(in.http.ip);
    }
    key("port");
    json_.Int(in.http.port);
    json_.EndObject();
    key("path");
    text("/slave(1)");
    json_.EndObject();
    if (in.domain.region.empty()) return;
    key("domain");
    json_.StartObject();
    key("fault_domain");
    json_.StartObject();
    key("region");
    only("name", in.domain.region);
    key("zone");
    only("name", in.domain.zone);
    json_.EndObject();
    json_.EndObject();
  }

  // The members of a resource or an attribute that say how much it is.
  template <typename In>
  void amount(const In& in) {
    key("type");
    if (in.kind == In::Kind::scalar) {
      text("SCALAR");
      key("scalar");
      json_.StartObject();
      key("value");
      json_.Double(static_cast<double>(in.scalar_milli) / 1000);
    } else if (in.kind == In::Kind::ranges) {
      text("RANGES");
      key("ranges");
      json_.StartObject();
      key("range");
      json_.StartArray();
      for (const Interval& range : in.ranges.ranges()) {
        json_.StartObject();
        key("begin");
        json_.Uint64(range.begin);
        key("end");
        json_.Uint64(range.end);
        json_.EndObject();
      }
      json_.EndArray();
    } else {
      text("SET");
      key("set");
      json_.StartObject();
      key("item");
      json_.StartArray();
      for (const std::string& item : in.items) text(item);
      json_.EndArray();
    }
    json_.EndObject();
  }

  void attributes(const std::vector<Attribute>& list) {
    key("attributes");
    json_.StartArray();
    for (const Attribute& in : list) {
      json_.StartObject();
      key("name");
      text(in.name);
      if (in.kind == Attribute::Kind::text) {
        key("type");
        text("TEXT");
        key("text");
        only("value", in.text);
      } else {
        amount(in);
      }
      json_.EndObject();
    }
    json_.EndArray();
  }

  void resource(const Resource& in, std::string_view role) {
    json_.StartObject();
    if (in.meta && !in.meta->provider_id.empty()) {
      key("provider_id");
      only("value", in.meta->provider_id);
    }
    key("name");
    text(in.name);
    amount(in);
    if (!refined_) {
      key("role");
      text(in.role());
    }
    if (multi_role_) {
      key("allocation_info");
      only("role", role);
    }
    if (in.meta) meta(*in.meta);
    json_.EndObject();
  }

  void meta(const ResourceMeta& in) {
    if (refined_ && !in.reservations.empty()) {
      key("reservations");
      json_.StartArray();
      for (const Reservation& one : in.reservations) reservation(one);
      json_.EndArray();
    }
    if (in.disk) disk(*in.disk);
    if (in.revocable) empty("revocable");
    if (in.shared) empty("shared");
  }

  template <std::size_t kSize>
  void empty(const char (&name)[kSize]) {
    key(name);
    json_.StartObject();
    json_.EndObject();
  }

  void reservation(const Reservation& in) {
    json_.StartObject();
    key("type");
    text(in.type == Reservation::Type::statically ? "STATIC" : "DYNAMIC");
    key("role");
    text(in.role);
    if (!in.principal.empty()) {
      key("principal");
      text(in.principal);
    }
    if (!in.labels.empty()) {
      key("labels");
      json_.StartObject();
      key("labels");
      json_.StartArray();
      for (const Label& label : in.labels) {
        json_.StartObject();
        key("key");
        text(label.key);
        if (label.value) {
          key("value");
          text(*label.value);
        }
        json_.EndObject();
      }
      json_.EndArray();
      json_.EndObject();
    }
    json_.EndObject();
  }

  void disk(const Disk& in) {
    key("disk");
    json_.StartObject();
    if (!in.persistence_id.empty()) {
      key("persistence");
      json_.StartObject();
      key("id");
      text(in.persistence_id);
      if (!in.persistence_principal.empty()) {
        key("principal");
        text(in.persistence_principal);
      }
      json_.EndObject();
    }
    if (!in.volume_path.empty()) {
      key("volume");
      json_.StartObject();
      key("mode");
      text(in.volume_read_only ? "RO" : "RW");
      key("container_path");
      text(in.volume_path);
      json_.EndObject();
    }
    json_.EndObject();
  }

  rapidjson::Writer<rapidjson::StringBuffer> json_;
  bool multi_role_ = false;
  bool refined_ = false;
};

}  // namespace

std::string_view write_with_rapidjson(const event::Offers& offers,
                                      const Capabilities& capabilities) {
  static rapidjson::StringBuffer buffer;
  buffer.Clear();
  Writer(buffer).offers(offers, capabilities);
  return {buffer.GetString(), buffer.GetSize()};
}

}  // namespace bourse::bench
