#include "webui/assets.hpp"

#include <algorithm>

namespace bourse::webui {

const Asset* find_asset(std::string_view path) {
  if (path == "/") path = "/index.html";
  const std::span<const Asset> all = assets();
  const auto found = std::lower_bound(all.begin(), all.end(), path,
                                      [](const Asset& a, auto p) { return a.path < p; });
  return found != all.end() && found->path == path ? &*found : nullptr;
}

}  // namespace bourse::webui
