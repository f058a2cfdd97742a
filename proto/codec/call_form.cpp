#include "proto/codec/call_form.hpp"

#include <google/protobuf/message.h>
#include <google/protobuf/unknown_field_set.h>

#include <algorithm>
#include <string>

#include "base/assert.hpp"
#include "proto/codec/json_scalar.hpp"

namespace bourse::codec {

namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// As the sender wrote it; empty: it wrote none. Parsing leaves what no enum has out.
std::string sent_type(const Message& call, const FieldDescriptor& type, Encoding encoding,
                      std::string_view body) {
  if (encoding == Encoding::protobuf) {
    const auto& unknown = call.GetReflection()->GetUnknownFields(call);
    for (int i = unknown.field_count() - 1; i >= 0; --i) {
      const auto& field = unknown.field(i);
      if (field.number() != type.number()) continue;
      if (field.type() != google::protobuf::UnknownField::TYPE_VARINT) continue;
      return std::to_string(static_cast<std::int32_t>(field.varint()));
    }
    return {};
  }
  simdjson::dom::parser parser;
  element value;
  if (parser.parse(body.data(), body.size())["type"].get(value) != simdjson::SUCCESS) return {};
  return value.is_null() ? std::string() : shown_json(value);
}

std::string names_of(const google::protobuf::EnumDescriptor& types) {
  std::string names;
  for (int i = 0; i < types.value_count(); ++i) {
    if (types.value(i)->number() == 0) continue;  // UNKNOWN
    names += (names.empty() ? "" : ", ") + types.value(i)->name();
  }
  return names;
}

}  // namespace

Status check_call_form(const Message& call, Encoding encoding, std::string_view body_text,
                       std::initializer_list<std::string_view> bare) {
  const auto& fields = *call.GetDescriptor();
  const auto& reflection = *call.GetReflection();
  const auto* type = fields.FindFieldByName("type");
  ASSERT(type != nullptr);
  if (!reflection.HasField(call, type)) {
    const std::string sent = sent_type(call, *type, encoding, body_text);
    return invalid("type: is " + (sent.empty() ? "missing" : sent + ", which no call here has") +
                   "; give one of " + names_of(*type->enum_type()));
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
