// May this machine go on under the identity in the checkpoint, though it is configured otherwise?
// Frameworks placed their tasks by what it was: hostname, resources, attributes, fault domain.
// Where it listens and which build it is may always change.
#include <algorithm>
#include <set>

#include "agent/core/context.hpp"

namespace bourse::agent {

namespace {

enum class Change : std::uint8_t { none, more, other };

struct Difference {
  std::string what;
  std::string before;
  std::string now;
};

std::string text_of(const Attribute& attribute) {
  switch (attribute.kind) {
    case Attribute::Kind::scalar:
      return milli_text(attribute.scalar_milli);
    case Attribute::Kind::ranges: {
      const Resource ranges = Resource::of_ranges(attribute.name, attribute.ranges);
      return Resources({ranges}).to_text().substr(attribute.name.size() + 1);
    }
    case Attribute::Kind::set: {
      std::string out;
      for (const std::string& item : attribute.items) out += (out.empty() ? "{" : ",") + item;
      return out + "}";
    }
    case Attribute::Kind::text:
      return attribute.text;
  }
  return {};
}

// Those of one name, in an order of their own: a name may come twice.
std::vector<Attribute> named(const AgentFacet& facet, const std::string& name) {
  std::vector<Attribute> out;
  for (const Attribute& attribute : facet.attributes) {
    if (attribute.name == name) out.push_back(attribute);
  }
  std::sort(out.begin(), out.end(), [](const Attribute& a, const Attribute& b) {
    return std::pair(a.kind, text_of(a)) < std::pair(b.kind, text_of(b));
  });
  return out;
}

std::string text_of(const std::vector<Attribute>& attributes) {
  std::string out;
  for (const Attribute& attribute : attributes) {
    out += (out.empty() ? "" : ", ") + text_of(attribute);
  }
  return out.empty() ? "none" : out;
}

bool grew(const Attribute& before, const Attribute& now) {
  if (before.kind != now.kind) return false;
  switch (before.kind) {
    case Attribute::Kind::scalar:
      return now.scalar_milli >= before.scalar_milli;
    case Attribute::Kind::ranges:
      return now.ranges.contains(before.ranges);
    case Attribute::Kind::set:
      return std::all_of(before.items.begin(), before.items.end(), [&](const std::string& item) {
        return std::find(now.items.begin(), now.items.end(), item) != now.items.end();
      });
    case Attribute::Kind::text:
      return now.text == before.text;
  }
  return false;
}

Change change_of(const std::vector<Attribute>& before, const std::vector<Attribute>& now) {
  if (before == now) return Change::none;
  if (before.empty()) return Change::more;
  const bool one_each = before.size() == 1 && now.size() == 1;
  return one_each && grew(before.front(), now.front()) ? Change::more : Change::other;
}

Resources named(const Resources& all, const std::string& name) {
  Resources out;
  for (const Resource& resource : all.list()) {
    if (resource.name == name) out.add(resource);
  }
  return out;
}

Change change_of(const Resources& before, const Resources& now) {
  if (before == now) return Change::none;
  return now.contains(before) ? Change::more : Change::other;
}

std::string text_of(const Resources& resources) {
  return resources.empty() ? "none" : resources.to_text();
}

std::string text_of(const Domain& domain) {
  return domain.region.empty() ? "none" : domain.region + "/" + domain.zone;
}

// Calls take(change, difference) for each part, in a fixed order.
template <typename Take>
void compare(const AgentFacet& before, const AgentFacet& now, Take&& take) {
  take(before.hostname == now.hostname ? Change::none : Change::other,
       Difference{"hostname", before.hostname, now.hostname});
  std::set<std::string> names;
  for (const AgentFacet* facet : {&before, &now}) {
    for (const Resource& resource : facet->total.list()) names.insert(resource.name);
  }
  for (const std::string& name : names) {
    const Resources was = named(before.total, name), is = named(now.total, name);
    take(change_of(was, is), Difference{"resource '" + name + "'", text_of(was), text_of(is)});
  }
  names.clear();
  for (const AgentFacet* facet : {&before, &now}) {
    for (const Attribute& attribute : facet->attributes) names.insert(attribute.name);
  }
  for (const std::string& name : names) {
    const auto was = named(before, name), is = named(now, name);
    take(change_of(was, is), Difference{"attribute '" + name + "'", text_of(was), text_of(is)});
  }
  const bool had_domain = !before.domain.region.empty();
  take(before.domain == now.domain ? Change::none
       : had_domain                ? Change::other
                                   : Change::more,
       Difference{"fault domain", text_of(before.domain), text_of(now.domain)});
}

}  // namespace

bool same_configuration(const AgentFacet& before, const AgentFacet& now) {
  bool same = true;
  compare(before, now, [&](Change change, const Difference&) { same &= change == Change::none; });
  return same;
}

std::optional<std::string> refused_change(const AgentFacet& before, const AgentFacet& now,
                                          Reconfiguration allowed) {
  std::optional<Difference> refused;
  bool only_more = true;
  compare(before, now, [&](Change change, const Difference& difference) {
    if (change == Change::none) return;
    only_more &= change == Change::more;
    const bool fine = allowed == Reconfiguration::additive && change == Change::more;
    if (!fine && !refused) refused = difference;
  });
  if (!refused) return std::nullopt;
  std::string out = refused->what + " was " + refused->before + " when this agent registered as " +
                    before.id.raw() + " and is " + refused->now + " now: start it ";
  out += refused->before == "none" ? "without it" : "with what it had (flags override detection)";
  if (allowed == Reconfiguration::equal && only_more) {
    out += ", or allow more with --reconfiguration=additive";
  }
  return out + ", or end its tasks with --recover=cleanup and start it afterwards as a new agent";
}

}  // namespace bourse::agent
