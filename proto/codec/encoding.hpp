// Encoding: the two forms in which a public message travels. Value.
#pragma once

#include <cstdint>
#include <string_view>

namespace bourse::codec {

enum class Encoding : std::uint8_t { protobuf, json };

// "application/x-protobuf" or "application/json".
constexpr std::string_view media_type(Encoding encoding) {
  return encoding == Encoding::json ? "application/json" : "application/x-protobuf";
}

}  // namespace bourse::codec
