// ItemStore: the crawl's result, a SQLite table with one row per (shop, sku). Writing an item again
// replaces its row, so work that is done twice stores nothing twice. One owner, one thread.
//
// put() collects, commit() makes everything collected durable in one transaction (synchronous=FULL:
// the frontier forgets an address once its item is committed). WARC, if asked for, is separate
// (warc/warc_writer.hpp).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "examples/crawler/work/work.hpp"

namespace bourse::crawler {

class ItemStore {
 public:
  static Result<std::unique_ptr<ItemStore>> open(const std::string& path);
  ~ItemStore();
  ItemStore(const ItemStore&) = delete;
  ItemStore& operator=(const ItemStore&) = delete;

  void put(Item item, OrderId order);
  std::size_t pending() const;
  // The orders whose items are durable now. On failure (disk full) nothing of the group is kept on
  // disk, it stays collected, and the next commit tries again.
  Result<std::vector<OrderId>> commit();

 private:
  struct State;
  explicit ItemStore(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Every row of a result file, in no particular order, also of one that somebody else wrote: doubles
// in it are reported as they are.
Result<std::vector<Item>> read_items(const std::string& path);

}  // namespace bourse::crawler
