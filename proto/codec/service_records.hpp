// Durable records of the service scheduler: its commands as bytes, in the envelope of records.hpp
// and refused like them. Any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "model/service_command.hpp"

namespace bourse::codec {

std::string encode_service_command(const ServiceCommand& command);
Result<ServiceCommand> decode_service_command(std::string_view record);

}  // namespace bourse::codec
