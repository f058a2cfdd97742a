// PagedMap<Key, Value, Less>: an ordered map whose copy costs one step for each page of rows, not
// for each row. Copies share their pages; whoever changes a row of a shared page first makes that
// page his own. So a copy is a picture of one moment, to be read by another thread while the
// original goes on: what it costs the original is each page once that it changes meanwhile.
// One PagedMap belongs to one thread. An edit ends iterators and pointers to rows of its page, a
// row put or taken those of all.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/assert.hpp"
#include "base/shared_value.hpp"

namespace bourse {

template <typename Key, typename Value, typename Less = std::less<Key>>
class PagedMap {
  using Page = std::map<Key, Value, Less>;
  using Pages = std::vector<SharedValue<Page>>;

 public:
  // Of more, a page becomes two. Small enough to be copied in microseconds, large enough that a
  // copy of 100,000 rows is a thousand steps.
  static constexpr std::size_t kMostRowsInPage = 128;
  // With fewer, a page is joined with one beside it if both fit well.
  static constexpr std::size_t kSparsePage = kMostRowsInPage / 4;

  class const_iterator {
   public:
    using iterator_category = std::bidirectional_iterator_tag;
    using value_type = typename Page::value_type;
    using difference_type = std::ptrdiff_t;
    using pointer = const value_type*;
    using reference = const value_type&;

    const_iterator() = default;
    reference operator*() const { return *row_; }
    pointer operator->() const { return &*row_; }
    const_iterator& operator++() {
      if (++row_ == (*pages_)[page_]->end()) *this = first_of(*pages_, page_ + 1);
      return *this;
    }
    const_iterator& operator--() {
      if (page_ == pages_->size() || row_ == (*pages_)[page_]->begin()) {
        row_ = (*pages_)[--page_]->end();
      }
      --row_;
      return *this;
    }
    const_iterator operator++(int) {
      const_iterator before = *this;
      ++*this;
      return before;
    }
    const_iterator operator--(int) {
      const_iterator before = *this;
      --*this;
      return before;
    }
    bool operator==(const const_iterator& other) const = default;

   private:
    friend class PagedMap;
    using Row = typename Page::const_iterator;
    const_iterator(const Pages& pages, std::size_t page, Row row)
        : pages_(&pages), page_(page), row_(row) {}
    // The end, if there is no such page.
    static const_iterator first_of(const Pages& pages, std::size_t page) {
      return {pages, page, page < pages.size() ? pages[page]->begin() : Row{}};
    }

    const Pages* pages_ = nullptr;
    std::size_t page_ = 0;
    Row row_{};
  };
  using const_reverse_iterator = std::reverse_iterator<const_iterator>;

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const_iterator begin() const { return const_iterator::first_of(pages_, 0); }
  const_iterator end() const { return const_iterator::first_of(pages_, pages_.size()); }
  const_reverse_iterator rbegin() const { return const_reverse_iterator(end()); }
  const_reverse_iterator rend() const { return const_reverse_iterator(begin()); }

  const_iterator find(const Key& key) const {
    const const_iterator at = lower_bound(key);
    return at == end() || Less()(key, at->first) ? end() : at;
  }
  bool contains(const Key& key) const { return find(key) != end(); }
  // REQUIRES that it is there.
  const Value& at(const Key& key) const {
    const const_iterator row = find(key);
    ASSERT(row != end());
    return row->second;
  }
  // The first row that is not before `key`.
  const_iterator lower_bound(const Key& key) const {
    if (pages_.empty()) return end();
    const std::size_t page = page_for(key);
    const auto row = pages_[page]->lower_bound(key);
    if (row == pages_[page]->end()) return const_iterator::first_of(pages_, page + 1);
    return {pages_, page, row};
  }

  // To change a row; null: there is none.
  Value* edit(const Key& key) {
    if (pages_.empty()) return nullptr;
    SharedValue<Page>& page = pages_[page_for(key)];
    if (!page->contains(key)) return nullptr;
    return &page.edit().find(key)->second;
  }
  // The same; made as `Value()` if there is none.
  Value& edit_or_add(const Key& key) {
    if (Value* row = edit(key)) return *row;
    return put(key, Value());
  }
  // Instead of a row with this key, if there is one.
  Value& put(const Key& key, Value value) {
    const std::size_t at = pages_.empty() ? 0 : page_for(key);
    if (pages_.empty()) pages_.emplace_back(Page());
    Page& page = pages_[at].edit();
    const auto [row, fresh] = page.insert_or_assign(key, std::move(value));
    Value& out = row->second;  // stays where it is when its node moves to another page
    size_ += fresh;
    if (page.size() > kMostRowsInPage) split(at);
    return out;
  }
  std::optional<Value> take(const Key& key) {
    if (pages_.empty()) return std::nullopt;
    const std::size_t at = page_for(key);
    if (!pages_[at]->contains(key)) return std::nullopt;
    auto node = pages_[at].edit().extract(key);
    --size_;
    tidy_up(at);
    return std::move(node.mapped());
  }
  bool erase(const Key& key) { return take(key).has_value(); }

 private:
  // Where a row with this key is, or would be. REQUIRES a page.
  std::size_t page_for(const Key& key) const {
    const auto after = std::partition_point(
        pages_.begin(), pages_.end(),
        [&](const SharedValue<Page>& page) { return !Less()(key, page->begin()->first); });
    return after == pages_.begin() ? 0 : static_cast<std::size_t>(after - pages_.begin()) - 1;
  }
  void split(std::size_t at) {
    Page& page = pages_[at].edit();
    Page upper;
    while (upper.size() < kMostRowsInPage / 2) {
      upper.insert(upper.begin(), page.extract(std::prev(page.end())));
    }
    pages_.insert(pages_.begin() + static_cast<std::ptrdiff_t>(at) + 1,
                  SharedValue<Page>(std::move(upper)));
  }
  void tidy_up(std::size_t at) {
    if (pages_[at]->empty()) {
      pages_.erase(pages_.begin() + static_cast<std::ptrdiff_t>(at));
    } else if (pages_[at]->size() < kSparsePage && (at == 0 || !join_with_next(at - 1))) {
      join_with_next(at);
    }
  }
  // If both together have room to grow.
  bool join_with_next(std::size_t at) {
    if (at + 1 >= pages_.size()) return false;
    if (pages_[at]->size() + pages_[at + 1]->size() > kMostRowsInPage * 3 / 4) return false;
    pages_[at].edit().merge(pages_[at + 1].edit());
    pages_.erase(pages_.begin() + static_cast<std::ptrdiff_t>(at) + 1);
    return true;
  }

  Pages pages_;  // in order; none is empty
  std::size_t size_ = 0;
};

}  // namespace bourse
