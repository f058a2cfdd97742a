#include "coordination/core/names.hpp"

#include <algorithm>
#include <charconv>

namespace bourse::coordination {

namespace {

constexpr std::size_t kSequenceDigits = 10;
constexpr std::size_t kShardDigits = 4;

template <typename Number>
std::optional<Number> parse(std::string_view digits) {
  Number value{};
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

}  // namespace

Status check_path(std::string_view path) {
  const auto wrong = [&](const char* why) {
    return invalid("path: '" + std::string(path) + "' " + why + ": give one like /bourse");
  };
  if (path.empty() || path.front() != '/') return wrong("does not start with '/'");
  if (path == "/") return wrong("is the root, which clients may share with others");
  std::string_view rest = path;
  while (!rest.empty()) {
    rest.remove_prefix(1);
    const std::size_t end = std::min(rest.find('/'), rest.size());
    const std::string_view part = rest.substr(0, end);
    if (part.empty()) return wrong("has an empty part");
    if (part == "." || part == "..") return wrong("has a part that means another place");
    for (const char c : part) {
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
        return wrong("has an unprintable byte");
    }
    rest.remove_prefix(end);
  }
  return {};
}

std::string candidate_prefix_path(const std::string& path) {
  return path + "/" + std::string(kCandidatePrefix);
}
std::string candidate_path(const std::string& path, const std::string& name) {
  return path + "/" + name;
}
std::string base_path(const std::string& path) {
  return path + ".bourse";
}
std::string epoch_path(const std::string& path) {
  return base_path(path) + "/epoch";
}
std::string registry_path(const std::string& path) {
  return base_path(path) + "/registry";
}
std::string shards_path(const std::string& path) {
  return base_path(path) + "/shards";
}
std::string shard_path(const std::string& path, std::uint32_t shard) {
  std::string digits = std::to_string(shard);
  if (digits.size() < kShardDigits) digits.insert(0, kShardDigits - digits.size(), '0');
  return shards_path(path) + "/" + digits;
}

std::optional<std::uint32_t> shard_number(std::string_view name) {
  if (name.size() != kShardDigits) return std::nullopt;
  return parse<std::uint32_t>(name);
}

std::optional<std::int32_t> sequence_of(std::string_view name) {
  if (!name.starts_with(kCandidatePrefix)) return std::nullopt;
  name.remove_prefix(kCandidatePrefix.size());
  // Ten digits; past 2^31 the server counts on from the negative end, and its sign takes a place.
  const bool longest = name.size() == kSequenceDigits + 1 && name.starts_with('-');
  if (name.size() != kSequenceDigits && !longest) return std::nullopt;
  return parse<std::int32_t>(name);
}

bool stood_before(std::int32_t a, std::int32_t b) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(a) - static_cast<std::uint32_t>(b)) <
         0;
}

std::vector<std::string> with_parents(const std::string& path) {
  std::vector<std::string> out;
  for (std::size_t at = path.find('/', 1); at != std::string::npos; at = path.find('/', at + 1)) {
    out.push_back(path.substr(0, at));
  }
  out.push_back(path);
  return out;
}

}  // namespace bourse::coordination
