// What the JSON writer and reader know about a message type, worked out once per type: the fields
// in declaration order with their quoted names, and how to find one by name. Private to the codec.
// Plans live as long as the process; any thread.
#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace bourse::codec {

struct TypePlan;

// The values of an enum by number and by name.
struct EnumPlan {
  std::unordered_map<std::string_view, const google::protobuf::EnumValueDescriptor*> by_name;
  std::unordered_map<int, std::string> quoted;  // "NAME" with its quotes
};

struct FieldPlan {
  const google::protobuf::FieldDescriptor* field = nullptr;
  std::string key;  // ,"name": ready to append; the first of an object without its comma
  google::protobuf::FieldDescriptor::CppType type{};
  const TypePlan* child = nullptr;  // of a message; of a map's entry
  EnumPlan values;                  // of an enum
  bool repeated = false;
  bool map = false;
  bool bytes = false;
  bool required = false;
  // Written even when unset: it has a declared default and is not on its way out; or it is a list
  // that readers of this message expect to find even when empty.
  bool always = false;
};

// No message of ours has more fields than a word has bits.
inline constexpr int kMaxFields = 64;

struct TypePlan {
  const google::protobuf::Descriptor* type = nullptr;
  const google::protobuf::Reflection* reflection = nullptr;
  std::uint64_t always = 0;  // bit i: fields[i].always
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
