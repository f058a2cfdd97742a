// The reading floor: simdjson, both of its readers, with one description of what is read.

#include <simdjson.h>

#include <initializer_list>

#include "bench/json_floors.hpp"

namespace bourse::bench {

namespace {

namespace od = simdjson::ondemand;
namespace dom = simdjson::dom;

// What the two readers call the same things.
struct OnDemand {
  using Value = od::value;

  static bool is(od::raw_json_string key, std::string_view name) {
    return key.unsafe_is_equal(name);
  }

  template <typename Object, typename Each>
  static bool members_of(Object&& object, Each&& each) {
    for (auto field : object) {
      od::raw_json_string key;
      Value value;
      if (field.key().get(key) != simdjson::SUCCESS) return false;
      if (field.value().get(value) != simdjson::SUCCESS) return false;
      if (!each(key, value)) return false;
    }
    return true;
  }
  template <typename Each>
  static bool members(Value& value, Each&& each) {
    od::object object;
    return value.get_object().get(object) == simdjson::SUCCESS && members_of(object, each);
  }
  template <typename Each>
  static bool items(Value& value, Each&& each) {
    od::array array;
    if (value.get_array().get(array) != simdjson::SUCCESS) return false;
    for (auto item : array) {
      Value one;
      if (item.get(one) != simdjson::SUCCESS || !each(one)) return false;
    }
    return true;
  }
};

struct Dom {
  using Value = dom::element;

  static bool is(std::string_view key, std::string_view name) { return key == name; }

  template <typename Each>
  static bool members(Value& value, Each&& each) {
    dom::object object;
    if (value.get_object().get(object) != simdjson::SUCCESS) return false;
    for (const dom::key_value_pair member : object) {
      Value content = member.value;
      if (!each(member.key, content)) return false;
    }
    return true;
  }
  template <typename Each>
  static bool items(Value& value, Each&& each) {
    dom::array array;
    if (value.get_array().get(array) != simdjson::SUCCESS) return false;
    for (Value item : array) {
      if (!each(item)) return false;
    }
    return true;
  }
};

template <typename Value>
bool text(Value& value, std::string& out) {
  std::string_view seen;
  if (value.get_string().get(seen) != simdjson::SUCCESS) return false;
  out.assign(seen);
  return true;
}

// Which of a message's required fields were seen, by position.
bool all(unsigned seen, unsigned required) {
  return (seen & required) == required;
}

template <typename Api>
class Reader {
 public:
  using Value = typename Api::Value;

  // One member of the event.
  template <typename Key>
  bool member(Key key, Value& value, plain::Offers& out, unsigned& seen) {
    if (Api::is(key, "type")) {
      std::string_view type;
      if (value.get_string().get(type) != simdjson::SUCCESS || type != "OFFERS") return false;
      seen |= 1;
    } else if (Api::is(key, "offers")) {
      seen |= 2;
      return offers(value, out);
    }
    return true;
  }

  static constexpr unsigned kRequired = 3;

 private:
  bool offers(Value& value, plain::Offers& out) {
    return Api::members(value, [&](auto key, Value& list) {
      if (!Api::is(key, "offers")) return true;
      return Api::items(list, [&](Value& item) { return offer(item, out.offers.emplace_back()); });
    });
  }

  // A message with one string, which is required.
  bool only(Value& value, std::string_view name, std::string& out) {
    bool seen = false;
    const bool ok = Api::members(value, [&](auto key, Value& content) {
      if (!Api::is(key, name)) return true;
      seen = true;
      return text(content, out);
    });
    return ok && seen;
  }

  bool offer(Value& value, plain::Offer& out) {
    unsigned seen = 0;
    const bool ok = Api::members(value, [&](auto key, Value& content) {
      if (Api::is(key, "id")) {
        seen |= 1;
        return only(content, "value", out.id);
      }
      if (Api::is(key, "framework_id")) {
        seen |= 2;
        return only(content, "value", out.framework_id);
      }
      if (Api::is(key, "agent_id")) {
        seen |= 4;
        return only(content, "value", out.agent_id);
      }
      if (Api::is(key, "hostname")) {
        seen |= 8;
        return text(content, out.hostname);
      }
      if (Api::is(key, "url")) return url(content, out.url.emplace());
      if (Api::is(key, "resources")) {
        return Api::items(
            content, [&](Value& item) { return resource(item, out.resources.emplace_back()); });
      }
      if (Api::is(key, "allocation_info")) return only(content, "role", out.allocated_to);
      return true;
    });
    return ok && all(seen, 15);
  }

  bool url(Value& value, plain::Url& out) {
    unsigned seen = 0;
    const bool ok = Api::members(value, [&](auto key, Value& content) {
      if (Api::is(key, "scheme")) {
        seen |= 1;
        return text(content, out.scheme);
      }
      if (Api::is(key, "address")) {
        seen |= 2;
        return address(content, out);
      }
      if (Api::is(key, "path")) return text(content, out.path);
      return true;
    });
    return ok && all(seen, 3);
  }

  bool address(Value& value, plain::Url& out) {
    bool seen = false;
    const bool ok = Api::members(value, [&](auto key, Value& content) {
      if (Api::is(key, "hostname")) return text(content, out.hostname);
      if (Api::is(key, "ip")) return text(content, out.ip);
      if (!Api::is(key, "port")) return true;
      std::int64_t port = 0;
      if (content.get_int64().get(port) != simdjson::SUCCESS) return false;
      if (port < INT32_MIN || port > INT32_MAX) return false;
      out.port = static_cast<std::int32_t>(port);
      seen = true;
      return true;
    });
    return ok && seen;
  }

  bool kind(Value& value, plain::Kind& out) {
    std::string_view name;
    if (value.get_string().get(name) != simdjson::SUCCESS) return false;
    if (name == "SCALAR") {
      out = plain::Kind::scalar;
    } else if (name == "RANGES") {
      out = plain::Kind::ranges;
    } else if (name == "SET") {
      out = plain::Kind::set;
    } else if (name == "TEXT") {
      out = plain::Kind::text;
    } else {
      return false;
    }
    return true;
  }

  bool resource(Value& value, plain::Resource& out) {
    unsigned seen = 0;
    const bool ok = Api::members(value, [&](auto key, Value& content) {
      if (Api::is(key, "name")) {
        seen |= 1;
        return text(content, out.name);
      }
      if (Api::is(key, "type")) {
        seen |= 2;
        return kind(content, out.kind);
      }
      if (Api::is(key, "scalar")) return scalar(content, out.scalar.emplace());
      if (Api::is(key, "ranges")) return ranges(content, out.ranges);
      if (Api::is(key, "set")) return strings(content, "item", out.items);
      if (Api::is(key, "role")) return text(content, out.role);
      if (Api::is(key, "allocation_info")) return only(content, "role", out.allocated_to);
      if (Api::is(key, "reservations")) {
        return Api::items(content, [&](Value& item) {
          return reservation(item, out.reservations.emplace_back());
        });
      }
      if (Api::is(key, "disk")) return disk(content, out.disk.emplace());
      return true;
    });
    return ok && all(seen, 3);
  }

  bool scalar(Value& value, double& out) {
    bool seen = false;
    const bool ok = Api::members(value, [&](auto key, Value& content) {
      if (!Api::is(key, "value")) return true;
      seen = true;
      return content.get_double().get(out) == simdjson::SUCCESS;
    });
    return ok && seen;
  }

  bool ranges(Value& value, std::vector<plain::Range>& out) {
    return Api::members(value, [&](auto key, Value& list) {
      if (!Api::is(key, "range")) return true;
      return Api::items(list, [&](Value& item) { return range(item, out.emplace_back()); });
    });
  }

  bool range(Value& value, plain::Range& out) {
    unsigned seen = 0;
    const bool ok = Api::members(value, [&](auto key, Value& content) {
      if (Api::is(key, "begin")) {
        seen |= 1;
        return content.get_uint64().get(out.begin) == simdjson::SUCCESS;
      }
      if (!Api::is(key, "end")) return true;
      seen |= 2;
      return content.get_uint64().get(out.end) == simdjson::SUCCESS;
    });
    return ok && all(seen, 3);
  }

  bool strings(Value& value, std::string_view name, std::vector<std::string>& out) {
    return Api::members(value, [&](auto key, Value& list) {
      if (!Api::is(key, name)) return true;
      return Api::items(list, [&](Value& item) { return text(item, out.emplace_back()); });
    });
  }

  bool reservation(Value& value, plain::Reservation& out) {
    return Api::members(value, [&](auto key, Value& content) {
      if (Api::is(key, "type")) {
        std::string_view type;
        if (content.get_string().get(type) != simdjson::SUCCESS) return false;
        out.dynamic = type == "DYNAMIC";
        return out.dynamic || type == "STATIC";
      }
      if (Api::is(key, "role")) return text(content, out.role);
      if (Api::is(key, "principal")) return text(content, out.principal);
      if (Api::is(key, "labels")) return labels(content, out.labels);
      return true;
    });
  }

  bool labels(Value& value, std::vector<plain::Label>& out) {
    return Api::members(value, [&](auto key, Value& list) {
      if (!Api::is(key, "labels")) return true;
      return Api::items(list, [&](Value& item) { return label(item, out.emplace_back()); });
    });
  }

  bool label(Value& value, plain::Label& out) {
    bool seen = false;
    const bool ok = Api::members(value, [&](auto key, Value& content) {
      if (Api::is(key, "key")) {
        seen = true;
        return text(content, out.key);
      }
      if (Api::is(key, "value")) return text(content, out.value.emplace());
      return true;
    });
    return ok && seen;
  }

  bool disk(Value& value, plain::Disk& out) {
    return Api::members(value, [&](auto key, Value& content) {
      if (Api::is(key, "persistence")) {
        return persistence(content, out);
      }
      if (Api::is(key, "volume")) return volume(content, out);
      return true;
    });
  }

  bool persistence(Value& value, plain::Disk& out) {
    bool seen = false;
    const bool ok = Api::members(value, [&](auto key, Value& content) {
      if (Api::is(key, "id")) {
        seen = true;
        return text(content, out.persistence_id);
      }
      if (Api::is(key, "principal")) return text(content, out.persistence_principal);
      return true;
    });
    return ok && seen;
  }

  bool volume(Value& value, plain::Disk& out) {
    unsigned seen = 0;
    const bool ok = Api::members(value, [&](auto key, Value& content) {
      if (Api::is(key, "container_path")) {
        seen |= 1;
        return text(content, out.container_path);
      }
      if (!Api::is(key, "mode")) return true;
      std::string_view mode;
      if (content.get_string().get(mode) != simdjson::SUCCESS) return false;
      seen |= 2;
      out.read_only = mode == "RO";
      return out.read_only || mode == "RW";
    });
    return ok && all(seen, 3);
  }
};

}  // namespace

bool read_on_demand(std::string_view text, plain::Offers& out) {
  static od::parser parser;
  out.offers.clear();
  od::document document;
  if (parser.iterate(simdjson::padded_string_view(text, text.size() + simdjson::SIMDJSON_PADDING))
          .get(document) != simdjson::SUCCESS) {
    return false;
  }
  od::object root;
  if (document.get_object().get(root) != simdjson::SUCCESS) return false;
  Reader<OnDemand> reader;
  unsigned seen = 0;
  const bool ok = OnDemand::members_of(root, [&](od::raw_json_string key, od::value& value) {
    return reader.member(key, value, out, seen);
  });
  const bool at_end = document.current_location().error() == simdjson::OUT_OF_BOUNDS;
  return ok && all(seen, Reader<OnDemand>::kRequired) && at_end;
}

bool read_dom(std::string_view text, plain::Offers& out) {
  static dom::parser parser;
  out.offers.clear();
  dom::element root;
  if (parser.parse(text.data(), text.size(), false).get(root) != simdjson::SUCCESS) return false;
  Reader<Dom> reader;
  unsigned seen = 0;
  const bool ok = Dom::members(root, [&](std::string_view key, dom::element& value) {
    return reader.member(key, value, out, seen);
  });
  return ok && all(seen, Reader<Dom>::kRequired);
}

std::string padded(std::string_view text) {
  std::string out(text);
  out.reserve(text.size() + simdjson::SIMDJSON_PADDING);
  return out;
}

}  // namespace bourse::bench
