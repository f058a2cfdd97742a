// What the JSON writer and reader know about a message type, worked out once per type: the fields
// in declaration order with their quoted names, and how to find one by name. Private to the codec.
// Plans live as long as the process; any thread.
#pragma once

#include <google/protobuf/descriptor.h>

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace bourse::codec {

struct TypePlan;

struct FieldPlan {
  const google::protobuf::FieldDescriptor* field = nullptr;
  std::string key;  // "name": with its quotes and colon
  google::protobuf::FieldDescriptor::CppType type{};
  const TypePlan* child = nullptr;  // of a message; of a map's entry
  bool repeated = false;
  bool map = false;
  bool bytes = false;
  bool required = false;
  // Written even when unset: it has a declared default and is not on its way out; or it is a list
  // that readers of this message expect to find even when empty.
  bool always = false;
};

struct TypePlan {
  const google::protobuf::Descriptor* type = nullptr;
  std::vector<FieldPlan> fields;
  std::unordered_map<std::string_view, std::size_t> by_name;

  // Index of a field, fields.size() if there is none. Senders mostly keep the declared order, so
  // the field after the last one found is tried first.
  std::size_t find(std::string_view name, std::size_t hint) const {
    if (hint < fields.size() && fields[hint].field->name() == name) return hint;
    const auto it = by_name.find(name);
    return it == by_name.end() ? fields.size() : it->second;
  }
};

const TypePlan& plan_of(const google::protobuf::Descriptor& type);

}  // namespace bourse::codec
