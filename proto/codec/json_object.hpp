// JsonObject, JsonList: JSON composed field by field at the end of a string, for answers that are
// no message. One owner, one thread; end() closes it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proto/codec/json.hpp"

namespace bourse::codec {

class JsonObject {
 public:
  explicit JsonObject(std::string& out) : out_(out) { out_ += '{'; }

  // Begins a field; its value is to be appended to what is returned.
  std::string& field(std::string_view name) {
    if (out_.back() != '{') out_ += ',';
    write_json_string(name, out_);
    out_ += ':';
    return out_;
  }
  void text(std::string_view name, std::string_view value) {
    write_json_string(value, field(name));
  }
  void number(std::string_view name, double value) { write_json_double(value, field(name)); }
  void whole(std::string_view name, std::int64_t value) { field(name) += std::to_string(value); }
  void boolean(std::string_view name, bool value) { field(name) += value ? "true" : "false"; }
  void raw(std::string_view name, std::string_view json) { field(name) += json; }
  void end() { out_ += '}'; }

 private:
  std::string& out_;
};

class JsonList {
 public:
  explicit JsonList(std::string& out) : out_(out) { out_ += '['; }

  // Begins an entry; its value is to be appended to what is returned.
  std::string& entry() {
    if (out_.back() != '[') out_ += ',';
    return out_;
  }
  void text(std::string_view value) { write_json_string(value, entry()); }
  void end() { out_ += ']'; }

 private:
  std::string& out_;
};

}  // namespace bourse::codec
