#include "executors/fetch/fetch.hpp"

#include <sys/stat.h>

#include <cerrno>

#include "executors/fetch/cache.hpp"
#include "executors/fetch/download.hpp"
#include "executors/fetch/unpack.hpp"

namespace bourse::fetch {

namespace {

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// "file:///a%20b" and "file://localhost/a%20b" are "/a b"; a path is itself.
Result<std::string> local_path(const std::string& uri) {
  constexpr std::string_view kFile = "file://";
  if (!uri.starts_with(kFile)) return uri;
  const std::size_t slash = uri.find('/', kFile.size());
  const std::string host = uri.substr(kFile.size(), slash - kFile.size());
  if (slash == std::string::npos || (!host.empty() && host != "localhost")) {
    return invalid("names host '" + host + "': files are fetched from this machine alone");
  }
  std::string path;
  for (std::size_t i = slash; i < uri.size(); ++i) {
    const bool escape =
        uri[i] == '%' && i + 2 < uri.size() && hex(uri[i + 1]) >= 0 && hex(uri[i + 2]) >= 0;
    path += escape ? static_cast<char>(hex(uri[i + 1]) * 16 + hex(uri[i + 2])) : uri[i];
    if (escape) i += 2;
  }
  if (path.find('\0') != std::string::npos) return invalid("has a zero byte");
  return path;
}

Status fetch_to(const std::string& uri, const std::string& path, Budget& budget) {
  if (uri.starts_with("http://") || uri.starts_with("https://")) {
    return download(uri, path, budget);
  }
  const auto from = local_path(uri);
  return from.ok() ? copy_file(from.value(), path, budget) : Status(from.error());
}

Status fetch_one(const FetchItem& item, const std::string& cache_dir, Budget& budget) {
  Status done;
  if (item.cache && !cache_dir.empty()) {
    Cache cache(cache_dir);
    done = cache.take(item.uri, item.name, budget,
                      [&](const std::string& path) { return fetch_to(item.uri, path, budget); });
  } else {
    done = fetch_to(item.uri, item.name, budget);
  }
  if (done.ok() && item.executable && ::chmod(item.name.c_str(), 0755) != 0) {
    done = Error{ErrorCode::io, errno_text(item.name, errno)};
  }
  if (done.ok() && item.extract) done = unpack(item.name, budget);
  return done;
}

}  // namespace

Status fetch_all(const std::vector<FetchItem>& items, const std::string& cache_dir) {
  Budget budget;
  for (const FetchItem& item : items) {
    const Status done = fetch_one(item, cache_dir, budget);
    if (!done.ok()) {
      return Error{done.error().code, "'" + item.uri + "': " + done.error().message};
    }
  }
  return {};
}

}  // namespace bourse::fetch
