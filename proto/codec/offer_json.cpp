#include "proto/codec/offer_json.hpp"

#include "proto/codec/json_text.hpp"

namespace bourse::codec {

namespace {

// Most offers are shorter; a longer one makes the text grow as it always does.
constexpr std::size_t kOfferBytes = 1024;

// Between the members of an object whose first one is not known beforehand.
class Members {
 public:
  explicit Members(JsonText& out) : out_(out) { out_.put('{'); }
  template <std::size_t kSize>
  void key(const char (&quoted)[kSize]) {
    if (any_) out_.put(',');
    any_ = true;
    out_.literal(quoted);
  }
  void end() { out_.put('}'); }

 private:
  JsonText& out_;
  bool any_ = false;
};

template <typename List, typename Each>
void write_list(const List& list, JsonText& out, Each&& each) {
  out.put('[');
  bool first = true;
  for (const auto& item : list) {
    if (!first) out.put(',');
    first = false;
    each(item);
  }
  out.put(']');
}

void write_ranges(const IntervalSet& ranges, JsonText& out) {
  if (ranges.ranges().empty()) return out.literal(R"(,"type":"RANGES","ranges":{})");
  out.literal(R"(,"type":"RANGES","ranges":{"range":)");
  write_list(ranges.ranges(), out, [&](const Interval& range) {
    out.literal(R"({"begin":)");
    out.integer(range.begin);
    out.literal(R"(,"end":)");
    out.integer(range.end);
    out.put('}');
  });
  out.put('}');
}

void write_items(const std::vector<std::string>& items, JsonText& out) {
  if (items.empty()) return out.literal(R"(,"type":"SET","set":{})");
  out.literal(R"(,"type":"SET","set":{"item":)");
  write_list(items, out, [&](const std::string& item) { out.string(item); });
  out.put('}');
}

void write_scalar(std::int64_t milli, JsonText& out) {
  out.literal(R"(,"type":"SCALAR","scalar":{"value":)");
  out.milli(milli);
  out.put('}');
}

void write_labels(const std::vector<Label>& labels, JsonText& out) {
  out.literal(R"({"labels":)");
  write_list(labels, out, [&](const Label& label) {
    out.literal(R"({"key":)");
    out.string(label.key);
    if (label.value) {
      out.literal(R"(,"value":)");
      out.string(*label.value);
    }
    out.put('}');
  });
  out.put('}');
}

void write_reservation(const Reservation& in, JsonText& out) {
  if (in.type == Reservation::Type::statically) {
    out.literal(R"({"type":"STATIC","role":)");
  } else {
    out.literal(R"({"type":"DYNAMIC","role":)");
  }
  out.string(in.role);
  if (!in.principal.empty()) {
    out.literal(R"(,"principal":)");
    out.string(in.principal);
  }
  if (!in.labels.empty()) {
    out.literal(R"(,"labels":)");
    write_labels(in.labels, out);
  }
  out.put('}');
}

// As frameworks of before reservation refinement know them: the innermost, without its role.
void write_old_reservation(const Reservation& in, JsonText& out) {
  out.literal(R"(,"reservation":)");
  Members members(out);
  if (!in.principal.empty()) {
    members.key(R"("principal":)");
    out.string(in.principal);
  }
  if (!in.labels.empty()) {
    members.key(R"("labels":)");
    write_labels(in.labels, out);
  }
  members.end();
}

void write_type(DiskSource::Type type, JsonText& out) {
  switch (type) {
    case DiskSource::Type::path:
      return out.literal(R"({"type":"PATH")");
    case DiskSource::Type::mount:
      return out.literal(R"({"type":"MOUNT")");
    case DiskSource::Type::block:
      return out.literal(R"({"type":"BLOCK")");
    case DiskSource::Type::raw:
      return out.literal(R"({"type":"RAW")");
  }
}

void write_source(const DiskSource& in, JsonText& out) {
  write_type(in.type, out);
  if (!in.root.empty()) {
    if (in.type == DiskSource::Type::mount) {
      out.literal(R"(,"mount":{"root":)");
    } else {
      out.literal(R"(,"path":{"root":)");
    }
    out.string(in.root);
    out.put('}');
  }
  if (!in.id.empty()) {
    out.literal(R"(,"id":)");
    out.string(in.id);
  }
  if (!in.metadata.empty()) {
    out.literal(R"(,"metadata":)");
    write_labels(in.metadata, out);
  }
  if (!in.profile.empty()) {
    out.literal(R"(,"profile":)");
    out.string(in.profile);
  }
  if (!in.vendor.empty()) {
    out.literal(R"(,"vendor":)");
    out.string(in.vendor);
  }
  out.put('}');
}

void write_disk(const Disk& in, JsonText& out) {
  out.literal(R"(,"disk":)");
  Members members(out);
  if (!in.persistence_id.empty()) {
    members.key(R"("persistence":{"id":)");
    out.string(in.persistence_id);
    if (!in.persistence_principal.empty()) {
      out.literal(R"(,"principal":)");
      out.string(in.persistence_principal);
    }
    out.put('}');
  }
  if (!in.volume_path.empty()) {
    if (in.volume_read_only) {
      members.key(R"("volume":{"mode":"RO","container_path":)");
    } else {
      members.key(R"("volume":{"mode":"RW","container_path":)");
    }
    out.string(in.volume_path);
    out.put('}');
  }
  if (in.source) {
    members.key(R"("source":)");
    write_source(*in.source, out);
  }
  members.end();
}

// What stands after a resource's value and whom it is for.
void write_meta(const Resource& in, bool refined, JsonText& out) {
  const ResourceMeta& meta = *in.meta;
  if (!meta.reservations.empty()) {
    const Reservation& innermost = meta.reservations.back();
    if (refined) {
      out.literal(R"(,"reservations":)");
      write_list(meta.reservations, out,
                 [&](const Reservation& one) { write_reservation(one, out); });
    } else if (innermost.type == Reservation::Type::dynamically) {
      write_old_reservation(innermost, out);
    }
  }
  if (meta.disk) write_disk(*meta.disk, out);
  if (meta.revocable) out.literal(R"(,"revocable":{})");
  if (meta.shared) out.literal(R"(,"shared":{})");
}

void write_resource(const Resource& in, bool refined, std::string_view allocated_to,
                    JsonText& out) {
  if (in.meta && !in.meta->provider_id.empty()) {
    out.literal(R"({"provider_id":{"value":)");
    out.string(in.meta->provider_id);
    out.literal(R"(},"name":)");
  } else {
    out.literal(R"({"name":)");
  }
  out.string(in.name);
  switch (in.kind) {
    case Resource::Kind::scalar:
      write_scalar(in.scalar_milli, out);
      break;
    case Resource::Kind::ranges:
      write_ranges(in.ranges, out);
      break;
    case Resource::Kind::set:
      write_items(in.items, out);
      break;
  }
  if (!refined) {
    out.literal(R"(,"role":)");
    out.string(in.role());
  }
  if (!allocated_to.empty()) {
    out.literal(R"(,"allocation_info":{"role":)");
    out.string(allocated_to);
    out.put('}');
  }
  if (in.meta) write_meta(in, refined, out);
  out.put('}');
}

void write_resources_json(const Resources& resources, bool refined, std::string_view allocated_to,
                          JsonText& out) {
  if (resources.empty()) return;
  out.literal(R"(,"resources":[)");
  bool first = true;
  for (const Resource& in : resources.list()) {
    for (std::int32_t copy = 0; copy < in.copies; ++copy) {
      if (!first) out.put(',');
      first = false;
      write_resource(in, refined, allocated_to, out);
    }
  }
  out.put(']');
}

void write_attribute(const Attribute& in, JsonText& out) {
  out.literal(R"({"name":)");
  out.string(in.name);
  switch (in.kind) {
    case Attribute::Kind::scalar:
      write_scalar(in.scalar_milli, out);
      break;
    case Attribute::Kind::ranges:
      write_ranges(in.ranges, out);
      break;
    case Attribute::Kind::set:
      write_items(in.items, out);
      break;
    case Attribute::Kind::text:
      out.literal(R"(,"type":"TEXT","text":{"value":)");
      out.string(in.text);
      out.put('}');
      break;
  }
  out.put('}');
}

// From the agent's id to its domain.
void write_agent(const AgentFacet& agent, JsonText& out) {
  out.literal(R"(,"agent_id":{"value":)");
  out.string(agent.id.raw());
  out.literal(R"(},"hostname":)");
  out.string(agent.hostname);
  out.literal(R"(,"url":{"scheme":"http","address":{"hostname":)");
  out.string(agent.http.hostname);
  if (!agent.http.ip.empty()) {
    out.literal(R"(,"ip":)");
    out.string(agent.http.ip);
  }
  out.literal(R"(,"port":)");
  out.integer(agent.http.port);
  out.literal(R"json(},"path":"/slave(1)"})json");
  if (agent.domain.region.empty()) return;
  out.literal(R"(,"domain":{"fault_domain":{"region":{"name":)");
  out.string(agent.domain.region);
  out.literal(R"(},"zone":{"name":)");
  out.string(agent.domain.zone);
  out.literal("}}}");
}

void write_unavailability_json(const Unavailability& in, JsonText& out) {
  out.literal(R"(,"unavailability":{"start":{"nanoseconds":)");
  out.integer(in.start.ns);
  if (in.duration) {
    out.literal(R"(},"duration":{"nanoseconds":)");
    out.integer(in.duration->ns);
  }
  out.literal("}}");
}

void write_offer(const OfferFacet& in, const FrameworkId& framework_id,
                 const Capabilities& capabilities, JsonText& out) {
  const bool multi_role = capabilities.has(Capabilities::multi_role);
  const std::string_view role = multi_role ? std::string_view(*in.role) : std::string_view();
  out.literal(R"({"id":{"value":)");
  out.string(in.id.raw());
  out.literal(R"(},"framework_id":{"value":)");
  out.string(framework_id.raw());
  out.put('}');
  if (in.agent) write_agent(*in.agent, out);
  write_resources_json(in.resources, capabilities.has(Capabilities::reservation_refinement), role,
                       out);
  if (multi_role) {
    out.literal(R"(,"allocation_info":{"role":)");
    out.string(role);
    out.put('}');
  }
  if (in.agent && !in.agent->attributes.empty()) {
    out.literal(R"(,"attributes":)");
    write_list(in.agent->attributes, out,
               [&](const Attribute& attribute) { write_attribute(attribute, out); });
  }
  if (!in.executor_ids.empty()) {
    out.literal(R"(,"executor_ids":)");
    write_list(in.executor_ids, out, [&](const ExecutorId& id) {
      out.literal(R"({"value":)");
      out.string(id.raw());
      out.put('}');
    });
  }
  if (in.unavailability) write_unavailability_json(*in.unavailability, out);
  out.put('}');
}

}  // namespace

void write_offers_json(const event::Offers& offers, const Capabilities& capabilities,
                       std::string& out) {
  JsonText text(out, 64 + kOfferBytes * offers.offers.size());
  if (offers.offers.empty()) return text.literal(R"({"type":"OFFERS","offers":{}})");
  text.literal(R"({"type":"OFFERS","offers":{"offers":)");
  write_list(offers.offers, text, [&](const OfferFacet& offer) {
    write_offer(offer, offers.framework_id, capabilities, text);
  });
  text.literal("}}");
}

}  // namespace bourse::codec
