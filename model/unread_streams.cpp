#include "model/unread_streams.hpp"

#include <algorithm>
#include <tuple>

namespace bourse {

bool UnreadStreams::sent(std::size_t bytes) {
  sent_bytes_ += bytes;
  if (sent_bytes_ < all_bytes_ / 64) return false;
  sent_bytes_ = 0;
  return true;
}

std::vector<StreamToClose> UnreadStreams::to_close(std::vector<UnreadStream> streams) const {
  std::size_t all = 0;
  for (const UnreadStream& stream : streams) all += stream.bytes;
  if (all <= all_bytes_) return {};
  std::sort(streams.begin(), streams.end(), [](const UnreadStream& a, const UnreadStream& b) {
    return std::tuple(a.bytes, a.peer.raw()) > std::tuple(b.bytes, b.peer.raw());
  });
  std::vector<StreamToClose> out;
  for (const UnreadStream& stream : streams) {
    if (all <= all_bytes_) break;
    out.push_back({stream.peer, "all streams together leave " + std::to_string(all) +
                                    " bytes unread, at most " + std::to_string(all_bytes_) +
                                    " may be, and this one " + std::to_string(stream.bytes) +
                                    " of them, the most"});
    all -= stream.bytes;
  }
  return out;
}

}  // namespace bourse
