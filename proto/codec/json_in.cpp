// The reading half of json.hpp. The text is parsed as a whole by simdjson (which checks syntax,
// UTF-8, surrogates and depth), then walked along the message type.

#include <google/protobuf/message.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "proto/codec/field_path.hpp"
#include "proto/codec/json.hpp"
#include "proto/codec/json_plan.hpp"
#include "proto/codec/quantity.hpp"
#include "proto/codec/text_check.hpp"

namespace bourse::codec {

namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using simdjson::dom::element;
using simdjson::dom::element_type;

std::string shown_json(const element& value) {
  switch (value.type()) {
    case element_type::STRING:
      return shown(std::string_view(value.get_string().value_unsafe()));
    case element_type::ARRAY:
      return "an array";
    case element_type::OBJECT:
      return "an object";
    default:
      return simdjson::minify(value);
  }
}

bool decode_base64(std::string_view text, std::string& out) {
  static constexpr std::array<signed char, 256> kValues = [] {
    std::array<signed char, 256> table{};
    for (auto& entry : table) entry = -1;
    constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (int i = 0; i < 64; ++i) {
      table[static_cast<unsigned char>(kDigits[i])] = static_cast<signed char>(i);
    }
    return table;
  }();
  if (text.size() % 4 == 0) {
    if (text.size() >= 4 && text.back() == '=') text.remove_suffix(1);
    if (text.size() >= 3 && text.size() % 4 == 3 && text.back() == '=') text.remove_suffix(1);
  }
  if (text.size() % 4 == 1) return false;
  out.clear();
  out.reserve(text.size() / 4 * 3 + 2);
  unsigned word = 0;
  int bits = 0;
  for (const char c : text) {
    const signed char value = kValues[static_cast<unsigned char>(c)];
    if (value < 0) return false;
    word = (word << 6 | static_cast<unsigned>(value)) & 0xffffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out.push_back(static_cast<char>(word >> bits & 0xff));
    }
  }
  return (word & ((1u << bits) - 1)) == 0;  // leftover bits must be zero
}

// A whole number out of a number or a string that holds one.
template <typename Int>
std::optional<Int> read_integer(const element& value) {
  switch (value.type()) {
    case element_type::INT64: {
      const std::int64_t number = value.get_int64().value_unsafe();
      if (!std::in_range<Int>(number)) return std::nullopt;
      return static_cast<Int>(number);
    }
    case element_type::UINT64: {
      const std::uint64_t number = value.get_uint64().value_unsafe();
      if (!std::in_range<Int>(number)) return std::nullopt;
      return static_cast<Int>(number);
    }
    case element_type::DOUBLE: {
      const double number = value.get_double().value_unsafe();
      // 2^63 and beyond would not survive the conversion below.
      if (number != std::floor(number) || std::fabs(number) >= 9.2e18) return std::nullopt;
      const auto whole = static_cast<std::int64_t>(number);
      if (!std::in_range<Int>(whole)) return std::nullopt;
      return static_cast<Int>(whole);
    }
    case element_type::STRING: {
      const std::string_view text = value.get_string().value_unsafe();
      Int number{};
      const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
      if (end.ec != std::errc() || end.ptr != text.data() + text.size()) return std::nullopt;
      return number;
    }
    default:
      return std::nullopt;
  }
}

std::optional<double> read_double(const element& value) {
  switch (value.type()) {
    case element_type::INT64:
      return static_cast<double>(value.get_int64().value_unsafe());
    case element_type::UINT64:
      return static_cast<double>(value.get_uint64().value_unsafe());
    case element_type::DOUBLE:
      return value.get_double().value_unsafe();
    case element_type::STRING: {
      const std::string_view text = value.get_string().value_unsafe();
      if (text == "Infinity") return std::numeric_limits<double>::infinity();
      if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
      double number = 0;
      const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
      if (end.ec != std::errc() || end.ptr != text.data() + text.size()) return std::nullopt;
      if (!std::isfinite(number)) return std::nullopt;
      return number;
    }
    default:
      return std::nullopt;
  }
}

std::optional<bool> read_bool(const element& value) {
  if (value.type() == element_type::BOOL) return value.get_bool().value_unsafe();
  if (value.type() != element_type::STRING) return std::nullopt;
  const std::string_view text = value.get_string().value_unsafe();
  if (text == "true") return true;
  if (text == "false") return false;
  return std::nullopt;
}

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

  Status message(const element& value, const TypePlan& plan, const FieldPath& at, Message& out) {
    simdjson::dom::object object;
    if (value.get_object().get(object) != simdjson::SUCCESS) {
      return invalid("'" + at.text() + "' is " + shown_json(value) + ": it must be an object");
    }
    const Reflection& reflection = *out.GetReflection();
    std::array<std::uint64_t, 4> seen{};
    std::size_t next = 0;
    for (const simdjson::dom::key_value_pair member : object) {
      if (Status ok = count(); !ok) return ok;
      const std::size_t index = plan.find(member.key, next);
      if (index == plan.fields.size()) {
        if (Status ok = count_below(member.value); !ok) return ok;
        continue;
      }
      next = index + 1;
      const FieldPlan& field = plan.fields[index];
      const FieldPath here = at.at(field.field->name());
      std::uint64_t& word = seen[index / 64 % seen.size()];
      const std::uint64_t bit = std::uint64_t{1} << (index % 64);
      if ((word & bit) != 0) return invalid("'" + here.text() + "' is given twice");
      word |= bit;
      if (member.value.is_null()) continue;
      if (Status ok = this->field(member.value, field, here, reflection, out); !ok) return ok;
    }
    return {};
  }

 private:
  Status count() {
    if (++elements_ <= bounds_.elements) return {};
    return Error{ErrorCode::too_large, "more than " + std::to_string(bounds_.elements) + " values"};
  }

  // Values under unknown names count too: they cost memory all the same.
  Status count_below(const element& value) {
    if (value.is_array()) {
      const simdjson::dom::array array = value.get_array().value_unsafe();
      for (const element item : array) {
        if (Status ok = count(); !ok) return ok;
        if (Status ok = count_below(item); !ok) return ok;
      }
    } else if (value.is_object()) {
      const simdjson::dom::object object = value.get_object().value_unsafe();
      for (const simdjson::dom::key_value_pair member : object) {
        if (Status ok = count(); !ok) return ok;
        if (Status ok = count_below(member.value); !ok) return ok;
      }
    }
    return {};
  }

  Status refuse(const element& value, const FieldPlan& plan, const FieldPath& at) {
    return invalid("'" + at.text() + "' is " + shown_json(value) + ": it must be " + wanted(plan));
  }

  Status field(const element& value, const FieldPlan& plan, const FieldPath& at,
               const Reflection& reflection, Message& out) {
    if (plan.map) return map(value, plan, at, reflection, out);
    if (plan.repeated) return list(value, plan, at, reflection, out);
    if (const auto* choice = plan.field->real_containing_oneof();
        choice != nullptr && reflection.HasOneof(out, choice)) {
      return invalid("'" + at.text() + "' is given beside another choice of '" + choice->name() +
                     "': only one may be");
    }
    return single(value, plan, at, reflection, out);
  }

  Status single(const element& value, const FieldPlan& plan, const FieldPath& at,
                const Reflection& reflection, Message& out) {
    const FieldDescriptor* field = plan.field;
    switch (plan.type) {
      case FieldDescriptor::CPPTYPE_INT32:
        if (const auto n = read_integer<std::int32_t>(value)) {
          reflection.SetInt32(&out, field, *n);
          return {};
        }
        break;
      case FieldDescriptor::CPPTYPE_INT64:
        if (const auto n = read_integer<std::int64_t>(value)) {
          reflection.SetInt64(&out, field, *n);
          return {};
        }
        break;
      case FieldDescriptor::CPPTYPE_UINT32:
        if (const auto n = read_integer<std::uint32_t>(value)) {
          reflection.SetUInt32(&out, field, *n);
          return {};
        }
        break;
      case FieldDescriptor::CPPTYPE_UINT64:
        if (const auto n = read_integer<std::uint64_t>(value)) {
          reflection.SetUInt64(&out, field, *n);
          return {};
        }
        break;
      case FieldDescriptor::CPPTYPE_DOUBLE:
        if (const auto n = read_double(value)) {
          reflection.SetDouble(&out, field, *n);
          return {};
        }
        break;
      case FieldDescriptor::CPPTYPE_FLOAT:
        if (const auto n = read_double(value)) {
          reflection.SetFloat(&out, field, static_cast<float>(*n));
          return {};
        }
        break;
      case FieldDescriptor::CPPTYPE_BOOL:
        if (const auto b = read_bool(value)) {
          reflection.SetBool(&out, field, *b);
          return {};
        }
        break;
      case FieldDescriptor::CPPTYPE_ENUM: {
        if (!value.is_string()) break;
        const auto* named = enum_value(value, plan);
        if (named != nullptr) {
          reflection.SetEnum(&out, field, named);
          return {};
        }
        // A value that only newer peers know reads as unset, as in Mesos.
        if (!plan.required) return {};
        break;
      }
      case FieldDescriptor::CPPTYPE_STRING: {
        std::string text;
        if (!read_text(value, plan, text)) break;
        reflection.SetString(&out, field, std::move(text));
        return {};
      }
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return message(value, *plan.child, at, *reflection.MutableMessage(&out, field));
    }
    return refuse(value, plan, at);
  }

  Status list(const element& value, const FieldPlan& plan, const FieldPath& at,
              const Reflection& reflection, Message& out) {
    simdjson::dom::array array;
    if (value.get_array().get(array) != simdjson::SUCCESS) {
      return invalid("'" + at.text() + "' is " + shown_json(value) + ": it must be an array");
    }
    int index = 0;
    for (const element item : array) {
      if (Status ok = count(); !ok) return ok;
      if (Status ok = add(item, plan, at, index++, reflection, out); !ok) return ok;
    }
    return {};
  }

  Status add(const element& value, const FieldPlan& plan, const FieldPath& list_path, int index,
             const Reflection& reflection, Message& out) {
    const FieldPath at = list_path.item(index);
    const FieldDescriptor* field = plan.field;
    switch (plan.type) {
      case FieldDescriptor::CPPTYPE_INT32:
        if (const auto n = read_integer<std::int32_t>(value)) {
          reflection.AddInt32(&out, field, *n);
          return {};
        }
        break;
      case FieldDescriptor::CPPTYPE_INT64:
        if (const auto n = read_integer<std::int64_t>(value)) {
          reflection.AddInt64(&out, field, *n);
          return {};
        }
        break;
      case FieldDescriptor::CPPTYPE_UINT32:
        if (const auto n = read_integer<std::uint32_t>(value)) {
          reflection.AddUInt32(&out, field, *n);
          return {};
        }
        break;
      case FieldDescriptor::CPPTYPE_UINT64:
        if (const auto n = read_integer<std::uint64_t>(value)) {
          reflection.AddUInt64(&out, field, *n);
          return {};
        }
        break;
      case FieldDescriptor::CPPTYPE_DOUBLE:
        if (const auto n = read_double(value)) {
          reflection.AddDouble(&out, field, *n);
          return {};
        }
        break;
      case FieldDescriptor::CPPTYPE_FLOAT:
        if (const auto n = read_double(value)) {
          reflection.AddFloat(&out, field, static_cast<float>(*n));
          return {};
        }
        break;
      case FieldDescriptor::CPPTYPE_BOOL:
        if (const auto b = read_bool(value)) {
          reflection.AddBool(&out, field, *b);
          return {};
        }
        break;
      case FieldDescriptor::CPPTYPE_ENUM:
        if (!value.is_string()) break;
        if (const auto* named = enum_value(value, plan)) {
          reflection.AddEnum(&out, field, named);
          return {};
        }
        break;
      case FieldDescriptor::CPPTYPE_STRING: {
        std::string text;
        if (!read_text(value, plan, text)) break;
        reflection.AddString(&out, field, std::move(text));
        return {};
      }
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return message(value, *plan.child, at, *reflection.AddMessage(&out, field));
    }
    return refuse(value, plan, at);
  }

  Status map(const element& value, const FieldPlan& plan, const FieldPath& at,
             const Reflection& reflection, Message& out) {
    simdjson::dom::object object;
    if (value.get_object().get(object) != simdjson::SUCCESS) {
      return invalid("'" + at.text() + "' is " + shown_json(value) + ": it must be an object");
    }
    const FieldPlan& key = plan.child->fields[0];
    const FieldPlan& content = plan.child->fields[1];
    std::vector<std::string_view> keys;
    for (const simdjson::dom::key_value_pair member : object) {
      if (Status ok = count(); !ok) return ok;
      const FieldPath here = at.at(member.key);
      if (member.value.is_null()) continue;
      keys.push_back(member.key);
      Message& entry = *reflection.AddMessage(&out, plan.field);
      const Reflection& entry_reflection = *entry.GetReflection();
      entry_reflection.SetString(&entry, key.field, std::string(member.key));
      if (Status ok = single(member.value, content, here, entry_reflection, entry); !ok) return ok;
    }
    std::sort(keys.begin(), keys.end());
    const auto twice = std::adjacent_find(keys.begin(), keys.end());
    if (twice != keys.end()) return invalid("'" + at.text() + "' has " + shown(*twice) + " twice");
    return {};
  }

  static const google::protobuf::EnumValueDescriptor* enum_value(const element& value,
                                                                 const FieldPlan& plan) {
    const std::string_view name = value.get_string().value_unsafe();
    return plan.field->enum_type()->FindValueByName(std::string(name));
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
};

// Line and text at which a parser gave up, as far as it can be told from outside.
Status syntax_error(std::string_view text, simdjson::error_code code, const JsonLimits& bounds) {
  if (code == simdjson::DEPTH_ERROR) {
    return Error{ErrorCode::too_large, "Failed to parse body into JSON: nested deeper than " +
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
  const std::string& name = message.GetDescriptor()->name();
  const std::string prefix = "Failed to convert JSON into " + name + " protobuf: ";
  if (!root.is_object()) return invalid(prefix + "Expecting a JSON object");
  Reader reader(bounds);
  if (Status ok = reader.message(root, plan_of(*message.GetDescriptor()), "", message); !ok) {
    return Error{ok.error().code, prefix + ok.error().message};
  }
  if (!message.IsInitialized()) {
    return invalid(prefix + "Missing required fields: " + message.InitializationErrorString());
  }
  return {};
}

}  // namespace bourse::codec
