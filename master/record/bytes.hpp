// ByteWriter and ByteReader: how a recording's records are made of numbers and texts. Numbers are
// varints, texts carry their length. A reader never fails loudly: what is not there reads as zero
// and ok() turns false, so a decoder checks once, at its end. Values; one owner.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace bourse::master {

class ByteWriter {
 public:
  explicit ByteWriter(std::string& out) : out_(out) {}

  void number(std::uint64_t value) {
    while (value >= 0x80) {
      out_.push_back(static_cast<char>(value | 0x80));
      value >>= 7;
    }
    out_.push_back(static_cast<char>(value));
  }
  // Small negative numbers stay short.
  void signed_number(std::int64_t value) {
    const auto bits = static_cast<std::uint64_t>(value);
    number((bits << 1) ^ (value < 0 ? ~std::uint64_t{0} : 0));
  }
  void flag(bool value) { out_.push_back(value ? '\1' : '\0'); }
  void text(std::string_view value) {
    number(value.size());
    out_.append(value);
  }
  void fixed64(std::uint64_t value) {
    for (int i = 0; i < 8; ++i) out_.push_back(static_cast<char>(value >> (8 * i)));
  }

 private:
  std::string& out_;
};

class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : left_(bytes) {}

  bool ok() const { return ok_; }
  // Everything was read and nothing was missing.
  bool done() const { return ok_ && left_.empty(); }
  std::size_t left() const { return left_.size(); }
  void fail() {
    ok_ = false;
    left_ = {};
  }

  std::uint64_t number() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (left_.empty()) break;
      const auto byte = static_cast<unsigned char>(left_.front());
      left_.remove_prefix(1);
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    fail();
    return 0;
  }
  std::int64_t signed_number() {
    const std::uint64_t bits = number();
    return static_cast<std::int64_t>((bits >> 1) ^ (~(bits & 1) + 1));
  }
  bool flag() { return number() != 0; }
  std::string_view text() {
    const std::uint64_t size = number();
    if (size > left_.size()) {
      fail();
      return {};
    }
    const std::string_view value = left_.substr(0, size);
    left_.remove_prefix(size);
    return value;
  }
  std::uint64_t fixed64() {
    if (left_.size() < 8) {
      fail();
      return 0;
    }
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < 8; ++i) {
      value |= static_cast<std::uint64_t>(static_cast<unsigned char>(left_[i])) << (8 * i);
    }
    left_.remove_prefix(8);
    return value;
  }
  // How many of something follow. None of them is shorter than a byte, so a count beyond what is
  // left is refused before anything is allocated for it.
  std::size_t count() {
    const std::uint64_t value = number();
    if (value <= left_.size()) return value;
    fail();
    return 0;
  }

 private:
  std::string_view left_;
  bool ok_ = true;
};

}  // namespace bourse::master
