// Journal: the frontier's records on disk (SQLite, WAL). One owner, one thread.
//
// append() only collects; commit() writes everything collected since the last one in a single
// transaction: a group of steps, each whole. A crash loses at most the group under way, and then
// the addresses of that group are fetched again; it never leaves half a step. That is why commits
// need not reach the disk one by one (synchronous=NORMAL): a lost tail costs work, not items,
// because the store makes an item durable before the frontier hears of it.
#pragma once

#include <memory>
#include <string>

#include "base/result.hpp"
#include "examples/crawler/frontier/record.hpp"

namespace bourse::crawler {

class Journal {
 public:
  // Opens or creates. Fails when the file is damaged, another program's, or of another version.
  static Result<std::unique_ptr<Journal>> open(const std::string& path);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // Everything kept so far, in an order that Frontier::restore takes; checked, so that a damaged
  // file is an error here and never a broken invariant there.
  Result<Records> load();

  void append(const Records& records);
  std::size_t pending() const;
  // On failure (disk full) nothing of the group is on disk; it stays collected and the next commit
  // tries again.
  Status commit();

 private:
  struct State;
  explicit Journal(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace bourse::crawler
