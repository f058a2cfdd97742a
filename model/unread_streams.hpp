// UnreadStreams: who goes when those who listen over HTTP leave too much unread together. Each has
// a budget of its own, but as many budgets as streams may be open are more than a machine has; and
// one that takes a few bytes now and then never stands still for long enough to be closed for that.
//
// What is unread falls without a word as it leaves for the network, so the sum is looked at only
// after every 64th part of it was sent: all together may exceed it by that much.
//
// Decides, and moves no byte. Value; one owner, one thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/ids.hpp"

namespace bourse {

struct UnreadStream {
  PeerId peer;
  std::size_t bytes = 0;
};

struct StreamToClose {
  PeerId peer;
  std::string reason;
};

class UnreadStreams {
 public:
  explicit UnreadStreams(std::size_t all_bytes) : all_bytes_(all_bytes) {}

  // So much was sent to one of them. True: look at them all, and ask to_close().
  bool sent(std::size_t bytes);
  // Those with the most unread, most first, until the others are within the sum; of equal ones the
  // younger. None while all are.
  std::vector<StreamToClose> to_close(std::vector<UnreadStream> streams) const;

 private:
  std::size_t all_bytes_;
  std::size_t sent_bytes_ = 0;  // since all were looked at
};

}  // namespace bourse
