// BookStore: where the service scheduler's book is kept, and whether this process may lead. Two
// kinds: a file (whoever has its lock leads) and a ZooKeeper ensemble (one of several is elected).
// It decides nothing: the first asks the kernel, the second runs a coordination core.
//
// Ownership and thread: belongs to its loop's thread; handlers run there, never inside a call.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "model/service_command.hpp"
#include "runtime/loop.hpp"
#include "runtime/record_store.hpp"

namespace bourse::service {

struct StoreHandlers {
  // Once: lead from now on, with this book.
  std::function<void(Book)> on_lead;
  // host:port of who leads, whenever that changes; empty: nobody is known to. Not while this one
  // leads.
  std::function<void(const std::string& address)> on_leader;
  // This process must end. corrupt, unsupported: starting it again cannot help.
  std::function<void(const Error& reason)> on_end;
};

class BookStore {
 public:
  using Stored = runtime::UniqueFunction<void(const runtime::WriteResult&)>;

  virtual ~BookStore() = default;

  // `address` is what this process tells the others: host:port of its API.
  virtual Status start(runtime::Loop& loop, const std::string& address, StoreHandlers handlers) = 0;
  // All or nothing; durable when `stored` is called, in the order of the calls. REQUIRES on_lead
  // was called, and that the commands fit what the ones before have left.
  virtual void store(const std::vector<ServiceCommand>& commands, Stored stored) = 0;
  // False: somebody else may lead by now, nothing may be asked of any master any more.
  virtual bool may_act(Instant now) const = 0;
};

}  // namespace bourse::service
