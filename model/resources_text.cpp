// Resources as text: what flags and operators write, what error messages say.
#include <algorithm>
#include <charconv>
#include <cstring>

#include "model/limits.hpp"
#include "model/resources.hpp"

namespace bourse {

namespace {

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t at = text.find(separator);
    parts.push_back(trim(text.substr(0, at)));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

// Can be written down and read again: no white space, no control character, none of our signs.
bool is_plain(std::string_view word) {
  return !word.empty() && std::none_of(word.begin(), word.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte <= 0x20 || byte == 0x7f || std::strchr("()[]{}<>:;,", c) != nullptr;
  });
}

Error bad(std::string_view name, std::string_view value, std::string_view right) {
  return invalid("resource '" + std::string(name) + "': '" + std::string(value) + "' is not " +
                 std::string(right));
}

bool parse_number(std::string_view text, std::uint64_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

// "0.5" -> 500. More than three decimals are refused: they could not be honoured.
bool parse_milli(std::string_view text, std::int64_t& out) {
  const std::size_t dot = text.find('.');
  std::uint64_t whole = 0;
  if (!parse_number(text.substr(0, dot), whole)) return false;
  std::uint64_t thousandths = 0;
  if (dot != std::string_view::npos) {
    std::string digits(text.substr(dot + 1));
    if (digits.empty() || digits.size() > 3) return false;
    digits.resize(3, '0');
    if (!parse_number(digits, thousandths)) return false;
  }
  constexpr auto kMost = static_cast<std::uint64_t>(limits::kMaxScalarMilli);
  if (whole > kMost / 1000 || whole * 1000 + thousandths > kMost) return false;
  out = static_cast<std::int64_t>(whole * 1000 + thousandths);
  return true;
}

Result<IntervalSet> parse_ranges(std::string_view name, std::string_view body) {
  IntervalSet set;
  for (const std::string_view part : split(body, ',')) {
    const std::size_t dash = part.find('-');
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    const bool good = dash != std::string_view::npos &&
                      parse_number(trim(part.substr(0, dash)), begin) &&
                      parse_number(trim(part.substr(dash + 1)), end) && begin <= end;
    if (!good) return bad(name, part, "a range like 31000-32000 with the lower end first");
    if (set.intersects(IntervalSet(begin, end)))
      return bad(name, part, "disjoint from the ranges before it");
    set.add(begin, end);
    if (set.ranges().size() > limits::kMaxRangesPerResource)
      return bad(name, body, "within 4096 ranges");
  }
  return set;
}

Result<Resource> parse_value(std::string name, std::string_view value) {
  if (value.size() >= 2 && value.front() == '[' && value.back() == ']') {
    auto ranges = parse_ranges(name, value.substr(1, value.size() - 2));
    if (!ranges.ok()) return ranges.error();
    return Resource::of_ranges(std::move(name), std::move(ranges).value());
  }
  if (value.size() >= 2 && value.front() == '{' && value.back() == '}') {
    std::vector<std::string> items;
    for (const std::string_view item : split(value.substr(1, value.size() - 2), ',')) {
      if (!is_plain(item)) {
        return bad(name, value, "a set like {a,b}: no empty items, white space or brackets");
      }
      items.emplace_back(item);
    }
    return Resource::of_set(std::move(name), std::move(items));
  }
  std::int64_t milli = 0;
  if (!parse_milli(value, milli)) {
    return bad(name, value,
               "a number of at most three decimals (0.5), ranges ([1-5,8-9]) or a set ({a,b})");
  }
  return Resource::scalar(std::move(name), milli);
}

}  // namespace

std::string milli_text(std::int64_t milli) {
  std::string text = milli < 0 ? "-" : "";
  const std::uint64_t value =
      milli < 0 ? ~static_cast<std::uint64_t>(milli) + 1 : static_cast<std::uint64_t>(milli);
  text += std::to_string(value / 1000);
  if (value % 1000 == 0) return text;
  std::string decimals = std::to_string(value % 1000);
  decimals.insert(0, 3 - decimals.size(), '0');
  while (decimals.back() == '0') decimals.pop_back();
  return text + "." + decimals;
}

Result<Resources> Resources::parse(std::string_view text) {
  Resources out;
  for (const std::string_view entry : split(text, ';')) {
    if (entry.empty()) continue;
    const std::size_t colon = entry.find(':');
    if (colon == std::string_view::npos || colon == 0) {
      return bad(entry, entry, "of the form name:value");
    }
    std::string_view name = trim(entry.substr(0, colon));
    std::string_view role = "*";
    if (name.back() == ')' && name.find('(') != std::string_view::npos) {
      const std::size_t open = name.find('(');
      role = name.substr(open + 1, name.size() - open - 2);
      name = name.substr(0, open);
      if (role.empty() || name.empty()) return bad(entry, entry, "of the form name(role):value");
    }
    if (!is_plain(name)) return bad(name, entry, "named without white space and brackets");
    if (role != "*" && !is_plain(role)) {
      return bad(name, role, "a role without white space and brackets");
    }
    auto resource = parse_value(std::string(name), trim(entry.substr(colon + 1)));
    if (!resource.ok()) return resource.error();
    if (role != "*") {
      ResourceMeta meta;
      meta.reservations.push_back({Reservation::Type::statically, std::string(role), "", {}});
      resource = resource.value().with(std::move(meta));
    }
    if (out.find(resource.value()) != nullptr) return bad(name, entry, "given only once");
    out.add(resource.value());
  }
  return out;
}

std::string Resources::to_text() const {
  if (empty()) return "nothing";
  std::string text;
  for (const Resource& resource : list()) {
    if (!text.empty()) text += "; ";
    text += resource.name;
    if (resource.is_reserved()) text += "(" + std::string(resource.role()) + ")";
    if (resource.is_revocable()) text += "{REV}";
    if (resource.meta && resource.meta->disk && !resource.meta->disk->persistence_id.empty()) {
      const Disk& disk = *resource.meta->disk;
      text += "[" + disk.persistence_id + ":" + disk.volume_path + "]";
    }
    if (resource.is_shared()) text += "<SHARED>";
    text += ':';
    switch (resource.kind) {
      case Resource::Kind::scalar:
        text += milli_text(resource.scalar_milli);
        break;
      case Resource::Kind::ranges: {
        text += '[';
        for (const Interval& range : resource.ranges.ranges()) {
          if (text.back() != '[') text += ", ";
          text += std::to_string(range.begin) + "-" + std::to_string(range.end);
        }
        text += ']';
        break;
      }
      case Resource::Kind::set: {
        text += '{';
        for (const std::string& item : resource.items) {
          if (text.back() != '{') text += ", ";
          text += item;
        }
        text += '}';
        break;
      }
    }
    if (resource.copies > 1) text += "<" + std::to_string(resource.copies) + ">";
  }
  return text;
}

}  // namespace bourse
