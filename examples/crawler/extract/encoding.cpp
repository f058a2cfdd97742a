#include "examples/crawler/extract/encoding.hpp"

#include <iconv.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <optional>

namespace bourse::crawler {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr std::size_t kPrescanBytes = 4'096;

// The code points of windows-1252's bytes 0x80 to 0x9F; 0 where it has none.
constexpr std::array<std::uint16_t, 32> kWindows1252 = {
    0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0,      0x017D, 0,      0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0,      0x017E, 0x0178};

// How many bytes at the front are ASCII. Pages mostly are, so whatever converts them takes such
// runs at once.
std::size_t ascii_run(std::string_view text) {
  std::size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + at, 8);
    if ((word & 0x8080808080808080ULL) != 0) break;
  }
  while (at < text.size() && static_cast<unsigned char>(text[at]) < 0x80) ++at;
  return at;
}

bool is_ascii(std::string_view text) {
  return ascii_run(text) == text.size();
}

// The length of the well-formed sequence at the front, 0 when there is none.
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return 0;
  }
  const unsigned second = byte(1);
  if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) ||
      (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F)) {
    return 0;
  }
  return length;
}

void append_code_point(std::string& out, std::uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0U | (code >> 6));
    out += static_cast<char>(0x80U | (code & 0x3FU));
  } else {
    out += static_cast<char>(0xE0U | (code >> 12));
    out += static_cast<char>(0x80U | ((code >> 6) & 0x3FU));
    out += static_cast<char>(0x80U | (code & 0x3FU));
  }
}

std::string from_windows_1252(std::string_view body) {
  std::string out;
  out.reserve(body.size() + body.size() / 8);
  while (!body.empty()) {
    const std::size_t run = ascii_run(body);
    out += body.substr(0, run);
    body.remove_prefix(run);
    if (body.empty()) break;
    const auto byte = static_cast<unsigned char>(body.front());
    body.remove_prefix(1);
    if (byte < 0xA0 && kWindows1252[byte - 0x80U] != 0) {
      append_code_point(out, kWindows1252[byte - 0x80U]);
    } else {
      append_code_point(out, byte);
    }
  }
  return out;
}

// Every malformed piece replaced, so that whatever comes next may rely on UTF-8.
std::string with_replacements(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t run = ascii_run(text);
    out += text.substr(0, run);
    text.remove_prefix(run);
    if (text.empty()) break;
    const std::size_t length = sequence_length(text);
    out += length == 0 ? kReplacement : text.substr(0, length);
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

// Nothing when this system knows no such charset.
std::optional<std::string> converted(std::string_view body, const std::string& charset) {
  iconv_t handle = iconv_open("UTF-8", charset.c_str());
  if (handle == reinterpret_cast<iconv_t>(-1)) return std::nullopt;
  std::string out;
  std::array<char, 8'192> buffer;
  char* in = const_cast<char*>(body.data());
  std::size_t in_left = body.size();
  while (in_left > 0) {
    char* at = buffer.data();
    std::size_t out_left = buffer.size();
    const std::size_t count = iconv(handle, &in, &in_left, &at, &out_left);
    out.append(buffer.data(), buffer.size() - out_left);
    if (count == static_cast<std::size_t>(-1) && errno != E2BIG) {
      out += kReplacement;
      ++in;
      --in_left;
    }
  }
  iconv_close(handle);
  return with_replacements(out);
}

std::string lowered(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

// What follows "charset=" up to something that no charset name has; "" when there is none.
std::string charset_in(std::string_view text) {
  const std::string lower = lowered(text);
  std::size_t at = lower.find("charset=");
  if (at == std::string::npos) return "";
  at += 8;
  while (at < lower.size() && (lower[at] == '"' || lower[at] == '\'' || lower[at] == ' ')) ++at;
  const std::size_t end = lower.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_:", at);
  return lower.substr(at, end == std::string::npos ? end : end - at);
}

// What pages mean when they use the older names (as the WHATWG encoding standard has it).
std::string meant_by(const std::string& charset) {
  if (charset == "iso-8859-1" || charset == "latin1" || charset == "us-ascii" ||
      charset == "ascii" || charset == "cp1252" || charset == "iso-8859-15") {
    return charset == "iso-8859-15" ? charset : "windows-1252";
  }
  if (charset == "shift_jis" || charset == "shift-jis" || charset == "x-sjis") return "cp932";
  if (charset == "utf8") return "utf-8";
  return charset;
}

}  // namespace

bool is_valid_utf8(std::string_view text) {
  while (!text.empty()) {
    text.remove_prefix(ascii_run(text));
    if (text.empty()) break;
    const std::size_t length = sequence_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string to_utf8(std::string body, std::string_view content_type) {
  if (is_ascii(body)) return body;
  if (body.substr(0, 3) == "\xEF\xBB\xBF") return with_replacements(body.substr(3));
  if (is_valid_utf8(body)) return body;
  std::string charset = meant_by(charset_in(content_type));
  // A header that says UTF-8 was just proved wrong; what <meta> says is the next best.
  if (charset.empty() || charset == "utf-8") {
    charset = meant_by(charset_in(std::string_view(body).substr(0, kPrescanBytes)));
  }
  if (charset.empty() || charset == "utf-8" || charset == "windows-1252") {
    return from_windows_1252(body);
  }
  if (auto text = converted(body, charset)) return *std::move(text);
  return from_windows_1252(body);
}

std::string without_double_encoding(std::string text) {
  if (is_ascii(text)) return text;
  std::string bytes;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = sequence_length(std::string_view(text).substr(i));
    if (length == 0 || length > 3) return text;
    std::uint32_t code = lead;
    if (length == 2) code = lead & 0x1FU;
    if (length == 3) code = lead & 0x0FU;
    for (std::size_t k = 1; k < length; ++k) {
      code = code << 6 | (static_cast<unsigned char>(text[i + k]) & 0x3FU);
    }
    if (code > 0xFF) {
      const auto it = std::find(kWindows1252.begin(), kWindows1252.end(), code);
      if (it == kWindows1252.end()) return text;
      code = 0x80U + static_cast<std::uint32_t>(it - kWindows1252.begin());
    }
    bytes += static_cast<char>(code);
    i += length;
  }
  return !is_ascii(bytes) && is_valid_utf8(bytes) ? bytes : text;
}

}  // namespace bourse::crawler
