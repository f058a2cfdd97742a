// JsonText: JSON written piece by piece at the end of a string, which is whole again when this
// goes. The string is made longer than what was written, so that most pieces cost a few stores and
// no call. Private to the codec; one owner, one thread.
#pragma once

#include <bit>
#include <charconv>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <string>
#include <string_view>

namespace bourse::codec {

class JsonText {
 public:
  // `guess`: how many bytes will be written, more or less.
  explicit JsonText(std::string& out, std::size_t guess = 128)
      : out_(out), begin_(out.size()), size_(begin_) {
    out_.resize(size_ + guess);
  }
  ~JsonText() { out_.resize(size_); }
  JsonText(const JsonText&) = delete;
  JsonText& operator=(const JsonText&) = delete;

  // Bytes as they stand.
  void raw(std::string_view bytes) {
    char* at = room(bytes.size());
    if (!bytes.empty()) std::memcpy(at, bytes.data(), bytes.size());
    size_ += bytes.size();
  }
  template <std::size_t kSize>
  void literal(const char (&bytes)[kSize]) {
    std::memcpy(room(kSize), bytes, kSize);
    size_ += kSize - 1;
  }
  void put(char c) {
    *room(1) = c;
    ++size_;
  }

  template <std::integral Number>
  void integer(Number value) {
    char* at = room(kMostDigits);
    size_ += static_cast<std::size_t>(std::to_chars(at, at + kMostDigits, value).ptr - at);
  }
  // As this dialect writes doubles (4.0, 0.5, "Infinity").
  void real(double value);
  // The same for a number of thousandths.
  void milli(std::int64_t value);

  // With quotes and escapes; bytes that are not UTF-8 become U+FFFD.
  void string(std::string_view text) {
    char* const begin = room(text.size() + 2 + kWord);
    char* at = begin;
    *at++ = '"';
    std::size_t done = 0;
    for (; done + kWord <= text.size(); done += kWord) {
      const std::uint64_t word = load(text.data() + done);
      if (needs_care(word)) return careful(text);
      std::memcpy(at + done, &word, kWord);
    }
    if (done < text.size()) {
      const std::uint64_t word = load_tail(text.data() + done, text.size() - done);
      if (needs_care(word)) return careful(text);
      std::memcpy(at + done, &word, kWord);
    }
    at += text.size();
    *at++ = '"';
    size_ += static_cast<std::size_t>(at - begin);
  }
  // In base64, with quotes.
  void base64(std::string_view bytes);

 private:
  static constexpr std::size_t kWord = 8;
  static constexpr std::size_t kMostDigits = 24;
  static constexpr std::uint64_t kOnes = 0x0101010101010101;
  static constexpr std::uint64_t kTops = 0x8080808080808080;

  // Room for so many more bytes; where they go.
  char* room(std::size_t more) {
    if (out_.size() - size_ < more) [[unlikely]]
      grow(more);
    return out_.data() + size_;
  }
  void grow(std::size_t more);

  static_assert(std::endian::native == std::endian::little);
  static std::uint64_t load(const char* bytes) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes, kWord);
    return word;
  }
  // 1 to 7 bytes, with spaces after them. Whole pieces that overlap: no call.
  static std::uint64_t load_tail(const char* bytes, std::size_t count) {
    std::uint64_t word = std::uint64_t{0x2020202020202020} << 8 * count;
    if (count >= 4) {
      std::uint32_t first = 0, last = 0;
      std::memcpy(&first, bytes, 4);
      std::memcpy(&last, bytes + count - 4, 4);
      return word | first | static_cast<std::uint64_t>(last) << 8 * (count - 4);
    }
    for (const std::size_t i : {std::size_t{0}, count / 2, count - 1}) {
      word |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << 8 * i;
    }
    return word;
  }
  // Whether any of eight bytes does not stand for itself: control characters, quotes, backslashes,
  // bytes above 127.
  static bool needs_care(std::uint64_t word) {
    const std::uint64_t quotes = word ^ kOnes * '"';
    const std::uint64_t slashes = word ^ kOnes * '\\';
    const std::uint64_t found = ((word - kOnes * 0x20) & ~word) | ((quotes - kOnes) & ~quotes) |
                                ((slashes - kOnes) & ~slashes) | word;
    return (found & kTops) != 0;
  }
  void careful(std::string_view text);

  std::string& out_;
  const std::size_t begin_;
  std::size_t size_;  // of what was written; the rest of out_ is room
};

}  // namespace bourse::codec
