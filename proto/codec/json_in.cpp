// The reading half of json.hpp. The text is parsed as a whole by simdjson (which checks syntax,
// UTF-8, surrogates and depth), then walked along the message type and written as protobuf's bytes,
// which the message's own generated code reads: setting each field by reflection took longer than
// everything else.

#include <google/protobuf/message.h>
#include <simdjson.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>
#include <vector>

#include "proto/codec/field_path.hpp"
#include "proto/codec/json.hpp"
#include "proto/codec/json_plan.hpp"
#include "proto/codec/json_scalar.hpp"
#include "proto/codec/text_check.hpp"
#include "proto/codec/wire_writer.hpp"

namespace bourse::codec {

namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

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
  Reader(const JsonLimits& bounds, WireWriter& out) : bounds_(bounds), out_(out) { out_.clear(); }

  bool message(const element& value, const TypePlan& plan, const FieldPath& at) {
    simdjson::dom::object object;
    if (value.get_object().get(object) != simdjson::SUCCESS) return refuse(value, at, "an object");
    std::uint64_t seen = 0;
    std::uint32_t chosen = 0;
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
      const FieldPath here = at.at(plan.names[index]);
      const std::uint64_t bit = std::uint64_t{1} << index;
      if ((seen & bit) != 0) return twice(here);
      seen |= bit;
      if (member.value.is_null()) continue;
      if (!this->field(member.value, field, here, chosen)) return false;
    }
    return true;
  }

  // The message in protobuf's bytes, after a true.
  std::string_view bytes() const { return out_.bytes(); }
  // What was wrong, after a false.
  const Error& error() const { return error_; }

 private:
  bool fail(std::string message) {
    error_ = invalid(std::move(message));
    return false;
  }

  // Sentences are made out of the way: what is right should not have to step around them.
  [[gnu::cold, gnu::noinline]] bool refuse(const element& value, const FieldPath& at,
                                           const char* right) {
    return fail("'" + at.text() + "' is " + shown_json(value) + ": it must be " + right);
  }

  [[gnu::cold, gnu::noinline]] bool twice(const FieldPath& at) {
    return fail("'" + at.text() + "' is given twice");
  }

  [[gnu::cold, gnu::noinline]] bool beside(const FieldPlan& plan, const FieldPath& at) {
    return fail("'" + at.text() + "' is given beside another choice of '" +
                plan.field->real_containing_oneof()->name() + "': only one may be");
  }

  [[gnu::cold, gnu::noinline]] bool unknown(std::string_view name, const TypePlan& plan,
                                            const FieldPath& at) {
    std::string known;
    for (const FieldPlan& field : plan.fields) {
      known += (known.empty() ? "" : ", ") + field.field->name();
    }
    const std::string inside = at.text().empty() ? "" : " in '" + at.text() + "'";
    return fail(shown(name) + " is not known here" + inside + ": known are " + known);
  }

  bool count() { return ++elements_ <= bounds_.elements || too_many(); }

  [[gnu::cold, gnu::noinline]] bool too_many() {
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

  bool field(const element& value, const FieldPlan& plan, const FieldPath& at,
             std::uint32_t& chosen) {
    if (plan.map) return map(value, plan, at);
    if (plan.repeated) return list(value, plan, at);
    if ((chosen & plan.choice) != 0) return beside(plan, at);
    chosen |= plan.choice;
    if (plan.type == FieldDescriptor::CPPTYPE_ENUM && !plan.required && value.is_string() &&
        enum_value(value, plan) == nullptr) {
      // A value that only newer peers know reads as unset, as in Mesos.
      chosen &= ~plan.choice;
      return true;
    }
    return single(value, plan, at);
  }

  bool single(const element& value, const FieldPlan& plan, const FieldPath& at) {
    switch (plan.type) {
      case FieldDescriptor::CPPTYPE_INT32:
        if (const auto n = read_integer<std::int32_t>(value)) return signed_number(*n, plan);
        break;
      case FieldDescriptor::CPPTYPE_INT64:
        if (const auto n = read_integer<std::int64_t>(value)) return signed_number(*n, plan);
        break;
      case FieldDescriptor::CPPTYPE_UINT32:
        if (const auto n = read_integer<std::uint32_t>(value)) return number(*n, plan);
        break;
      case FieldDescriptor::CPPTYPE_UINT64:
        if (const auto n = read_integer<std::uint64_t>(value)) return number(*n, plan);
        break;
      case FieldDescriptor::CPPTYPE_DOUBLE:
        if (const auto n = read_double(value)) {
          out_.fixed(plan.number, *n);
          return true;
        }
        break;
      case FieldDescriptor::CPPTYPE_FLOAT:
        if (const auto n = read_double(value)) {
          out_.fixed(plan.number, static_cast<float>(*n));
          return true;
        }
        break;
      case FieldDescriptor::CPPTYPE_BOOL:
        if (const auto b = read_bool(value)) return number(*b ? 1 : 0, plan);
        break;
      case FieldDescriptor::CPPTYPE_ENUM:
        if (!value.is_string()) break;
        if (const int* known = enum_value(value, plan)) return signed_number(*known, plan);
        break;
      case FieldDescriptor::CPPTYPE_STRING:
        if (text(value, plan)) return true;
        break;
      case FieldDescriptor::CPPTYPE_MESSAGE: {
        bool ok = false;
        out_.message(plan.number, [&] { ok = message(value, *plan.child, at); });
        return ok;
      }
    }
    return refuse(value, at, wanted(plan));
  }

  bool number(std::uint64_t value, const FieldPlan& plan) {
    switch (plan.form) {
      case WireForm::varint:
      case WireForm::zigzag:
        out_.number(plan.number, value);
        break;
      case WireForm::fixed32:
        out_.fixed(plan.number, static_cast<std::uint32_t>(value));
        break;
      case WireForm::fixed64:
        out_.fixed(plan.number, value);
        break;
    }
    return true;
  }

  bool signed_number(std::int64_t value, const FieldPlan& plan) {
    const auto bits = static_cast<std::uint64_t>(value);
    if (plan.form != WireForm::zigzag) return number(bits, plan);
    return number(bits << 1 ^ static_cast<std::uint64_t>(value >> 63), plan);
  }

  bool text(const element& value, const FieldPlan& plan) {
    if (!value.is_string()) return false;
    const std::string_view content = value.get_string().value_unsafe();
    if (!plan.bytes) {
      out_.text(plan.number, content);
      return true;
    }
    if (!decode_base64(content, decoded_)) return false;
    out_.text(plan.number, decoded_);
    return true;
  }

  bool list(const element& value, const FieldPlan& plan, const FieldPath& at) {
    simdjson::dom::array array;
    if (value.get_array().get(array) != simdjson::SUCCESS) return refuse(value, at, "an array");
    int index = 0;
    for (const element item : array) {
      if (!count()) return false;
      if (!single(item, plan, at.item(index++))) return false;
    }
    return true;
  }

  bool map(const element& value, const FieldPlan& plan, const FieldPath& at) {
    simdjson::dom::object object;
    if (value.get_object().get(object) != simdjson::SUCCESS) return refuse(value, at, "an object");
    const FieldPlan& key = plan.child->fields[0];
    const FieldPlan& content = plan.child->fields[1];
    std::vector<std::string_view> keys;
    for (const simdjson::dom::key_value_pair member : object) {
      if (!count()) return false;
      const FieldPath here = at.at(member.key);
      if (member.value.is_null()) continue;
      keys.push_back(member.key);
      bool ok = false;
      std::uint32_t chosen = 0;
      out_.message(plan.number, [&] {
        out_.text(key.number, member.key);
        ok = field(member.value, content, here, chosen);
      });
      if (!ok) return false;
    }
    std::sort(keys.begin(), keys.end());
    const auto again = std::adjacent_find(keys.begin(), keys.end());
    if (again != keys.end()) return fail("'" + at.text() + "' has " + shown(*again) + " twice");
    return true;
  }

  static const int* enum_value(const element& value, const FieldPlan& plan) {
    const std::string_view name = value.get_string().value_unsafe();
    for (const auto& [known, number] : plan.values.by_name) {
      if (same_text(known, name)) return &number;
    }
    return nullptr;
  }

  const JsonLimits& bounds_;
  WireWriter& out_;
  std::string decoded_;  // of the last bytes that came in base64
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

// simdjson reads beyond the end of a text: it gets a copy that has room there.
simdjson::simdjson_result<element> parse(std::string_view text, simdjson::dom::parser& parser) {
  if (text.size() > kEverydayBytes) return parser.parse(text.data(), text.size());
  thread_local const auto everyday =
      std::make_unique<char[]>(kEverydayBytes + simdjson::SIMDJSON_PADDING);
  if (!text.empty()) std::memcpy(everyday.get(), text.data(), text.size());
  return parser.parse(everyday.get(), text.size(), false);
}

}  // namespace

Status from_json(std::string_view text, Message& message, const JsonLimits& bounds) {
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
  if (const auto code = parse(text, parser).get(root); code != simdjson::SUCCESS) {
    return syntax_error(text, code, bounds);
  }
  const auto refuse = [&](ErrorCode code, const std::string& why) {
    if (bounds.strict) return Error{code, why};
    return Error{code, "Failed to convert JSON into " + message.GetDescriptor()->name() +
                           " protobuf: " + why};
  };
  if (!root.is_object()) return refuse(ErrorCode::invalid, "Expecting a JSON object");
  thread_local WireWriter everyday_bytes;
  WireWriter large_bytes;
  Reader reader(bounds, text.size() <= kEverydayBytes ? everyday_bytes : large_bytes);
  if (!reader.message(root, plan_of(*message.GetDescriptor()), "")) {
    return refuse(reader.error().code, reader.error().message);
  }
  // Fails for more than an int counts, and for messages deeper than protobuf's own 100.
  const std::string_view bytes = reader.bytes();
  if (bytes.size() > std::numeric_limits<int>::max() ||
      !message.ParsePartialFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return refuse(ErrorCode::too_large, "it is more than a message holds");
  }
  if (!message.IsInitialized()) {
    return refuse(ErrorCode::invalid,
                  "Missing required fields: " + message.InitializationErrorString());
  }
  return {};
}

}  // namespace bourse::codec
