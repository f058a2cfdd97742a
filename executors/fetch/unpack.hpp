// Archives into a directory. Blocking.
#pragma once

#include <string>

#include "executors/fetch/file.hpp"

namespace bourse::fetch {

// Beside the archive, which stays. Entries that lead out of the directory (absolute, "..", through
// a link) are refused. A .gz that is no .tar.gz is one file without that ending.
Status unpack(const std::string& archive, Budget& budget);

}  // namespace bourse::fetch
