// Fetches files into the current directory, in order, up to the first that fails. Blocking.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "model/fetch_list.hpp"

namespace bourse::fetch {

// `cache_dir`: of this user; empty: nothing is cached. The error names the uri.
Status fetch_all(const std::vector<FetchItem>& items, const std::string& cache_dir);

}  // namespace bourse::fetch
