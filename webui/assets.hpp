// The web UI's files, embedded in the binary. The bytes are constants of the program: they live as
// long as it does, any thread may read them, nothing here can fail.
#pragma once

#include <span>
#include <string_view>

namespace bourse::webui {

struct Asset {
  std::string_view path;          // as requested, "/index.html", "/assets/index-1a2b3c.js"
  std::string_view content_type;  // value for Content-Type
  std::string_view bytes;
  std::string_view gzip_bytes;  // empty when compression does not pay (fonts)
  std::string_view etag;        // with its quotes
  bool immutable;               // the path names the content: cacheable for a year
};

// Sorted by path.
std::span<const Asset> assets();

// The file for a request path ("/" is "/index.html"), or nullptr.
const Asset* find_asset(std::string_view path);

// To be sent with every asset. The pages need nothing inline, no other origin, no frames.
inline constexpr std::string_view kContentSecurityPolicy =
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "object-src 'none'";

}  // namespace bourse::webui
