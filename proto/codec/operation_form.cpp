#include "proto/codec/operation_form.hpp"

#include "proto/codec/canonical.hpp"
#include "proto/codec/facet_read.hpp"
#include "proto/codec/facet_write.hpp"
#include "proto/codec/operation_orders.hpp"
#include "proto/codec/quantity.hpp"
#include "proto/codec/status_form.hpp"
#include "proto/codec/text_check.hpp"
#include "proto/internal/link.pb.h"
#include "proto/v1/agent_info.pb.h"
#include "proto/v1/master_call.pb.h"
#include "proto/v1/offer.pb.h"
#include "proto/v1/operation.pb.h"

namespace bourse::codec {

namespace v1 = mesos::v1;
using Type = ResourceOperation::Type;
using List = google::protobuf::RepeatedPtrField<v1::Resource>;

namespace {

// A volume is kept by its agent where its disk is: what says where else it comes from would be
// dropped.
Status check_new_volumes(const List& volumes, const FieldPath& at) {
  for (int i = 0; i < volumes.size(); ++i) {
    if (!volumes[i].disk().has_volume()) continue;
    const v1::Volume& volume = volumes[i].disk().volume();
    const char* set = volume.has_host_path() ? "host_path"
                      : volume.has_image()   ? "image"
                      : volume.has_source()  ? "source"
                                             : nullptr;
    if (set == nullptr) continue;
    const FieldPath one = at.at("volumes", i), disk = one.at("disk"), here = disk.at("volume");
    return invalid("'" + here.at(set).text() +
                   "' is set: a persistent volume is where its disk is; leave it out");
  }
  return {};
}

Result<ResourceOperation> read_lists(Type type, const List& resources, const List* source,
                                     const FieldPath& at) {
  ResourceOperation out;
  out.type = type;
  if (type == Type::create) {
    if (Status ok = check_new_volumes(resources, at); !ok) return ok.error();
  }
  Result<Resources> read = read_resources(resources, at);
  if (!read) return read.error();
  out.resources = std::move(*read);
  const bool volumes = type == Type::create || type == Type::destroy;
  if (volumes && out.resources.list().size() < static_cast<std::size_t>(resources.size())) {
    return invalid("'" + at.at("volumes").text() +
                   "' names a volume twice, or one of size 0: each needs an id of its own");
  }
  if (source == nullptr || source->empty()) return out;
  Result<Resources> from = read_resources(*source, at.at("source"));
  if (!from) return from.error();
  out.extra = std::move(*from);
  return out;
}

Result<Resources> read_one(const v1::Resource& resource, const FieldPath& at) {
  List list;
  *list.Add() = resource;
  return read_resources(list, at);
}

Result<ResourceOperation> read_grow(const v1::Resource& volume, const v1::Resource& addition,
                                    const FieldPath& at) {
  ResourceOperation out;
  out.type = Type::grow_volume;
  Result<Resources> one = read_one(volume, at.at("volume"));
  if (!one) return one.error();
  Result<Resources> more = read_one(addition, at.at("addition"));
  if (!more) return more.error();
  out.resources = std::move(*one);
  out.extra = std::move(*more);
  return out;
}

Result<ResourceOperation> read_shrink(const v1::Resource& volume, const v1::Value::Scalar& subtract,
                                      const FieldPath& at) {
  ResourceOperation out;
  out.type = Type::shrink_volume;
  Result<Resources> one = read_one(volume, at.at("volume"));
  if (!one) return one.error();
  Result<std::int64_t> milli = milli_from_double(subtract.value(), at.at("subtract"));
  if (!milli) return milli.error();
  out.resources = std::move(*one);
  out.subtract_milli = *milli;
  return out;
}

Error lacks(const FieldPath& at, const char* field) {
  return invalid("'" + at.at(field).text() + "' is missing: '" + at.at("type").text() +
                 "' says that it is there");
}

}  // namespace

std::optional<Type> resource_operation_type(const v1::Offer_Operation& message) {
  switch (message.type()) {
    case v1::Offer::Operation::RESERVE:
    case v1::Offer::Operation::UNRESERVE:
    case v1::Offer::Operation::CREATE:
    case v1::Offer::Operation::DESTROY:
    case v1::Offer::Operation::GROW_VOLUME:
    case v1::Offer::Operation::SHRINK_VOLUME:
      return static_cast<Type>(message.type());
    default:
      return std::nullopt;
  }
}

Result<ResourceOperation> read_resource_operation(const v1::Offer_Operation& message,
                                                  const FieldPath& at) {
  const Type type = static_cast<Type>(message.type());
  switch (type) {
    case Type::reserve:
      if (!message.has_reserve()) return lacks(at, "reserve");
      return read_lists(type, message.reserve().resources(), &message.reserve().source(),
                        at.at("reserve"));
    case Type::unreserve:
      if (!message.has_unreserve()) return lacks(at, "unreserve");
      return read_lists(type, message.unreserve().resources(), nullptr, at.at("unreserve"));
    case Type::create:
      if (!message.has_create()) return lacks(at, "create");
      return read_lists(type, message.create().volumes(), nullptr, at.at("create"));
    case Type::destroy:
      if (!message.has_destroy()) return lacks(at, "destroy");
      return read_lists(type, message.destroy().volumes(), nullptr, at.at("destroy"));
    case Type::grow_volume:
      if (!message.has_grow_volume()) return lacks(at, "grow_volume");
      return read_grow(message.grow_volume().volume(), message.grow_volume().addition(),
                       at.at("grow_volume"));
    case Type::shrink_volume:
      if (!message.has_shrink_volume()) return lacks(at, "shrink_volume");
      return read_shrink(message.shrink_volume().volume(), message.shrink_volume().subtract(),
                         at.at("shrink_volume"));
  }
  return invalid("'" + at.at("type").text() + "' is no operation on resources");
}

void write_resource_operation(const ResourceOperation& operation, std::string_view role,
                              v1::Offer_Operation& out) {
  const ResourceForm form{true, role};
  out.set_type(static_cast<v1::Offer::Operation::Type>(operation.type));
  List one;
  switch (operation.type) {
    case Type::reserve:
      write_resources(operation.resources, form, *out.mutable_reserve()->mutable_resources());
      write_resources(operation.extra, form, *out.mutable_reserve()->mutable_source());
      return;
    case Type::unreserve:
      write_resources(operation.resources, form, *out.mutable_unreserve()->mutable_resources());
      return;
    case Type::create:
      write_resources(operation.resources, form, *out.mutable_create()->mutable_volumes());
      return;
    case Type::destroy:
      write_resources(operation.resources, form, *out.mutable_destroy()->mutable_volumes());
      return;
    case Type::grow_volume:
      write_resources(operation.resources, form, one);
      write_resources(operation.extra, form, one);
      if (one.size() > 0) *out.mutable_grow_volume()->mutable_volume() = one.Get(0);
      if (one.size() > 1) *out.mutable_grow_volume()->mutable_addition() = one.Get(1);
      return;
    case Type::shrink_volume:
      write_resources(operation.resources, form, one);
      if (one.size() > 0) *out.mutable_shrink_volume()->mutable_volume() = one.Get(0);
      out.mutable_shrink_volume()->mutable_subtract()->set_value(
          double_from_milli(operation.subtract_milli));
      return;
  }
}

void write_operation_info(const OperationOrder& order, v1::Offer_Operation& out) {
  if (!order.id.empty()) out.mutable_id()->set_value(order.id.raw());
  write_resource_operation(order.operation, order.role, out);
}

Result<ResourceOperation> read_operator_operation(const v1::master::Call& call) {
  using Call = v1::master::Call;
  switch (call.type()) {
    case Call::RESERVE_RESOURCES:
      return read_lists(Type::reserve, call.reserve_resources().resources(),
                        &call.reserve_resources().source(), "reserve_resources");
    case Call::UNRESERVE_RESOURCES:
      return read_lists(Type::unreserve, call.unreserve_resources().resources(), nullptr,
                        "unreserve_resources");
    case Call::CREATE_VOLUMES:
      return read_lists(Type::create, call.create_volumes().volumes(), nullptr, "create_volumes");
    case Call::DESTROY_VOLUMES:
      return read_lists(Type::destroy, call.destroy_volumes().volumes(), nullptr,
                        "destroy_volumes");
    case Call::GROW_VOLUME:
      return read_grow(call.grow_volume().volume(), call.grow_volume().addition(), "grow_volume");
    case Call::SHRINK_VOLUME:
      return read_shrink(call.shrink_volume().volume(), call.shrink_volume().subtract(),
                         "shrink_volume");
    default:
      return Error{ErrorCode::unsupported, "type: is no operation on resources"};
  }
}

Result<OperationStatus> read_operation_status(const v1::OperationStatus& message,
                                              const FieldPath& at) {
  OperationStatus out;
  out.id = OperationId(message.operation_id().value());
  if (message.state() == v1::OPERATION_UNSUPPORTED) {
    return invalid("'" + at.at("state").text() + "' is none that this build knows");
  }
  out.state = static_cast<OperationState>(message.state());
  out.message = message.message();
  out.agent_id = AgentId(message.agent_id().value());
  if (!message.has_uuid()) return out;
  Result<Uuid> uuid = read_uuid(message.uuid().value(), at.at("uuid"));
  if (!uuid) return uuid.error();
  out.uuid = *uuid;
  return out;
}

void write_operation_status(const OperationStatus& status, v1::OperationStatus& out) {
  if (!status.id.empty()) out.mutable_operation_id()->set_value(status.id.raw());
  out.set_state(static_cast<v1::OperationState>(status.state));
  if (!status.message.empty()) out.set_message(status.message);
  if (status.uuid) out.mutable_uuid()->set_value(std::string(bytes_of(*status.uuid)));
  if (!status.agent_id.empty()) out.mutable_agent_id()->set_value(status.agent_id.raw());
}

Result<OperationOrder> read_operation_order(const internal::OperationOrder& message,
                                            const FieldPath& at) {
  OperationOrder out;
  Result<Uuid> uuid = read_uuid(message.uuid(), at.at("uuid"));
  if (!uuid) return uuid.error();
  out.uuid = *uuid;
  out.framework_id = FrameworkId(message.framework_id());
  if (!message.role().empty()) {
    if (Status ok = check_role(message.role(), at.at("role")); !ok) return ok.error();
  }
  out.role = message.role();
  v1::Offer::Operation operation;
  if (!parse_bounded(message.operation(), operation) || !resource_operation_type(operation)) {
    return invalid("'" + at.at("operation").text() + "' is no operation on resources");
  }
  out.id = OperationId(operation.id().value());
  Result<ResourceOperation> read = read_resource_operation(operation, at.at("operation"));
  if (!read) return read.error();
  out.operation = std::move(*read);
  return out;
}

void write_operation_order(const OperationOrder& order, internal::OperationOrder& out) {
  out.set_uuid(std::string(bytes_of(order.uuid)));
  if (!order.framework_id.empty()) out.set_framework_id(order.framework_id.raw());
  if (!order.role.empty()) out.set_role(order.role);
  v1::Offer::Operation operation;
  if (!order.id.empty()) operation.mutable_id()->set_value(order.id.raw());
  write_resource_operation(order.operation, {}, operation);
  out.set_operation(canonical_bytes(operation));
}

std::string resources_bytes(const Resources& resources) {
  v1::AgentInfo holder;
  write_resources(resources, {}, *holder.mutable_resources());
  return canonical_bytes(holder);
}

Result<Resources> resources_from_bytes(const std::string& bytes, const FieldPath& at) {
  v1::AgentInfo holder;
  if (!parse_bounded(bytes, holder)) return invalid("'" + at.text() + "' does not parse");
  return read_resources(holder.resources(), at);
}

std::string encode_operation_order(const OperationOrder& order) {
  internal::OperationOrder out;
  write_operation_order(order, out);
  return canonical_bytes(out);
}

Result<OperationOrder> decode_operation_order(std::string_view bytes) {
  internal::OperationOrder message;
  if (!parse_bounded(bytes, message)) return invalid("'order' does not parse");
  return read_operation_order(message, "order");
}

}  // namespace bourse::codec
