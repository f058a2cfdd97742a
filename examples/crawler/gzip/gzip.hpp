// gzip_compressed: bytes to a gzip member with zlib. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace bourse::crawler {

std::string gzip_compressed(std::string_view bytes);

}  // namespace bourse::crawler
