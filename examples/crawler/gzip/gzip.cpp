#include "examples/crawler/gzip/gzip.hpp"

#include <zlib.h>

#include "base/assert.hpp"

namespace bourse::crawler {

std::string gzip_compressed(std::string_view bytes) {
  z_stream stream{};
  constexpr int kGzip = 15 + 16;
  ASSERT(deflateInit2(&stream, 1, Z_DEFLATED, kGzip, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  ASSERT(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

}  // namespace bourse::crawler
