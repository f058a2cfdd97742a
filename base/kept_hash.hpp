// KeptHash<Key>: the hash of a key for large tables whose keys are text. A table made with it keeps
// each hash beside its key, so that a look-up passes the other keys of a bucket by their numbers,
// and growing reads no key at all. libstdc++ keeps the hash of a function that may throw, which is
// why this one does not say that it does not. Pure.
#pragma once

#include <cstddef>
#include <functional>

namespace bourse {

template <typename Key>
struct KeptHash {
  std::size_t operator()(const Key& key) const { return std::hash<Key>{}(key); }
};

}  // namespace bourse
