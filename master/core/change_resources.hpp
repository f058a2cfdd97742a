// ResourceChange: operations on the resources of one agent, decided one after the other within one
// step and sent together. Between two of them, and before a launch that follows, flush().
#pragma once

#include <string>
#include <vector>

#include "master/core/context.hpp"
#include "model/resource_operation.hpp"

namespace bourse::master {

class ResourceChange {
 public:
  ResourceChange(Context& c, AgentSlot agent);

  // Decides it: its row is made and it will be sent, or there is a sentence against it and nothing
  // changed. `pool`: what it may consume, which changes with it. Its uuid is made here.
  Status begin(OperationOrder order, const OperationScope& scope, Resources& pool,
               RequestId request = {});
  // The ledger follows, and the orders leave.
  void flush();
  std::size_t begun() const { return begun_; }

 private:
  Status admissible(const OperationOrder& order) const;

  Context& c_;
  AgentSlot slot_;
  Resources total_;
  std::vector<OperationOrder> orders_;
  std::size_t begun_ = 0;
};

}  // namespace bourse::master
