#include "proto/codec/offer_wire.hpp"

#include <google/protobuf/repeated_field.h>

#include <cstring>
#include <initializer_list>
#include <string>

#include "proto/codec/canonical.hpp"
#include "proto/codec/facet_write.hpp"
#include "proto/v1/offer.pb.h"
#include "proto/v1/scheduler_event.pb.h"

namespace bourse::codec {

namespace v1 = mesos::v1;
using v1::Offer;
using v1::scheduler::Event;

namespace {

// A form is pieces of bytes, each after its length.
void put_piece(const google::protobuf::MessageLite& fields, std::string& form) {
  const std::string bytes = canonical_bytes(fields);
  const auto size = static_cast<std::uint32_t>(bytes.size());
  form.append(reinterpret_cast<const char*>(&size), sizeof size).append(bytes);
}

std::string_view take_piece(std::string_view& form) {
  std::uint32_t size = 0;
  std::memcpy(&size, form.data(), sizeof size);
  const std::string_view piece = form.substr(sizeof size, size);
  form.remove_prefix(sizeof size + size);
  return piece;
}

// Whom resources are offered for is all that differs from one offer of them to the next: the form
// has of each what stands before that field and what stands after it.
std::string resources_form(const Resources& resources) {
  google::protobuf::RepeatedPtrField<v1::Resource> made;
  write_resources(resources, {}, made);
  std::string form;
  for (v1::Resource& resource : made) {
    v1::Resource after;
    if (resource.has_provider_id())
      after.mutable_provider_id()->Swap(resource.mutable_provider_id());
    after.mutable_reservations()->Swap(resource.mutable_reservations());
    resource.clear_provider_id();
    put_piece(resource, form);
    put_piece(after, form);
  }
  return form;
}

// What of an agent stands in each of its offers: before the resources, after them, at the end.
std::string agent_form(const AgentFacet& agent) {
  Offer identity;
  Offer description;
  Offer domain;
  write_offer_agent(agent, description);
  identity.mutable_agent_id()->Swap(description.mutable_agent_id());
  identity.set_hostname(description.hostname());
  if (description.has_domain()) domain.mutable_domain()->Swap(description.mutable_domain());
  description.clear_agent_id();
  description.clear_hostname();
  description.clear_domain();
  std::string form;
  for (const Offer* piece : {&identity, &description, &domain}) put_piece(*piece, form);
  return form;
}

template <typename T>
std::string_view remembered(const Memo& memo, const T& value, std::string (*make)(const T&)) {
  const auto kept = memo.find();
  return kept ? *kept : memo.keep(make(value));
}

void write_refined_resources(const Resources& resources, std::string_view role, WireWriter& out) {
  std::string_view form = remembered(resources.wire_form(), resources, resources_form);
  while (!form.empty()) {
    const std::string_view before = take_piece(form);
    const std::string_view after = take_piece(form);
    out.message(Offer::kResourcesFieldNumber, [&] {
      out.raw(before);
      if (!role.empty()) {
        out.message(v1::Resource::kAllocationInfoFieldNumber,
                    [&] { out.text(v1::Resource::AllocationInfo::kRoleFieldNumber, role); });
      }
      out.raw(after);
    });
  }
}

// For frameworks of before reservation refinement: few enough to take protobuf's way.
void write_old_resources(const Resources& resources, std::string_view role, WireWriter& out) {
  google::protobuf::RepeatedPtrField<v1::Resource> made;
  write_resources(resources, {false, role}, made);
  for (const v1::Resource& resource : made) {
    out.text(Offer::kResourcesFieldNumber, canonical_bytes(resource));
  }
}

void write_offer_wire(const OfferFacet& in, const FrameworkId& framework_id,
                      const Capabilities& capabilities, WireWriter& out) {
  const bool multi_role = capabilities.has(Capabilities::multi_role);
  const std::string_view role = multi_role ? std::string_view(*in.role) : std::string_view();
  std::string_view agent;
  if (in.agent) agent = remembered(in.agent->offer_form, *in.agent, agent_form);
  out.id(Offer::kIdFieldNumber, in.id.raw());
  out.id(Offer::kFrameworkIdFieldNumber, framework_id.raw());
  if (in.agent) out.raw(take_piece(agent));
  if (capabilities.has(Capabilities::reservation_refinement)) {
    write_refined_resources(in.resources, role, out);
  } else {
    write_old_resources(in.resources, role, out);
  }
  for (const ExecutorId& id : in.executor_ids) out.id(Offer::kExecutorIdsFieldNumber, id.raw());
  if (in.agent) out.raw(take_piece(agent));
  if (in.unavailability) {
    v1::Unavailability planned;
    write_unavailability(*in.unavailability, planned);
    out.text(Offer::kUnavailabilityFieldNumber, canonical_bytes(planned));
  }
  if (multi_role) {
    out.message(Offer::kAllocationInfoFieldNumber,
                [&] { out.text(v1::Resource::AllocationInfo::kRoleFieldNumber, role); });
  }
  if (in.agent) out.raw(take_piece(agent));
}

// What the next offers point to is on its way meanwhile, and then what that points to.
void prefetch(const std::vector<OfferFacet>& offers, std::size_t at) {
  constexpr std::size_t kStep = 4;
  if (at + 2 * kStep < offers.size()) {
    const OfferFacet& far = offers[at + 2 * kStep];
    if (far.agent) __builtin_prefetch(&far.agent->offer_form);
    __builtin_prefetch(&far.resources.wire_form());
  }
  if (at + kStep < offers.size()) {
    const OfferFacet& near = offers[at + kStep];
    if (near.agent) near.agent->offer_form.prefetch();
    near.resources.wire_form().prefetch();
  }
}

}  // namespace

void write_offers_wire(const event::Offers& offers, const Capabilities& capabilities,
                       WireWriter& out) {
  out.number(Event::kTypeFieldNumber, Event::OFFERS);
  out.message(Event::kOffersFieldNumber, [&] {
    for (std::size_t i = 0; i < offers.offers.size(); ++i) {
      prefetch(offers.offers, i);
      out.message(Event::Offers::kOffersFieldNumber, [&] {
        write_offer_wire(offers.offers[i], offers.framework_id, capabilities, out);
      });
    }
  });
}

}  // namespace bourse::codec
