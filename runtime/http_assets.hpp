// Static files of the web UI, embedded in the binary: content type by extension, ETag with 304, and
// the headers that keep a page from being framed, sniffed or made to load foreign code. Any thread,
// once filled.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "runtime/http_message.hpp"

namespace bourse::runtime {

// Adds Content-Security-Policy, X-Content-Type-Options and the others to any response.
void add_security_headers(HttpResponse& response);
// "text/html; charset=utf-8" for "index.html"; application/octet-stream if unknown.
std::string_view content_type_of(std::string_view path);

class HttpAssets {
 public:
  // `path` without leading '/': "index.html", "assets/app.js".
  void add(std::string path, std::string_view bytes);
  bool contains(std::string_view path) const;
  // "" and "dir/" mean index.html there. 404 if there is no such file, 405 unless GET or HEAD.
  HttpResponse serve(const HttpRequest& request, std::string_view path) const;

 private:
  struct Asset {
    std::string etag;
    std::shared_ptr<const std::string> shared;
  };
  std::map<std::string, Asset, std::less<>> assets_;
};

}  // namespace bourse::runtime
