// Labels between their public message and the model. Private to the codec; any thread.
#pragma once

#include <vector>

#include "base/result.hpp"
#include "model/resources.hpp"
#include "proto/codec/field_path.hpp"

namespace mesos::v1 {
class Labels;
}

namespace bourse::codec {

Result<std::vector<Label>> read_labels(const mesos::v1::Labels& message, const FieldPath& at);
void write_labels(const std::vector<Label>& labels, mesos::v1::Labels& out);

}  // namespace bourse::codec
