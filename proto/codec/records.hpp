// Durable records: registry commands of the master and checkpoint records of the agent as bytes.
//
// A record is a version byte, the number of its kind (the alternative's index + 1), a checksum of
// both and of the payload, and the payload. A torn, foreign or damaged record is refused as
// `corrupt`, a newer version as `unsupported`. Any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "model/checkpoint_record.hpp"
#include "model/registry_command.hpp"

namespace bourse::codec {

std::string encode_registry_command(const RegistryCommand& command);
Result<RegistryCommand> decode_registry_command(std::string_view record);

std::string encode_checkpoint_record(const CheckpointRecord& record);
Result<CheckpointRecord> decode_checkpoint_record(std::string_view record);

}  // namespace bourse::codec
