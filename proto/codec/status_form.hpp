// TaskStatus between its public message, our own record and the model. Private to the codec; any
// thread.
#pragma once

#include <optional>
#include <string_view>

#include "base/result.hpp"
#include "model/task_status.hpp"
#include "proto/codec/field_path.hpp"

namespace bourse::internal {
class StatusRecord;
}

namespace bourse::codec {

Result<TaskStatus> read_record(const internal::StatusRecord& record, const FieldPath& at);
void write_record(const TaskStatus& status, internal::StatusRecord& out);

// 16 raw bytes; anything else is refused.
Result<Uuid> read_uuid(std::string_view bytes, const FieldPath& at);
std::string_view bytes_of(const Uuid& uuid);

Result<TaskState> read_state(std::uint32_t number, const FieldPath& at);

}  // namespace bourse::codec
