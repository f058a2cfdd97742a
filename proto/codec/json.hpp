// Mesos-flavoured JSON: any protobuf message of ours as one line of JSON text, and back.
//
// Out: fields in declaration order under their snake_case names; 64-bit integers as numbers, bytes
// in base64, enums by name, doubles always with a fraction or exponent, fields with a declared
// default even when unset (unless deprecated). In: null means unset, unknown fields are ignored
// (unless strict), numbers and booleans are also accepted inside strings, missing required fields
// are refused.
//
// Limits (model/limits.hpp): bytes, depth, number of values. Refused with a sentence that names the
// field's path: wrong types, numbers out of range, NaN, duplicate keys, text that is not UTF-8 or
// has half a surrogate pair. Any thread; no state but caches.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "model/limits.hpp"

namespace google::protobuf {
class Message;
}

namespace bourse::codec {

struct JsonLimits {
  std::size_t bytes = limits::kMaxCallBytes;
  std::size_t depth = limits::kMaxJsonDepth;
  std::size_t elements = limits::kMaxJsonElements;
  // For documents of our own: a name that is not known is a slip of the pen and is refused, and
  // errors speak of fields alone.
  bool strict = false;
};

// Appends `message` to `out`. Text that is not UTF-8 is written with U+FFFD in its place, so that
// the output is always valid JSON.
void write_json(const google::protobuf::Message& message, std::string& out);
std::string to_json(const google::protobuf::Message& message);

// Appends a JSON string with its quotes: for those who compose answers from written fragments.
void write_json_string(std::string_view text, std::string& out);
// Appends a double as this dialect writes it (4.0, 0.5, "Infinity").
void write_json_double(double value, std::string& out);

// Replaces the content of `message`. On an error its content is unspecified.
Status from_json(std::string_view text, google::protobuf::Message& message,
                 const JsonLimits& limits = {});

}  // namespace bourse::codec
