// The names of a recording's files: "<run>-<first event>.rec", in digits of equal length, so that
// they sort as they follow each other. Pure.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bourse::master {

struct SegmentName {
  std::uint64_t run = 0;
  std::uint64_t first = 0;

  auto operator<=>(const SegmentName&) const = default;
};

inline constexpr std::size_t kRunDigits = 6;
inline constexpr std::size_t kFirstDigits = 14;
inline constexpr std::string_view kSegmentSuffix = ".rec";

inline std::string segment_name(const SegmentName& name) {
  const auto padded = [](std::uint64_t value, std::size_t digits) {
    std::string text = std::to_string(value);
    return text.size() < digits ? std::string(digits - text.size(), '0') + text : text;
  };
  return padded(name.run, kRunDigits) + "-" + padded(name.first, kFirstDigits) +
         std::string(kSegmentSuffix);
}

// Nothing: the file is none of ours.
inline std::optional<SegmentName> parse_segment_name(std::string_view text) {
  if (text.size() > 64) return std::nullopt;
  SegmentName out;
  std::size_t at = 0;
  const auto number = [&](std::uint64_t& value) {
    const std::size_t begin = at;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9' && at - begin < 18; ++at) {
      value = value * 10 + static_cast<std::uint64_t>(text[at] - '0');
    }
  };
  number(out.run);
  if (at >= text.size() || text[at] != '-') return std::nullopt;
  ++at;
  number(out.first);
  // As we write it, not only as it can be read.
  if (out.run == 0 || out.first == 0 || text != segment_name(out)) return std::nullopt;
  return out;
}

}  // namespace bourse::master
