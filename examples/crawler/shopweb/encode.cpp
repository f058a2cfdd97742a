#include "examples/crawler/shopweb/encode.hpp"

#include <iconv.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

#include "base/assert.hpp"

namespace bourse::crawler::shopweb {
namespace {

bool is_ascii(char c) {
  return static_cast<unsigned char>(c) < 0x80;
}

// One run of text without ASCII, appended to `out`.
void convert_run(iconv_t handle, std::string_view run, std::string& out) {
  std::array<char, 256> buffer;
  char* in = const_cast<char*>(run.data());
  std::size_t in_left = run.size();
  while (in_left > 0) {
    char* at = buffer.data();
    std::size_t out_left = buffer.size();
    const std::size_t count = iconv(handle, &in, &in_left, &at, &out_left);
    out.append(buffer.data(), buffer.size() - out_left);
    if (count != static_cast<std::size_t>(-1) || errno == E2BIG) continue;
    // Our own pages hold only characters that their encoding has; the bytes that Latin-1 cannot
    // say after a double encoding are passed as they are.
    out += *in++;
    --in_left;
  }
}

// ASCII is the same in all encodings here, and most of every page.
std::string converted(std::string_view text, const char* from, const char* to) {
  iconv_t handle = iconv_open(to, from);
  ASSERT(handle != reinterpret_cast<iconv_t>(-1));
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  while (!text.empty()) {
    const auto plain = std::find_if_not(text.begin(), text.end(), is_ascii);
    out.append(text.begin(), plain);
    text.remove_prefix(static_cast<std::size_t>(plain - text.begin()));
    const auto run = std::find_if(text.begin(), text.end(), is_ascii);
    convert_run(handle, text.substr(0, static_cast<std::size_t>(run - text.begin())), out);
    text.remove_prefix(static_cast<std::size_t>(run - text.begin()));
  }
  iconv_close(handle);
  return out;
}

}  // namespace

std::string in_shop_encoding(Encoding encoding, std::string utf8) {
  switch (encoding) {
    case Encoding::utf8:
      break;
    case Encoding::latin1_in_header:
    case Encoding::latin1_undeclared:
    case Encoding::latin1_in_meta:
      return converted(utf8, "UTF-8", "WINDOWS-1252");
    case Encoding::shift_jis:
      return converted(utf8, "UTF-8", "SHIFT_JIS");
    case Encoding::twice_encoded_utf8:
      // Latin-1, not windows-1252: every byte has a character there, nothing is lost.
      return converted(utf8, "ISO-8859-1", "UTF-8");
  }
  return utf8;
}

const char* html_content_type(Encoding encoding) {
  switch (encoding) {
    case Encoding::latin1_in_header:
      return "text/html; charset=ISO-8859-1";
    case Encoding::latin1_undeclared:
    case Encoding::utf8:
    case Encoding::twice_encoded_utf8:
      return "text/html; charset=utf-8";
    default:
      return "text/html";
  }
}

}  // namespace bourse::crawler::shopweb
