#include "examples/crawler/shopweb/encode.hpp"

#include <iconv.h>

#include "base/assert.hpp"

namespace bourse::crawler::shopweb {
namespace {

std::string converted(const std::string& text, const char* from, const char* to) {
  iconv_t handle = iconv_open(to, from);
  ASSERT(handle != reinterpret_cast<iconv_t>(-1));
  std::string out(text.size() * 3 + 16, '\0');
  char* in = const_cast<char*>(text.data());
  std::size_t in_left = text.size();
  char* at = out.data();
  std::size_t out_left = out.size();
  while (in_left > 0) {
    if (iconv(handle, &in, &in_left, &at, &out_left) != static_cast<std::size_t>(-1)) break;
    // Our own pages hold only characters that their encoding has; the bytes that Latin-1 cannot
    // say after a double encoding are passed as they are.
    *at++ = *in++;
    --in_left;
    --out_left;
  }
  iconv_close(handle);
  out.resize(out.size() - out_left);
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
