// An operation on resources as bytes, as it travels to agents: for recordings. Any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "model/resource_operation.hpp"

namespace bourse::codec {

std::string encode_operation_order(const OperationOrder& order);
Result<OperationOrder> decode_operation_order(std::string_view bytes);

}  // namespace bourse::codec
