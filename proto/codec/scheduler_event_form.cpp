// Scheduler events, both ways.

#include "proto/codec/facet_read.hpp"
#include "proto/codec/facet_write.hpp"
#include "proto/codec/operation_form.hpp"
#include "proto/codec/quantity.hpp"
#include "proto/codec/scheduler.hpp"
#include "proto/codec/scheduler_form.hpp"
#include "proto/codec/text_check.hpp"
#include "proto/v1/scheduler_event.pb.h"

namespace bourse::codec {

namespace v1 = mesos::v1;
using v1::scheduler::Event;

namespace {

// One overload per kind of event.
struct EventWriter {
  const EventShape& shape;
  Event& out;

  void operator()(const event::Subscribed& in) {
    out.set_type(Event::SUBSCRIBED);
    Event::Subscribed& made = *out.mutable_subscribed();
    made.mutable_framework_id()->set_value(in.framework_id.raw());
    made.set_heartbeat_interval_seconds(seconds_from_duration(in.heartbeat_interval));
    if (shape.master != nullptr) write_master(*shape.master, *made.mutable_master_info());
  }
  void operator()(const event::Offers& in) {
    out.set_type(Event::OFFERS);
    out.mutable_offers();
    for (const OfferFacet& offer : in.offers) {
      write_offer(offer, in.framework_id, shape.capabilities, *out.mutable_offers()->add_offers());
    }
  }
  void operator()(const event::Rescind& in) {
    out.set_type(Event::RESCIND);
    out.mutable_rescind()->mutable_offer_id()->set_value(in.offer_id.raw());
  }
  void operator()(const event::Update& in) {
    out.set_type(Event::UPDATE);
    v1::TaskStatus& status = *out.mutable_update()->mutable_status();
    write_status(*in.status, status);
    status.set_state(static_cast<v1::TaskState>(state_for(in.status->state, shape.capabilities)));
  }
  void operator()(const event::Message& in) {
    out.set_type(Event::MESSAGE);
    out.mutable_message()->mutable_agent_id()->set_value(in.agent_id.raw());
    out.mutable_message()->mutable_executor_id()->set_value(in.executor_id.raw());
    out.mutable_message()->set_data(in.data);
  }
  void operator()(const event::Failure& in) {
    out.set_type(Event::FAILURE);
    Event::Failure& made = *out.mutable_failure();
    made.mutable_agent_id()->set_value(in.agent_id.raw());
    if (!in.executor_id.empty()) made.mutable_executor_id()->set_value(in.executor_id.raw());
    if (in.wait_status) made.set_status(*in.wait_status);
  }
  void operator()(const event::Error& in) {
    out.set_type(Event::ERROR);
    out.mutable_error()->set_message(in.message);
  }
  void operator()(const event::Heartbeat&) { out.set_type(Event::HEARTBEAT); }
  void operator()(const event::UpdateOperation& in) {
    out.set_type(Event::UPDATE_OPERATION_STATUS);
    write_operation_status(in.status, *out.mutable_update_operation_status()->mutable_status());
  }
  void operator()(const event::InverseOffers& in) {
    out.set_type(Event::INVERSE_OFFERS);
    Event::InverseOffers& list = *out.mutable_inverse_offers();
    for (const InverseOfferFacet& offer : in.offers) {
      write_inverse_offer(offer, in.framework_id, *list.add_inverse_offers());
    }
  }
  void operator()(const event::RescindInverse& in) {
    out.set_type(Event::RESCIND_INVERSE_OFFER);
    out.mutable_rescind_inverse_offer()->mutable_inverse_offer_id()->set_value(in.offer_id.raw());
  }
};

// What offers of both kinds say of where their agent listens.
Status read_listening(const v1::URL& url, const FieldPath& at, HostPort& out) {
  out.hostname = url.address().hostname();
  out.ip = url.address().ip();
  const int port = url.address().port();
  if (port < 0 || port > 65535) {
    return invalid("'" + at.at("url").text() + "' has port " + std::to_string(port));
  }
  out.port = static_cast<std::uint16_t>(port);
  return {};
}

Result<UnavailabilityPtr> read_shared_unavailability(const v1::Unavailability& message,
                                                     const FieldPath& at) {
  Result<Unavailability> read = read_unavailability(message, at);
  if (!read) return read.error();
  return UnavailabilityPtr(std::make_shared<const Unavailability>(*read));
}

Result<OfferFacet> read_offer(const v1::Offer& message, const FieldPath& at) {
  OfferFacet out;
  if (Status ok = check_id(message.id().value(), at.at("id")); !ok) return ok.error();
  if (Status ok = check_id(message.agent_id().value(), at.at("agent_id")); !ok) return ok.error();
  out.id = OfferId(message.id().value());
  out.role = message.allocation_info().role();
  Result<Resources> resources = read_resources(message.resources(), at);
  if (!resources) return resources.error();
  out.resources = std::move(*resources);
  for (const v1::ExecutorID& id : message.executor_ids()) out.executor_ids.emplace_back(id.value());

  auto agent = std::make_shared<AgentFacet>();
  agent->id = AgentId(message.agent_id().value());
  agent->hostname = message.hostname();
  if (Status ok = read_listening(message.url(), at, agent->http); !ok) return ok.error();
  Result<std::vector<Attribute>> attributes = read_attributes(message.attributes(), at);
  if (!attributes) return attributes.error();
  agent->attributes = std::move(*attributes);
  agent->domain.region = message.domain().fault_domain().region().name();
  agent->domain.zone = message.domain().fault_domain().zone().name();
  out.agent = std::move(agent);
  if (message.has_unavailability()) {
    const FieldPath its = at.at("unavailability");
    Result<UnavailabilityPtr> planned = read_shared_unavailability(message.unavailability(), its);
    if (!planned) return planned.error();
    out.unavailability = std::move(*planned);
  }
  return out;
}

Result<InverseOfferFacet> read_inverse_offer(const v1::InverseOffer& message, const FieldPath& at) {
  InverseOfferFacet out;
  if (Status ok = check_id(message.id().value(), at.at("id")); !ok) return ok.error();
  if (Status ok = check_id(message.agent_id().value(), at.at("agent_id")); !ok) return ok.error();
  out.id = OfferId(message.id().value());
  auto agent = std::make_shared<AgentFacet>();
  agent->id = AgentId(message.agent_id().value());
  if (Status ok = read_listening(message.url(), at, agent->http); !ok) return ok.error();
  agent->hostname = agent->http.hostname;
  out.agent = std::move(agent);
  const FieldPath its = at.at("unavailability");
  Result<UnavailabilityPtr> planned = read_shared_unavailability(message.unavailability(), its);
  if (!planned) return planned.error();
  out.unavailability = std::move(*planned);
  return out;
}

Result<SchedulerEvent> read_inverse_offers(const Event::InverseOffers& message) {
  const FieldPath at = "inverse_offers";
  event::InverseOffers out;
  for (int i = 0; i < message.inverse_offers_size(); ++i) {
    out.framework_id = FrameworkId(message.inverse_offers(i).framework_id().value());
    const FieldPath its = at.at("inverse_offers", i);
    Result<InverseOfferFacet> offer = read_inverse_offer(message.inverse_offers(i), its);
    if (!offer) return offer.error();
    out.offers.push_back(std::move(*offer));
  }
  return SchedulerEvent(std::move(out));
}

Result<SchedulerEvent> read_offers(const Event::Offers& message) {
  const FieldPath at = "offers";
  event::Offers out;
  if (message.offers_size() > 0) {
    out.framework_id = FrameworkId(message.offers(0).framework_id().value());
  }
  out.offers.reserve(static_cast<std::size_t>(message.offers_size()));
  for (int i = 0; i < message.offers_size(); ++i) {
    Result<OfferFacet> offer = read_offer(message.offers(i), at.at("offers", i));
    if (!offer) return offer.error();
    out.offers.push_back(std::move(*offer));
  }
  return SchedulerEvent(std::move(out));
}

Error event_lacks(const char* field) {
  return invalid(std::string("scheduler event without '") + field + "'");
}

}  // namespace

void write_event(const SchedulerEvent& event, const EventShape& shape, Event& out) {
  std::visit(EventWriter{shape, out}, event);
}

Result<SchedulerEvent> read_event(Event& message) {
  switch (message.type()) {
    case Event::SUBSCRIBED: {
      if (!message.has_subscribed()) return event_lacks("subscribed");
      const std::string& id = message.subscribed().framework_id().value();
      if (Status ok = check_id(id, "subscribed.framework_id"); !ok) return ok.error();
      Result<Duration> interval =
          duration_from_seconds(message.subscribed().heartbeat_interval_seconds(), Duration::max(),
                                "subscribed.heartbeat_interval_seconds");
      if (!interval) return interval.error();
      return SchedulerEvent(event::Subscribed{FrameworkId(id), *interval});
    }
    case Event::OFFERS:
      if (!message.has_offers()) return event_lacks("offers");
      return read_offers(message.offers());
    case Event::RESCIND:
      if (!message.has_rescind()) return event_lacks("rescind");
      return SchedulerEvent(event::Rescind{OfferId(message.rescind().offer_id().value())});
    case Event::UPDATE: {
      if (!message.has_update()) return event_lacks("update");
      Result<TaskStatus> status =
          read_status(*message.mutable_update()->mutable_status(), "update.status");
      if (!status) return status.error();
      return SchedulerEvent(event::Update{std::move(*status)});
    }
    case Event::MESSAGE:
      if (!message.has_message()) return event_lacks("message");
      return SchedulerEvent(event::Message{AgentId(message.message().agent_id().value()),
                                           ExecutorId(message.message().executor_id().value()),
                                           std::move(*message.mutable_message()->mutable_data())});
    case Event::FAILURE: {
      if (!message.has_failure()) return event_lacks("failure");
      event::Failure out{AgentId(message.failure().agent_id().value()),
                         ExecutorId(message.failure().executor_id().value()), std::nullopt};
      if (message.failure().has_status()) out.wait_status = message.failure().status();
      return SchedulerEvent(std::move(out));
    }
    case Event::ERROR:
      if (!message.has_error()) return event_lacks("error");
      return SchedulerEvent(event::Error{message.error().message()});
    case Event::HEARTBEAT:
      return SchedulerEvent(event::Heartbeat{});
    case Event::UPDATE_OPERATION_STATUS: {
      if (!message.has_update_operation_status()) return event_lacks("update_operation_status");
      Result<OperationStatus> status = read_operation_status(
          message.update_operation_status().status(), "update_operation_status.status");
      if (!status) return status.error();
      return SchedulerEvent(event::UpdateOperation{std::move(*status)});
    }
    case Event::INVERSE_OFFERS:
      if (!message.has_inverse_offers()) return event_lacks("inverse_offers");
      return read_inverse_offers(message.inverse_offers());
    case Event::RESCIND_INVERSE_OFFER:
      if (!message.has_rescind_inverse_offer()) return event_lacks("rescind_inverse_offer");
      return SchedulerEvent(event::RescindInverse{
          OfferId(message.rescind_inverse_offer().inverse_offer_id().value())});
    default:
      return Error{ErrorCode::unsupported,
                   "scheduler event " + Event::Type_Name(message.type()) + " is not supported"};
  }
}

}  // namespace bourse::codec
