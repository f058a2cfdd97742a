// What one user's commands fetched before, by URI, on this machine: a directory of that user's, one
// file an entry. Bounded by bytes; what was used least recently goes first. Several fetchers share
// it: an entry is complete when it has its name. Blocking.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "executors/fetch/file.hpp"

namespace bourse::fetch {

class Cache {
 public:
  explicit Cache(std::string directory, std::uint64_t most_bytes = limits::kFetchCacheBytes)
      : directory_(std::move(directory)), most_bytes_(most_bytes) {}

  // Copies the entry of `uri` to `path`; `fill` makes it first, at the path that it is given, if
  // there is none. Of several that want the same, one fetches and the others wait for it.
  Status take(const std::string& uri, const std::string& path, Budget& budget,
              const std::function<Status(const std::string&)>& fill);

 private:
  Status fill_entry(const std::string& entry,
                    const std::function<Status(const std::string&)>& fill);
  void evict(const std::string& kept);

  std::string directory_;
  std::uint64_t most_bytes_;
};

}  // namespace bourse::fetch
