// The writing half of json.hpp.

#include <google/protobuf/message.h>

#include <algorithm>
#include <bit>

#include "proto/codec/json.hpp"
#include "proto/codec/json_plan.hpp"
#include "proto/codec/json_text.hpp"

namespace bourse::codec {

namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// Strings of protobuf fields are read in place: `scratch` is only used by exotic string types.
class JsonWriter {
 public:
  explicit JsonWriter(JsonText& out) : out_(out) {}

  void message(const Message& message, const TypePlan& plan) {
    const Reflection& reflection = *plan.reflection;
    std::uint64_t left = present(message, reflection) | plan.always;
    out_.put('{');
    for (bool first = true; left != 0; left &= left - 1) {
      const FieldPlan& field = plan.fields[static_cast<std::size_t>(std::countr_zero(left))];
      const std::string_view key = field.key;
      out_.raw(first ? key.substr(1) : key);
      first = false;
      if (field.map) {
        map(message, reflection, field);
      } else if (field.repeated) {
        list(message, reflection, field);
      } else {
        single(message, reflection, field);
      }
    }
    out_.put('}');
  }

 private:
  // Bit i: field i, in declaration order, is set. One call instead of one per field.
  std::uint64_t present(const Message& message, const Reflection& reflection) {
    fields_.clear();
    reflection.ListFields(message, &fields_);
    std::uint64_t out = 0;
    for (const FieldDescriptor* field : fields_) out |= std::uint64_t{1} << field->index();
    return out;
  }

  void text(const std::string& value, bool bytes) {
    if (bytes) {
      out_.base64(value);
    } else {
      out_.string(value);
    }
  }

  void single(const Message& message, const Reflection& reflection, const FieldPlan& plan) {
    const FieldDescriptor* field = plan.field;
    switch (plan.type) {
      case FieldDescriptor::CPPTYPE_INT32:
        return out_.integer(reflection.GetInt32(message, field));
      case FieldDescriptor::CPPTYPE_INT64:
        return out_.integer(reflection.GetInt64(message, field));
      case FieldDescriptor::CPPTYPE_UINT32:
        return out_.integer(reflection.GetUInt32(message, field));
      case FieldDescriptor::CPPTYPE_UINT64:
        return out_.integer(reflection.GetUInt64(message, field));
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return out_.real(reflection.GetDouble(message, field));
      case FieldDescriptor::CPPTYPE_FLOAT:
        return out_.real(static_cast<double>(reflection.GetFloat(message, field)));
      case FieldDescriptor::CPPTYPE_BOOL:
        out_.raw(reflection.GetBool(message, field) ? "true" : "false");
        return;
      case FieldDescriptor::CPPTYPE_ENUM:
        return name(reflection.GetEnumValue(message, field), plan);
      case FieldDescriptor::CPPTYPE_STRING:
        return text(reflection.GetStringReference(message, field, &scratch_), plan.bytes);
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return this->message(reflection.GetMessage(message, field), *plan.child);
    }
  }

  void element(const Message& message, const Reflection& reflection, const FieldPlan& plan, int i) {
    const FieldDescriptor* field = plan.field;
    switch (plan.type) {
      case FieldDescriptor::CPPTYPE_INT32:
        return out_.integer(reflection.GetRepeatedInt32(message, field, i));
      case FieldDescriptor::CPPTYPE_INT64:
        return out_.integer(reflection.GetRepeatedInt64(message, field, i));
      case FieldDescriptor::CPPTYPE_UINT32:
        return out_.integer(reflection.GetRepeatedUInt32(message, field, i));
      case FieldDescriptor::CPPTYPE_UINT64:
        return out_.integer(reflection.GetRepeatedUInt64(message, field, i));
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return out_.real(reflection.GetRepeatedDouble(message, field, i));
      case FieldDescriptor::CPPTYPE_FLOAT:
        return out_.real(static_cast<double>(reflection.GetRepeatedFloat(message, field, i)));
      case FieldDescriptor::CPPTYPE_BOOL:
        out_.raw(reflection.GetRepeatedBool(message, field, i) ? "true" : "false");
        return;
      case FieldDescriptor::CPPTYPE_ENUM:
        return name(reflection.GetRepeatedEnumValue(message, field, i), plan);
      case FieldDescriptor::CPPTYPE_STRING:
        return text(reflection.GetRepeatedStringReference(message, field, i, &scratch_),
                    plan.bytes);
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return this->message(reflection.GetRepeatedMessage(message, field, i), *plan.child);
    }
  }

  void list(const Message& message, const Reflection& reflection, const FieldPlan& plan) {
    const int size = reflection.FieldSize(message, plan.field);
    out_.put('[');
    for (int i = 0; i < size; ++i) {
      if (i > 0) out_.put(',');
      element(message, reflection, plan, i);
    }
    out_.put(']');
  }

  // Sorted by key, so that equal messages are written alike. All our maps have string keys.
  void map(const Message& message, const Reflection& reflection, const FieldPlan& plan) {
    const int size = reflection.FieldSize(message, plan.field);
    const FieldPlan& key = plan.child->fields[0];
    const FieldPlan& value = plan.child->fields[1];
    std::vector<std::pair<std::string, const Message*>> entries;
    entries.reserve(static_cast<std::size_t>(size));
    for (int i = 0; i < size; ++i) {
      const Message& entry = reflection.GetRepeatedMessage(message, plan.field, i);
      entries.emplace_back(plan.child->reflection->GetString(entry, key.field), &entry);
    }
    std::sort(entries.begin(), entries.end());
    out_.put('{');
    bool first = true;
    for (const auto& [name, entry] : entries) {
      if (!first) out_.put(',');
      first = false;
      out_.string(name);
      out_.put(':');
      single(*entry, *plan.child->reflection, value);
    }
    out_.put('}');
  }

  void name(int number, const FieldPlan& plan) {
    const auto it = plan.values.quoted.find(number);
    if (it != plan.values.quoted.end()) {
      out_.raw(it->second);
    } else {
      out_.integer(number);  // cannot happen: unknown numbers are unknown fields
    }
  }

  JsonText& out_;
  std::string scratch_;
  std::vector<const FieldDescriptor*> fields_;
};

}  // namespace

void write_json_string(std::string_view text, std::string& out) {
  JsonText(out, text.size() + 16).string(text);
}

void write_json_double(double value, std::string& out) {
  JsonText(out, 32).real(value);
}

void write_json(const Message& message, std::string& out) {
  JsonText text(out);
  JsonWriter(text).message(message, plan_of(*message.GetDescriptor()));
}

std::string to_json(const Message& message) {
  std::string out;
  write_json(message, out);
  return out;
}

}  // namespace bourse::codec
