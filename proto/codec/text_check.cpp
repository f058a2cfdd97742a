#include "proto/codec/text_check.hpp"

#include <cstdint>
#include <cstring>

#include "model/limits.hpp"

namespace bourse::codec {

namespace {

constexpr std::size_t kShownBytes = 64;

bool is_control(unsigned char c) {
  return c < 0x20 || c == 0x7f;
}

// Length of the well-formed sequence at the start of `text`; 0 if there is none.
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  std::size_t length = 0;
  unsigned char low = 0x80, high = 0xbf;
  if (lead >= 0xc2 && lead <= 0xdf) {
    length = 2;
  } else if (lead >= 0xe0 && lead <= 0xef) {
    length = 3;
    if (lead == 0xe0) low = 0xa0;   // overlong
    if (lead == 0xed) high = 0x9f;  // surrogates
  } else if (lead >= 0xf0 && lead <= 0xf4) {
    length = 4;
    if (lead == 0xf0) low = 0x90;
    if (lead == 0xf4) high = 0x8f;
  } else {
    return 0;
  }
  if (text.size() < length || byte(1) < low || byte(1) > high) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if (byte(i) < 0x80 || byte(i) > 0xbf) return 0;
  }
  return length;
}

}  // namespace

bool is_utf8(std::string_view text) {
  while (text.size() >= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data(), 8);
    if ((word & 0x8080808080808080ULL) != 0) break;
    text.remove_prefix(8);
  }
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

void append_as_utf8(std::string_view text, std::string& out) {
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    if (length == 0) {
      out += "\xef\xbf\xbd";
      text.remove_prefix(1);
      continue;
    }
    out.append(text.substr(0, length));
    text.remove_prefix(length);
  }
}

std::string shown(std::string_view value) {
  std::string clean;
  append_as_utf8(value.substr(0, kShownBytes), clean);
  for (char& c : clean) {
    if (is_control(static_cast<unsigned char>(c))) c = '?';
  }
  if (value.size() > kShownBytes) clean += "...";
  return "'" + clean + "'";
}

Status check_id(std::string_view id, const FieldPath& at) {
  const auto refuse = [&](const char* why) {
    return invalid("'" + at.text() + "' is " + shown(id) + ": " + why);
  };
  if (id.empty()) return refuse("an id must not be empty");
  if (id.size() > limits::kMaxIdBytes) return refuse("an id has at most 256 bytes");
  if (id == "." || id == "..") return refuse("an id must not be '.' or '..'");
  for (const char c : id) {
    if (c == '/' || is_control(static_cast<unsigned char>(c))) {
      return refuse("an id must not contain '/' or control characters");
    }
  }
  if (!is_utf8(id)) return refuse("an id must be UTF-8");
  return {};
}

Status check_text(std::string_view text, std::size_t most, const FieldPath& at) {
  if (text.size() > most) {
    return Error{ErrorCode::too_large, "'" + at.text() + "' has " + std::to_string(text.size()) +
                                           " bytes: at most " + std::to_string(most)};
  }
  if (!is_utf8(text)) {
    return invalid("'" + at.text() + "' is " + shown(text) + ": it must be UTF-8");
  }
  return {};
}

Status check_role(std::string_view role, const FieldPath& at) {
  const auto refuse = [&](const char* why) {
    return invalid("'" + at.text() + "' is " + shown(role) + ": " + why);
  };
  if (role == "*") return {};
  if (role.empty()) return refuse("a role must not be empty");
  if (role.size() > limits::kMaxRoleBytes) return refuse("a role has at most 256 bytes");
  if (!is_utf8(role)) return refuse("a role must be UTF-8");
  for (const char c : role) {
    if (c == ' ' || is_control(static_cast<unsigned char>(c))) {
      return refuse("a role must not contain white space or control characters");
    }
  }
  std::size_t depth = 0;
  for (std::string_view rest = role;; ++depth) {
    const std::size_t slash = rest.find('/');
    const std::string_view part = rest.substr(0, slash);
    if (part.empty()) return refuse("no part between '/' may be empty");
    if (part == "." || part == ".." || part == "*") {
      return refuse("no part between '/' may be '.', '..' or '*'");
    }
    if (part.front() == '-') return refuse("no part between '/' may start with '-'");
    if (slash == std::string_view::npos) break;
    rest.remove_prefix(slash + 1);
  }
  if (depth >= limits::kMaxRoleDepth) return refuse("a role has at most 16 parts");
  return {};
}

Status check_held_role(std::string_view role, const FieldPath& at) {
  return role.empty() ? Status() : check_role(role, at);
}

}  // namespace bourse::codec
