// TouchedMap<Key, Value>: an ordered map that knows which of its rows were handed out for change
// since somebody last asked, so that what has to follow a change costs what changed and not what is
// there. Looking touches nothing: iterators that walk are const. Value; one owner.
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <utility>
#include <vector>

namespace bourse {

template <typename Key, typename Value>
class TouchedMap {
  using Rows = std::map<Key, Value>;

 public:
  using iterator = typename Rows::iterator;
  using const_iterator = typename Rows::const_iterator;

  const_iterator begin() const { return rows_.begin(); }
  const_iterator end() const { return rows_.end(); }
  const_iterator find(const Key& key) const { return rows_.find(key); }
  const_iterator lower_bound(const Key& key) const { return rows_.lower_bound(key); }
  const Value& at(const Key& key) const { return rows_.at(key); }
  bool contains(const Key& key) const { return rows_.contains(key); }
  std::size_t size() const { return rows_.size(); }
  bool empty() const { return rows_.empty(); }

  // For change, whether it comes to one or not.
  iterator find(const Key& key) {
    const iterator found = rows_.find(key);
    if (found != rows_.end()) touch(key);
    return found;
  }
  Value& at(const Key& key) {
    touch(key);
    return rows_.at(key);
  }
  Value& operator[](const Key& key) {
    touch(key);
    return rows_[key];
  }
  std::pair<iterator, bool> emplace(const Key& key, Value value) {
    touch(key);
    return rows_.emplace(key, std::move(value));
  }
  std::size_t erase(const Key& key) {
    touch(key);
    return rows_.erase(key);
  }
  iterator erase(const_iterator at) {
    touch(at->first);
    return rows_.erase(at);
  }

  // Keys of rows that were touched since this was last asked, each once and in order; some may be
  // gone.
  std::vector<Key> take_touched() {
    std::vector<Key> out = std::move(touched_);
    touched_.clear();
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
  }

 private:
  // One row is mostly touched several times in a row.
  void touch(const Key& key) {
    if (touched_.empty() || touched_.back() != key) touched_.push_back(key);
  }

  Rows rows_;
  std::vector<Key> touched_;
};

}  // namespace bourse
