#include "proto/codec/call_form.hpp"

#include <google/protobuf/message.h>

#include <algorithm>
#include <string>

#include "base/assert.hpp"

namespace bourse::codec {

Status check_call_form(const google::protobuf::Message& call,
                       std::initializer_list<std::string_view> bare) {
  const auto& fields = *call.GetDescriptor();
  const auto& reflection = *call.GetReflection();
  const auto* type = fields.FindFieldByName("type");
  ASSERT(type != nullptr);
  if (!reflection.HasField(call, type)) {
    return invalid("type: is missing, or none that this API has");
  }
  const std::string name = reflection.GetEnum(call, type)->name();
  std::string field = name;
  for (char& c : field) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  const auto* body = fields.FindFieldByName(field);
  if (body == nullptr || reflection.HasField(call, body)) return {};
  if (std::find(bare.begin(), bare.end(), name) != bare.end()) return {};
  return invalid(field + ": is missing; it says what " + name + " is about");
}

}  // namespace bourse::codec
