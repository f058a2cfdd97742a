// LockWatch: whether the scheduler that holds a store's lock still moves. It writes a number into
// the lock file that grows; who waits for the lock looks at it again and again and counts the looks
// that found nothing new. Looks, not seconds: when the whole machine stood still, so did they.
// Value.
#pragma once

#include <cstdint>
#include <string>

namespace bourse::service {

class LockWatch {
 public:
  explicit LockWatch(std::uint32_t most_looks) : most_looks_(most_looks) {}

  // True: it has stood still for so many looks, and is to be ended. Counts anew after that.
  bool stands_still(const std::string& said) {
    if (said != said_ || said.empty()) {
      said_ = said;
      looks_ = 0;
      return false;
    }
    if (++looks_ < most_looks_) return false;
    looks_ = 0;
    return true;
  }

 private:
  std::uint32_t most_looks_;
  std::uint32_t looks_ = 0;
  std::string said_;
};

}  // namespace bourse::service
