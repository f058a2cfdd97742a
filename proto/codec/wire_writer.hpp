// WireWriter: protobuf's bytes, written field by field without a message object in between, for the
// few messages that a master writes ten thousand times a second. Whoever uses it keeps the fields
// in ascending order, as protobuf does; tests hold the bytes against protobuf's own. One owner, one
// thread; keeps its memory from one message to the next.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

namespace bourse::codec {

class WireWriter {
 public:
  std::string_view bytes() const { return {buffer_.data(), size_}; }
  // Forgets what was written; gives memory back that one large message made it take.
  void clear() {
    size_ = 0;
    if (buffer_.size() > kKeepBytes) buffer_ = std::vector<char>(kKeepBytes);
  }

  void number(std::uint32_t field, std::uint64_t value) {
    char* at = room(2 * kMostDigits);
    finish(put(put(at, field << 3), value));
  }
  // A number of fixed size: 4 or 8 bytes.
  template <typename Fixed>
  void fixed(std::uint32_t field, Fixed value) {
    static_assert(sizeof value == 4 || sizeof value == 8);
    char* at = put(room(kMostDigits + sizeof value), field << 3 | (sizeof value == 4 ? 5 : 1));
    std::memcpy(at, &value, sizeof value);
    finish(at + sizeof value);
  }
  void text(std::uint32_t field, std::string_view value) {
    char* at = put(put(room(2 * kMostDigits + value.size()), field << 3 | 2), value.size());
    if (!value.empty()) std::memcpy(at, value.data(), value.size());
    finish(at + value.size());
  }
  // Fields that were written before.
  void raw(std::string_view fields) {
    char* at = room(fields.size());
    if (!fields.empty()) std::memcpy(at, fields.data(), fields.size());
    finish(at + fields.size());
  }
  // A message with one string, as every id is.
  void id(std::uint32_t field, std::string_view value) {
    message(field, [&] { text(1, value); });
  }
  // A message whose fields `body` writes.
  template <typename Body>
  void message(std::uint32_t field, Body&& body) {
    finish(put(room(kMostDigits), field << 3 | 2) + 1);  // one digit is kept free for the length
    const std::size_t begin = size_;
    std::forward<Body>(body)();
    close(begin);
  }

 private:
  static constexpr std::size_t kMostDigits = 10;
  static constexpr std::size_t kKeepBytes = 256u << 10;

  // Room for so many more bytes; where they go.
  char* room(std::size_t more) {
    if (buffer_.size() - size_ < more) buffer_.resize(2 * buffer_.size() + more);
    return buffer_.data() + size_;
  }
  void finish(const char* end) { size_ = static_cast<std::size_t>(end - buffer_.data()); }
  static char* put(char* at, std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) *at++ = static_cast<char>(0x80 | (value & 0x7f));
    *at++ = static_cast<char>(value);
    return at;
  }
  // Writes the length of what began there; long ones push it on by the digits they need.
  void close(std::size_t begin) {
    char digits[kMostDigits];
    const auto count = static_cast<std::size_t>(put(digits, size_ - begin) - digits);
    if (count > 1) {
      room(count - 1);
      std::memmove(buffer_.data() + begin + count - 1, buffer_.data() + begin, size_ - begin);
      size_ += count - 1;
    }
    std::memcpy(buffer_.data() + begin - 1, digits, count);
  }

  std::vector<char> buffer_;
  std::size_t size_ = 0;
};

}  // namespace bourse::codec
