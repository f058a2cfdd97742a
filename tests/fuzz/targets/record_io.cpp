#include "proto/codec/record_io.hpp"

#include "fuzz.hpp"

// The first byte says in pieces of which size the stream arrives.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = data[0] + 1u;
  const auto stream = fuzz::text(data + 1, size - 1);
  bourse::codec::RecordDecoder whole, cut;
  std::vector<std::string> at_once, in_pieces;
  bool ok = whole.feed(stream, at_once).ok();
  bool ok_cut = true;
  for (std::size_t at = 0; at < stream.size() && ok_cut; at += piece) {
    ok_cut = cut.feed(stream.substr(at, piece), in_pieces).ok();
  }
  fuzz::must(ok == ok_cut);
  fuzz::must(at_once == in_pieces);
  return 0;
}
