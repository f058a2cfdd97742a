// The reading half of json.hpp. The text is parsed as a whole by simdjson (which checks syntax,
// UTF-8, surrogates and depth), then walked along the message type.

#include <google/protobuf/message.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <vector>

#include "proto/codec/field_path.hpp"
#include "proto/codec/json.hpp"
#include "proto/codec/json_plan.hpp"
#include "proto/codec/json_scalar.hpp"
#include "proto/codec/text_check.hpp"

namespace bourse::codec {

namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

const char* wanted(const FieldPlan& plan) {
  switch (plan.type) {
    case FieldDescriptor::CPPTYPE_INT32:
      return "a whole number from -2147483648 to 2147483647";
    case FieldDescriptor::CPPTYPE_INT64:
      return "a whole number of 64 bits";
    case FieldDescriptor::CPPTYPE_UINT32:
      return "a whole number from 0 to 4294967295";
    case FieldDescriptor::CPPTYPE_UINT64:
      return "a whole number from 0 to 18446744073709551615";
    case FieldDescriptor::CPPTYPE_DOUBLE:
    case FieldDescriptor::CPPTYPE_FLOAT:
      return "a number or 'Infinity'";
    case FieldDescriptor::CPPTYPE_BOOL:
      return "true or false";
    case FieldDescriptor::CPPTYPE_ENUM:
      return "the name of a known value";
    case FieldDescriptor::CPPTYPE_STRING:
      return plan.bytes ? "base64 text" : "a string";
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return "an object";
  }
  return "something else";
}

class Reader {
 public:
  explicit Reader(const JsonLimits& bounds) : bounds_(bounds) {}

  bool message(const element& value, const TypePlan& plan, const FieldPath& at, Message& out) {
    simdjson::dom::object object;
    if (value.get_object().get(object) != simdjson::SUCCESS) {
      return fail("'" + at.text() + "' is " + shown_json(value) + ": it must be an object");
    }
    const Reflection& reflection = *plan.reflection;
    std::uint64_t seen = 0;
    std::size_t next = 0;
    for (const simdjson::dom::key_value_pair member : object) {
      if (!count()) return false;
      const std::size_t index = plan.find(member.key, next);
      if (index == plan.fields.size()) {
        if (bounds_.strict) return unknown(member.key, plan, at);
        if (!count_below(member.value)) return false;
        continue;
      }
      next = index + 1;
      const FieldPlan& field = plan.fields[index];
      const FieldPath here = at.at(field.field->name());
      const std::uint64_t bit = std::uint64_t{1} << index;
      if ((seen & bit) != 0) return fail("'" + here.text() + "' is given twice");
      seen |= bit;
      if (member.value.is_null()) continue;
      if (!this->field(member.value, field, here, reflection, out)) return false;
    }
    return true;
  }

  // What was wrong, after a false.
  const Error& error() const { return error_; }

 private:
  bool fail(std::string message) {
    error_ = invalid(std::move(message));
    return false;
  }

  bool unknown(std::string_view name, const TypePlan& plan, const FieldPath& at) {
    std::string known;
    for (const FieldPlan& field : plan.fields) {
      known += (known.empty() ? "" : ", ") + field.field->name();
    }
    const std::string inside = at.text().empty() ? "" : " in '" + at.text() + "'";
    return fail(shown(name) + " is not known here" + inside + ": known are " + known);
  }

  bool count() {
    if (++elements_ <= bounds_.elements) return true;
    error_ = {ErrorCode::too_large, "more than " + std::to_string(bounds_.elements) + " values"};
    return false;
  }

  // Values under unknown names count too: they cost memory all the same.
  bool count_below(const element& value) {
    if (value.is_array()) {
      const simdjson::dom::array array = value.get_array().value_unsafe();
      for (const element item : array) {
        if (!count()) return false;
        if (!count_below(item)) return false;
      }
    } else if (value.is_object()) {
      const simdjson::dom::object object = value.get_object().value_unsafe();
      for (const simdjson::dom::key_value_pair member : object) {
        if (!count()) return false;
        if (!count_below(member.value)) return false;
      }
    }
    return true;
  }

  bool refuse(const element& value, const FieldPlan& plan, const FieldPath& at) {
    return fail("'" + at.text() + "' is " + shown_json(value) + ": it must be " + wanted(plan));
  }

  bool field(const element& value, const FieldPlan& plan, const FieldPath& at,
             const Reflection& reflection, Message& out) {
    if (plan.map) return map(value, plan, at, reflection, out);
    if (plan.repeated) return list(value, plan, at, reflection, out);
    if (const auto* choice = plan.field->real_containing_oneof();
        choice != nullptr && reflection.HasOneof(out, choice)) {
      return fail("'" + at.text() + "' is given beside another choice of '" + choice->name() +
                  "': only one may be");
    }
    return single(value, plan, at, reflection, out);
  }

  bool single(const element& value, const FieldPlan& plan, const FieldPath& at,
              const Reflection& reflection, Message& out) {
    const FieldDescriptor* field = plan.field;
    switch (plan.type) {
      case FieldDescriptor::CPPTYPE_INT32:
        if (const auto n = read_integer<std::int32_t>(value)) {
          reflection.SetInt32(&out, field, *n);
          return true;
        }
        break;
      case FieldDescriptor::CPPTYPE_INT64:
        if (const auto n = read_integer<std::int64_t>(value)) {
          reflection.SetInt64(&out, field, *n);
          return true;
        }
        break;
      case FieldDescriptor::CPPTYPE_UINT32:
        if (const auto n = read_integer<std::uint32_t>(value)) {
          reflection.SetUInt32(&out, field, *n);
          return true;
        }
        break;
      case FieldDescriptor::CPPTYPE_UINT64:
        if (const auto n = read_integer<std::uint64_t>(value)) {
          reflection.SetUInt64(&out, field, *n);
          return true;
        }
        break;
      case FieldDescriptor::CPPTYPE_DOUBLE:
        if (const auto n = read_double(value)) {
          reflection.SetDouble(&out, field, *n);
          return true;
        }
        break;
      case FieldDescriptor::CPPTYPE_FLOAT:
        if (const auto n = read_double(value)) {
          reflection.SetFloat(&out, field, static_cast<float>(*n));
          return true;
        }
        break;
      case FieldDescriptor::CPPTYPE_BOOL:
        if (const auto b = read_bool(value)) {
          reflection.SetBool(&out, field, *b);
          return true;
        }
        break;
      case FieldDescriptor::CPPTYPE_ENUM: {
        if (!value.is_string()) break;
        const auto* named = enum_value(value, plan);
        if (named != nullptr) {
          reflection.SetEnum(&out, field, named);
          return true;
        }
        // A value that only newer peers know reads as unset, as in Mesos.
        if (!plan.required) return true;
        break;
      }
      case FieldDescriptor::CPPTYPE_STRING: {
        std::string text;
        if (!read_text(value, plan, text)) break;
        reflection.SetString(&out, field, std::move(text));
        return true;
      }
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return message(value, *plan.child, at, *reflection.MutableMessage(&out, field));
    }
    return refuse(value, plan, at);
  }

  bool list(const element& value, const FieldPlan& plan, const FieldPath& at,
            const Reflection& reflection, Message& out) {
    simdjson::dom::array array;
    if (value.get_array().get(array) != simdjson::SUCCESS) {
      return fail("'" + at.text() + "' is " + shown_json(value) + ": it must be an array");
    }
    int index = 0;
    for (const element item : array) {
      if (!count()) return false;
      if (!add(item, plan, at, index++, reflection, out)) return false;
    }
    return true;
  }

  bool add(const element& value, const FieldPlan& plan, const FieldPath& list_path, int index,
           const Reflection& reflection, Message& out) {
    const FieldPath at = list_path.item(index);
    const FieldDescriptor* field = plan.field;
    switch (plan.type) {
      case FieldDescriptor::CPPTYPE_INT32:
        if (const auto n = read_integer<std::int32_t>(value)) {
          reflection.AddInt32(&out, field, *n);
          return true;
        }
        break;
      case FieldDescriptor::CPPTYPE_INT64:
        if (const auto n = read_integer<std::int64_t>(value)) {
          reflection.AddInt64(&out, field, *n);
          return true;
        }
        break;
      case FieldDescriptor::CPPTYPE_UINT32:
        if (const auto n = read_integer<std::uint32_t>(value)) {
          reflection.AddUInt32(&out, field, *n);
          return true;
        }
        break;
      case FieldDescriptor::CPPTYPE_UINT64:
        if (const auto n = read_integer<std::uint64_t>(value)) {
          reflection.AddUInt64(&out, field, *n);
          return true;
        }
        break;
      case FieldDescriptor::CPPTYPE_DOUBLE:
        if (const auto n = read_double(value)) {
          reflection.AddDouble(&out, field, *n);
          return true;
        }
        break;
      case FieldDescriptor::CPPTYPE_FLOAT:
        if (const auto n = read_double(value)) {
          reflection.AddFloat(&out, field, static_cast<float>(*n));
          return true;
        }
        break;
      case FieldDescriptor::CPPTYPE_BOOL:
        if (const auto b = read_bool(value)) {
          reflection.AddBool(&out, field, *b);
          return true;
        }
        break;
      case FieldDescriptor::CPPTYPE_ENUM:
        if (!value.is_string()) break;
        if (const auto* named = enum_value(value, plan)) {
          reflection.AddEnum(&out, field, named);
          return true;
        }
        break;
      case FieldDescriptor::CPPTYPE_STRING: {
        std::string text;
        if (!read_text(value, plan, text)) break;
        reflection.AddString(&out, field, std::move(text));
        return true;
      }
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return message(value, *plan.child, at, *reflection.AddMessage(&out, field));
    }
    return refuse(value, plan, at);
  }

  bool map(const element& value, const FieldPlan& plan, const FieldPath& at,
           const Reflection& reflection, Message& out) {
    simdjson::dom::object object;
    if (value.get_object().get(object) != simdjson::SUCCESS) {
      return fail("'" + at.text() + "' is " + shown_json(value) + ": it must be an object");
    }
    const FieldPlan& key = plan.child->fields[0];
    const FieldPlan& content = plan.child->fields[1];
    std::vector<std::string_view> keys;
    for (const simdjson::dom::key_value_pair member : object) {
      if (!count()) return false;
      const FieldPath here = at.at(member.key);
      if (member.value.is_null()) continue;
      keys.push_back(member.key);
      Message& entry = *reflection.AddMessage(&out, plan.field);
      const Reflection& entry_reflection = *plan.child->reflection;
      entry_reflection.SetString(&entry, key.field, std::string(member.key));
      if (!single(member.value, content, here, entry_reflection, entry)) return false;
    }
    std::sort(keys.begin(), keys.end());
    const auto twice = std::adjacent_find(keys.begin(), keys.end());
    if (twice != keys.end()) return fail("'" + at.text() + "' has " + shown(*twice) + " twice");
    return true;
  }

  static const google::protobuf::EnumValueDescriptor* enum_value(const element& value,
                                                                 const FieldPlan& plan) {
    const std::string_view name = value.get_string().value_unsafe();
    const auto it = plan.values.by_name.find(name);
    return it == plan.values.by_name.end() ? nullptr : it->second;
  }

  static bool read_text(const element& value, const FieldPlan& plan, std::string& out) {
    if (!value.is_string()) return false;
    const std::string_view text = value.get_string().value_unsafe();
    if (plan.bytes) return decode_base64(text, out);
    out.assign(text);
    return true;
  }

  const JsonLimits& bounds_;
  std::size_t elements_ = 0;
  Error error_;
};

// Line and text at which a parser gave up, as far as it can be told from outside.
Status syntax_error(std::string_view text, simdjson::error_code code, const JsonLimits& bounds) {
  if (code == simdjson::DEPTH_ERROR) {
    return Error{ErrorCode::invalid, "Failed to parse body into JSON: nested deeper than " +
                                         std::to_string(bounds.depth) + " levels"};
  }
  if (code == simdjson::EMPTY) {
    return invalid("Failed to parse body into JSON: syntax error at line 1 near: ");
  }
  if (code == simdjson::UTF8_ERROR || !is_utf8(text)) {
    return invalid("Failed to parse body into JSON: it is not UTF-8");
  }
  return invalid(std::string("Failed to parse body into JSON: syntax error: ") +
                 simdjson::error_message(code));
}

// Reused per thread for texts of everyday size, so that idle threads hold little memory.
constexpr std::size_t kEverydayBytes = 32u << 10;

}  // namespace

Status from_json(std::string_view text, Message& message, const JsonLimits& bounds) {
  message.Clear();
  if (text.size() > bounds.bytes) {
    return Error{ErrorCode::too_large,
                 "Failed to parse body into JSON: " + std::to_string(text.size()) +
                     " bytes: at most " + std::to_string(bounds.bytes)};
  }
  thread_local simdjson::dom::parser everyday;
  simdjson::dom::parser large;
  simdjson::dom::parser& parser = text.size() <= kEverydayBytes ? everyday : large;
  if (parser.capacity() < text.size() || parser.max_depth() != bounds.depth) {
    const std::size_t capacity = text.size() <= kEverydayBytes ? kEverydayBytes : text.size();
    if (parser.allocate(capacity, bounds.depth) != simdjson::SUCCESS) {
      return Error{ErrorCode::full, "no memory to parse " + std::to_string(text.size()) + " bytes"};
    }
  }
  element root;
  if (const auto code = parser.parse(text.data(), text.size()).get(root);
      code != simdjson::SUCCESS) {
    return syntax_error(text, code, bounds);
  }
  const auto refuse = [&](ErrorCode code, const std::string& why) {
    if (bounds.strict) return Error{code, why};
    return Error{code, "Failed to convert JSON into " + message.GetDescriptor()->name() +
                           " protobuf: " + why};
  };
  if (!root.is_object()) return refuse(ErrorCode::invalid, "Expecting a JSON object");
  Reader reader(bounds);
  if (!reader.message(root, plan_of(*message.GetDescriptor()), "", message)) {
    return refuse(reader.error().code, reader.error().message);
  }
  if (!message.IsInitialized()) {
    return refuse(ErrorCode::invalid,
                  "Missing required fields: " + message.InitializationErrorString());
  }
  return {};
}

}  // namespace bourse::codec
