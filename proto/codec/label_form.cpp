#include "proto/codec/label_form.hpp"

#include "model/limits.hpp"
#include "proto/codec/text_check.hpp"
#include "proto/v1/labels.pb.h"

namespace bourse::codec {

Result<std::vector<Label>> read_labels(const mesos::v1::Labels& message, const FieldPath& at) {
  if (static_cast<std::size_t>(message.labels_size()) > limits::kMaxLabels) {
    return Error{ErrorCode::too_large, "'" + at.text() + "' has " +
                                           std::to_string(message.labels_size()) +
                                           " labels: at most 256"};
  }
  std::vector<Label> out;
  out.reserve(static_cast<std::size_t>(message.labels_size()));
  for (int i = 0; i < message.labels_size(); ++i) {
    const mesos::v1::Label& label = message.labels(i);
    const FieldPath here = at.at("labels", i);
    if (Status ok = check_text(label.key(), limits::kMaxNameBytes, here.at("key")); !ok) {
      return ok.error();
    }
    if (Status ok = check_text(label.value(), limits::kMaxCallBytes, here.at("value")); !ok) {
      return ok.error();
    }
    Label& made = out.emplace_back();
    made.key = label.key();
    if (label.has_value()) made.value = label.value();
  }
  return out;
}

void write_labels(const std::vector<Label>& labels, mesos::v1::Labels& out) {
  for (const Label& in : labels) {
    mesos::v1::Label& made = *out.add_labels();
    made.set_key(in.key);
    if (in.value) made.set_value(*in.value);
  }
}

}  // namespace bourse::codec
