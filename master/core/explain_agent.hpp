// Why one agent is not offered to a framework in one of its roles: the first rule in the way, its
// numbers, and the smallest change that would help. Reads the core's state of this moment and owns
// nothing: it must not outlive the step. The core's thread; no errors.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "master/core/context.hpp"
#include "model/explanation.hpp"

namespace bourse::master {

// `weight` orders those of one rule: the smallest is the nearest to an offer.
struct Finding {
  std::string rule;
  std::int64_t weight = 0;
  std::vector<Explanation::Number> numbers;
  std::string change;
};

class AgentExplainer {
 public:
  // REQUIRES that the role has entered the allocator.
  AgentExplainer(const Context& c, FrameworkSlot slot, const Role& role);

  Finding find(AgentSlot agent_slot, const Agent& agent);

 private:
  // What a row of a minimum lacks of what is there.
  struct Lack {
    std::string text;
    std::int64_t most = 0;  // of the shortest dimension, in thousandths of the row
    bool unknown = false;   // nobody has it
  };
  // Of the limits of the role and those above it the one that leaves least.
  struct Headroom {
    std::string role;
    std::int64_t limit = 0;
    std::int64_t consumed = 0;
    std::int64_t left() const { return limit > consumed ? limit - consumed : 0; }
  };

  Finding detail(allocator::RefusalReason reason, AgentSlot agent_slot, const Agent& agent);
  Finding promised(const Offer& offer) const;
  Finding nothing_free(const std::string& rule, const Agent& agent) const;
  Finding reserved(const std::string& rule, const Agent& agent) const;
  Finding not_capable(const std::string& rule, AgentSlot agent_slot, const Agent& agent) const;
  Finding below_minimum(const std::string& rule, AgentSlot agent_slot) const;
  Finding over_quota(const std::string& rule, AgentSlot agent_slot) const;
  Finding kept(const std::string& rule);
  Finding unwanted(const std::string& rule, AgentSlot agent_slot) const;
  Finding constraint(const std::string& rule, const Agent& agent) const;
  Finding filtered(const std::string& rule, const Agent& agent) const;

  Lack lacking(const std::int64_t* row, const QuantityRow& there) const;
  std::optional<Lack> nearest_minimum(const QuantityRow& there) const;
  std::string amounts_text(const QuantityRow& row) const;
  std::optional<Headroom> headroom(std::size_t dimension) const;
  std::pair<std::string, std::string> lacking_role() const;

  const Context& c_;
  const Allocation& allocation_;
  FrameworkSlot slot_;
  const Framework& framework_;
  const Role& role_;
  const allocator::ShareTree::Claim& claim_;
  // The role that lacks most of its guarantee, and what: the same for every agent.
  std::optional<std::pair<std::string, std::string>> lacking_role_;
};

}  // namespace bourse::master
