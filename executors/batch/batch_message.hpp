// Messages of a batch stream as bytes. Little-endian, one type byte first:
//   to the worker   hello{1, version, name}  item{2, id, payload}  cancel{3, id}
//   to the client   credit{4, items, bytes}  result{5, id, ok, payload}  progress{6, id, payload}
// Several travel in one transport message (proto/codec/frames.hpp). Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.hpp"

namespace bourse::batch {

inline constexpr std::uint8_t kBatchVersion = 1;

// Payloads are views into the decoded bytes.
struct Hello {
  std::uint8_t version = kBatchVersion;
  std::string_view name;  // of the client, for people
};
struct Item {
  std::uint64_t id = 0;
  std::string_view payload;
};
struct Cancel {
  std::uint64_t id = 0;
};
struct Credit {
  std::uint64_t items = 0;
  std::uint64_t bytes = 0;
};
struct ItemResult {
  std::uint64_t id = 0;
  bool ok = false;
  std::string_view payload;
};
struct Progress {
  std::uint64_t id = 0;
  std::string_view payload;
};
using BatchMessage = std::variant<Hello, Item, Cancel, Credit, ItemResult, Progress>;

void append_message(const BatchMessage& message, std::string& batch);
// Error: the type is unknown or the bytes are too few or too many for it.
Result<BatchMessage> decode_message(std::string_view frame);

}  // namespace bourse::batch
