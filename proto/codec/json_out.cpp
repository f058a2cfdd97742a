// The writing half of json.hpp.

#include <google/protobuf/message.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>

#include "proto/codec/json.hpp"
#include "proto/codec/json_plan.hpp"
#include "proto/codec/text_check.hpp"

namespace bourse::codec {

namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// For each byte: 0 when it stands for itself, 'u' for \u00XX, '8' when UTF-8 must be checked, else
// the letter after the backslash.
constexpr std::array<char, 256> make_escapes() {
  std::array<char, 256> table{};
  for (std::size_t c = 0; c < 0x20; ++c) table[c] = 'u';
  for (std::size_t c = 0x80; c < 0x100; ++c) table[c] = '8';
  table['"'] = '"';
  table['\\'] = '\\';
  table['\b'] = 'b';
  table['\f'] = 'f';
  table['\n'] = 'n';
  table['\r'] = 'r';
  table['\t'] = 't';
  return table;
}
constexpr std::array<char, 256> kEscapes = make_escapes();

template <typename Number>
void write_integer(Number value, std::string& out) {
  char text[24];
  const auto end = std::to_chars(text, text + sizeof(text), value);
  out.append(text, static_cast<std::size_t>(end.ptr - text));
}

void write_base64(std::string_view bytes, std::string& out) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  out += '"';
  std::size_t i = 0;
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(bytes[at]); };
  for (; i + 3 <= bytes.size(); i += 3) {
    const unsigned word = static_cast<unsigned>(byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2));
    const char quad[4] = {kDigits[word >> 18], kDigits[word >> 12 & 63], kDigits[word >> 6 & 63],
                          kDigits[word & 63]};
    out.append(quad, 4);
  }
  if (i + 1 == bytes.size()) {
    const unsigned word = static_cast<unsigned>(byte(i) << 16);
    const char quad[4] = {kDigits[word >> 18], kDigits[word >> 12 & 63], '=', '='};
    out.append(quad, 4);
  } else if (i + 2 == bytes.size()) {
    const unsigned word = static_cast<unsigned>(byte(i) << 16 | byte(i + 1) << 8);
    const char quad[4] = {kDigits[word >> 18], kDigits[word >> 12 & 63], kDigits[word >> 6 & 63],
                          '='};
    out.append(quad, 4);
  }
  out += '"';
}

// Strings of protobuf fields are read in place: `scratch` is only used by exotic string types.
class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}

  void message(const Message& message, const TypePlan& plan) {
    const Reflection& reflection = *plan.reflection;
    std::uint64_t left = present(message, reflection) | plan.always;
    out_ += '{';
    for (bool first = true; left != 0; left &= left - 1) {
      const FieldPlan& field = plan.fields[static_cast<std::size_t>(std::countr_zero(left))];
      const std::string_view key = field.key;
      out_ += first ? key.substr(1) : key;
      first = false;
      if (field.map) {
        map(message, reflection, field);
      } else if (field.repeated) {
        list(message, reflection, field);
      } else {
        single(message, reflection, field);
      }
    }
    out_ += '}';
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
      write_base64(value, out_);
    } else {
      write_json_string(value, out_);
    }
  }

  void single(const Message& message, const Reflection& reflection, const FieldPlan& plan) {
    const FieldDescriptor* field = plan.field;
    switch (plan.type) {
      case FieldDescriptor::CPPTYPE_INT32:
        return write_integer(reflection.GetInt32(message, field), out_);
      case FieldDescriptor::CPPTYPE_INT64:
        return write_integer(reflection.GetInt64(message, field), out_);
      case FieldDescriptor::CPPTYPE_UINT32:
        return write_integer(reflection.GetUInt32(message, field), out_);
      case FieldDescriptor::CPPTYPE_UINT64:
        return write_integer(reflection.GetUInt64(message, field), out_);
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return write_json_double(reflection.GetDouble(message, field), out_);
      case FieldDescriptor::CPPTYPE_FLOAT:
        return write_json_double(static_cast<double>(reflection.GetFloat(message, field)), out_);
      case FieldDescriptor::CPPTYPE_BOOL:
        out_ += reflection.GetBool(message, field) ? "true" : "false";
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
        return write_integer(reflection.GetRepeatedInt32(message, field, i), out_);
      case FieldDescriptor::CPPTYPE_INT64:
        return write_integer(reflection.GetRepeatedInt64(message, field, i), out_);
      case FieldDescriptor::CPPTYPE_UINT32:
        return write_integer(reflection.GetRepeatedUInt32(message, field, i), out_);
      case FieldDescriptor::CPPTYPE_UINT64:
        return write_integer(reflection.GetRepeatedUInt64(message, field, i), out_);
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return write_json_double(reflection.GetRepeatedDouble(message, field, i), out_);
      case FieldDescriptor::CPPTYPE_FLOAT:
        return write_json_double(
            static_cast<double>(reflection.GetRepeatedFloat(message, field, i)), out_);
      case FieldDescriptor::CPPTYPE_BOOL:
        out_ += reflection.GetRepeatedBool(message, field, i) ? "true" : "false";
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
    out_ += '[';
    for (int i = 0; i < size; ++i) {
      if (i > 0) out_ += ',';
      element(message, reflection, plan, i);
    }
    out_ += ']';
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
    out_ += '{';
    bool first = true;
    for (const auto& [name, entry] : entries) {
      if (!first) out_ += ',';
      first = false;
      write_json_string(name, out_);
      out_ += ':';
      single(*entry, *plan.child->reflection, value);
    }
    out_ += '}';
  }

  void name(int number, const FieldPlan& plan) {
    const auto it = plan.values.quoted.find(number);
    if (it != plan.values.quoted.end()) {
      out_ += it->second;
    } else {
      write_integer(number, out_);  // cannot happen: unknown numbers are unknown fields
    }
  }

  std::string& out_;
  std::string scratch_;
  std::vector<const FieldDescriptor*> fields_;
};

}  // namespace

void write_json_string(std::string_view text, std::string& out) {
  out += '"';
  std::size_t done = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const char escape = kEscapes[c];
    if (escape == 0) continue;
    out.append(text.data() + done, i - done);
    if (escape == '8') {
      // A run of bytes above 127, checked as a whole.
      std::size_t end = i;
      while (end < text.size() && static_cast<unsigned char>(text[end]) >= 0x80) ++end;
      append_as_utf8(text.substr(i, end - i), out);
      i = end - 1;
    } else if (escape == 'u') {
      constexpr char kHex[] = "0123456789abcdef";
      const char code[6] = {'\\', 'u', '0', '0', kHex[c >> 4], kHex[c & 15]};
      out.append(code, sizeof(code));
    } else {
      out += '\\';
      out += escape;
    }
    done = i + 1;
  }
  out.append(text.data() + done, text.size() - done);
  out += '"';
}

void write_json_double(double value, std::string& out) {
  constexpr double kExact = 9007199254740992.0;  // 2^53: whole numbers below are written as such
  if (value == std::floor(value) && std::fabs(value) < kExact) {
    if (value == 0 && std::signbit(value)) out += '-';
    write_integer(static_cast<std::int64_t>(value), out);
    out += ".0";
    return;
  }
  if (std::isnan(value)) {
    out += "\"NaN\"";
    return;
  }
  if (std::isinf(value)) {
    out += value > 0 ? "\"Infinity\"" : "\"-Infinity\"";
    return;
  }
  char text[64];
  const double size = std::fabs(value);
  const auto form = size >= 1e-5 && size < 1e17 ? std::chars_format::fixed : std::chars_format{};
  const auto end = form == std::chars_format::fixed
                       ? std::to_chars(text, text + sizeof(text), value, form)
                       : std::to_chars(text, text + sizeof(text), value);
  const std::string_view written(text, static_cast<std::size_t>(end.ptr - text));
  out += written;
  if (written.find_first_of(".e") == std::string_view::npos) out += ".0";
}

void write_json(const Message& message, std::string& out) {
  Writer(out).message(message, plan_of(*message.GetDescriptor()));
}

std::string to_json(const Message& message) {
  std::string out;
  write_json(message, out);
  return out;
}

}  // namespace bourse::codec
