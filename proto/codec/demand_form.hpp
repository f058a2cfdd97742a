// REQUEST between its public message and the model: each of its requests is one shape, wanted once;
// equal ones are one with its count. Private to the codec and to those who hold protobuf messages;
// any thread.
#pragma once

#include "base/result.hpp"
#include "model/scheduler_call.hpp"

namespace google::protobuf {
template <typename T>
class RepeatedPtrField;
}
namespace mesos::v1 {
class Request;
class Resource;
}  // namespace mesos::v1

namespace bourse::codec {

Result<call::Request> read_requests(
    const google::protobuf::RepeatedPtrField<mesos::v1::Request>& list);
void write_requests(const call::Request& call,
                    google::protobuf::RepeatedPtrField<mesos::v1::Request>& out);
// The amounts as scalars, with the role they are wanted for unless it is empty.
void write_amounts(const Quantities& amounts, const std::string& role,
                   google::protobuf::RepeatedPtrField<mesos::v1::Resource>& out);

}  // namespace bourse::codec
