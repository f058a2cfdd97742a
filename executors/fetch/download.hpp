// From a web server into a file. Blocking.
#pragma once

#include <string>

#include "executors/fetch/file.hpp"

namespace bourse::fetch {

// http and https, also after redirects. It gives up when nothing came for limits::kFetchStall.
Status download(const std::string& url, const std::string& path, Budget& budget);

}  // namespace bourse::fetch
