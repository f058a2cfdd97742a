// What the JSON writer and reader know about a message type, worked out once per type: the fields
// in declaration order with their quoted names, and how to find one by name. Private to the codec.
// Plans live as long as the process; any thread.
#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace bourse::codec {

struct TypePlan;

// Equality of short texts without a call.
inline bool same_text(std::string_view a, std::string_view b) {
  const std::size_t size = a.size();
  if (size != b.size()) return false;
  const auto differ = [&]<typename Word>(std::size_t at, Word x) {
    Word y = x;
    std::memcpy(&x, a.data() + at, sizeof x);
    std::memcpy(&y, b.data() + at, sizeof y);
    return x != y;
  };
  if (size >= 8) {
    for (std::size_t at = 0; at + 8 < size; at += 8) {
      if (differ(at, std::uint64_t{})) return false;
    }
    return !differ(size - 8, std::uint64_t{});
  }
  if (size >= 4) return !differ(0, std::uint32_t{}) && !differ(size - 4, std::uint32_t{});
  for (std::size_t at = 0; at < size; ++at) {
    if (a[at] != b[at]) return false;
  }
  return true;
}

// The values of an enum by number and by name.
struct EnumPlan {
  std::vector<std::pair<std::string_view, int>> by_name;
  std::unordered_map<int, std::string> quoted;  // "NAME" with its quotes
};

// How protobuf's bytes have a number.
enum class WireForm : std::uint8_t { varint, zigzag, fixed32, fixed64 };

struct FieldPlan {
  const google::protobuf::FieldDescriptor* field = nullptr;
  std::string key;  // ,"name": ready to append; the first of an object without its comma
  google::protobuf::FieldDescriptor::CppType type{};
  std::uint32_t number = 0;
  WireForm form = WireForm::varint;
  const TypePlan* child = nullptr;  // of a message; of a map's entry
  EnumPlan values;                  // of an enum
  std::uint32_t choice = 0;         // of a oneof: a bit that its other members have too
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
  std::vector<std::string_view> names;  // of the fields

  // Index of a field, fields.size() if there is none. Senders mostly keep the declared order, so
  // the search begins after the last one found; lengths tell most names apart.
  std::size_t find(std::string_view name, std::size_t hint) const {
    for (std::size_t i = hint; i < names.size(); ++i) {
      if (same_text(names[i], name)) return i;
    }
    for (std::size_t i = 0; i < hint; ++i) {
      if (same_text(names[i], name)) return i;
    }
    return names.size();
  }
};

const TypePlan& plan_of(const google::protobuf::Descriptor& type);

}  // namespace bourse::codec
