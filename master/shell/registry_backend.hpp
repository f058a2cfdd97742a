// RegistryBackend: where a master's registry is kept, and whether this master may lead. Two kinds:
// a file of its own (the only master there is leads), and a ZooKeeper ensemble (one of several).
// It decides nothing: the first has nothing to decide, the second runs a coordination core.
//
// Ownership and thread: made anywhere, used on the core's thread from start() on.
#pragma once

#include <functional>
#include <string>

#include "base/result.hpp"
#include "base/time.hpp"
#include "model/ids.hpp"
#include "model/registry_command.hpp"
#include "runtime/loop.hpp"
#include "runtime/record_store.hpp"

namespace bourse::master {

struct RegistryHandlers {
  // Once: lead from now on. The epoch is 0 where the registry's own next one will do.
  std::function<void(Registry, Epoch)> on_lead;
  // Who leads, as that one announced itself; empty: nobody is known to. Not while this one leads.
  std::function<void(const std::string& announced)> on_leader;
  // This process must end.
  std::function<void(const std::string& reason)> on_end;
};

class RegistryBackend {
 public:
  using Stored = runtime::UniqueFunction<void(const runtime::WriteResult&)>;

  virtual ~RegistryBackend() = default;

  // Opens; on_lead may come only later. io, corrupt, full, unavailable: with the sentence.
  virtual Status start(runtime::Loop& loop, RegistryHandlers handlers) = 0;
  // What this master announces of itself; before start().
  virtual void announce(std::string candidate) = 0;
  // Durable when `stored` is called, in the order of the calls. REQUIRES on_lead was called.
  virtual void store(const RegistryCommand& command, Stored stored) = 0;
  // False: somebody else may lead by now, nothing may be ordered of anybody any more, and nothing
  // told. Any thread, from start() on.
  virtual bool may_act(Instant now) const = 0;
};

}  // namespace bourse::master
