#include "runtime/http_assets.hpp"

#include <array>
#include <cstdio>

#include "base/digest.hpp"

namespace bourse::runtime {

void add_security_headers(HttpResponse& response) {
  // No inline script and no foreign source: what a task or framework is called can never run.
  response.headers.add("Content-Security-Policy",
                       "default-src 'self'; img-src 'self' data:; object-src 'none'; "
                       "base-uri 'none'; form-action 'self'; frame-ancestors 'none'");
  response.headers.add("X-Content-Type-Options", "nosniff");
  response.headers.add("X-Frame-Options", "DENY");
  response.headers.add("Referrer-Policy", "no-referrer");
}

std::string_view content_type_of(std::string_view path) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 14> kTypes = {{
      {".html", "text/html; charset=utf-8"},
      {".js", "text/javascript; charset=utf-8"},
      {".mjs", "text/javascript; charset=utf-8"},
      {".css", "text/css; charset=utf-8"},
      {".json", "application/json"},
      {".map", "application/json"},
      {".svg", "image/svg+xml"},
      {".png", "image/png"},
      {".jpg", "image/jpeg"},
      {".ico", "image/x-icon"},
      {".webp", "image/webp"},
      {".woff2", "font/woff2"},
      {".txt", "text/plain; charset=utf-8"},
      {".wasm", "application/wasm"},
  }};
  for (const auto& [suffix, type] : kTypes) {
    if (path.ends_with(suffix)) return type;
  }
  return "application/octet-stream";
}

void HttpAssets::add(std::string path, std::string_view bytes) {
  const Digest digest = digest_of(bytes);
  char etag[40];
  std::snprintf(etag, sizeof etag, "\"%016llx%016llx\"",
                static_cast<unsigned long long>(digest.high),
                static_cast<unsigned long long>(digest.low));
  assets_[std::move(path)] = {etag, std::make_shared<const std::string>(bytes)};
}

bool HttpAssets::contains(std::string_view path) const {
  return assets_.find(path) != assets_.end();
}

HttpResponse HttpAssets::serve(const HttpRequest& request, std::string_view path) const {
  std::string name(path);
  if (name.empty() || name.back() == '/') name += "index.html";
  const auto it = assets_.find(name);
  if (it == assets_.end()) {
    HttpResponse missing = HttpResponse::text(404, "there is no file " + name + "\n");
    add_security_headers(missing);
    return missing;
  }
  if (request.method != "GET" && request.method != "HEAD") {
    HttpResponse refused = HttpResponse::text(405, "a file can be read with GET or HEAD only\n");
    refused.headers.add("Allow", "GET, HEAD");
    return refused;
  }
  HttpResponse response;
  add_security_headers(response);
  response.headers.add("ETag", it->second.etag);
  response.headers.add("Cache-Control", "no-cache");  // keep it, but ask before each use
  if (request.headers.has_token("If-None-Match", it->second.etag) ||
      request.headers.has_token("If-None-Match", "W/" + it->second.etag)) {
    response.status = 304;
    return response;
  }
  response.headers.add("Content-Type", std::string(content_type_of(name)));
  response.shared_body = it->second.shared;
  return response;
}

}  // namespace bourse::runtime
