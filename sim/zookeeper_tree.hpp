// ZooKeeper's tree of nodes and what a transaction does to it: all or nothing. Pure; any thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "coordination/core/zk_request.hpp"

namespace bourse::sim {

struct ZkNode {
  std::string data;
  std::int32_t version = 0;
  std::int32_t children_changed = 0;  // counts, and numbers sequential nodes
  std::uint64_t owner = 0;            // of an ephemeral node: its session
};
using ZkTree = std::map<std::string, ZkNode>;
// What one transaction made of the nodes it touched; nothing: removed.
using ZkDelta = std::vector<std::pair<std::string, std::optional<ZkNode>>>;

std::string parent_of(const std::string& path);
std::vector<std::string> children_of(const ZkTree& tree, const std::string& path);

// Does the changes in order for a session, or none of them and says which one was refused.
coordination::zk::Reply apply(ZkTree& tree, std::uint64_t session,
                              const std::vector<coordination::zk::Change>& changes, ZkDelta& delta);

}  // namespace bourse::sim
