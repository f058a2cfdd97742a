// From the bytes of a page to UTF-8, whatever its shop says they are. Never fails: what cannot be
// read becomes U+FFFD. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace bourse::crawler {

// Order of belief: byte order mark; valid UTF-8 with a character beyond ASCII (a chance match is
// next to impossible); the charset of the header; that of <meta>; windows-1252. A page that says
// UTF-8 and is not is read as windows-1252, which is what such pages are.
std::string to_utf8(std::string body, std::string_view content_type);

// Undoes one round of "UTF-8 taken for Latin-1 or windows-1252 and encoded again" ("CrÃ¨me"); text
// that did not go through that is returned as it is.
std::string without_double_encoding(std::string text);

bool is_valid_utf8(std::string_view text);

}  // namespace bourse::crawler
