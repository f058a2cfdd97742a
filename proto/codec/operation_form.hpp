// Operations on resources between their public messages, our own and the model. For those who hold
// protobuf messages (the codec, the view and shells in .cpp files); the protobuf types are only
// declared here. Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "model/operation_status.hpp"
#include "model/resource_operation.hpp"
#include "proto/codec/field_path.hpp"

namespace mesos::v1 {
class Offer_Operation;
class OperationStatus;
namespace master {
class Call;
}
}  // namespace mesos::v1
namespace bourse::internal {
class OperationOrder;
}

namespace bourse::codec {

// nullopt: a type that is none of these (LAUNCH and others).
std::optional<ResourceOperation::Type> resource_operation_type(
    const mesos::v1::Offer_Operation& message);
// REQUIRES such a type. Errors name fields from `at`.
Result<ResourceOperation> read_resource_operation(const mesos::v1::Offer_Operation& message,
                                                  const FieldPath& at);
// `role`: what it was offered for, or empty.
void write_resource_operation(const ResourceOperation& operation, std::string_view role,
                              mesos::v1::Offer_Operation& out);
// The public form of an order's operation, with its id.
void write_operation_info(const OperationOrder& order, mesos::v1::Offer_Operation& out);

// What of a call to a master's operator API is one; unsupported: nothing.
Result<ResourceOperation> read_operator_operation(const mesos::v1::master::Call& call);

Result<OperationStatus> read_operation_status(const mesos::v1::OperationStatus& message,
                                              const FieldPath& at);
void write_operation_status(const OperationStatus& status, mesos::v1::OperationStatus& out);

Result<OperationOrder> read_operation_order(const internal::OperationOrder& message,
                                            const FieldPath& at);
void write_operation_order(const OperationOrder& order, internal::OperationOrder& out);

// Resources alone, as bytes.
std::string resources_bytes(const Resources& resources);
Result<Resources> resources_from_bytes(const std::string& bytes, const FieldPath& at);

}  // namespace bourse::codec
