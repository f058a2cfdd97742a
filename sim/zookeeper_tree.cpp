#include "sim/zookeeper_tree.hpp"

namespace bourse::sim {

namespace zk = coordination::zk;

namespace {

std::string sequence_text(std::int32_t number) {
  std::string digits = std::to_string(number < 0 ? -static_cast<std::int64_t>(number) : number);
  const std::size_t width = number < 0 ? 9 : 10;
  if (digits.size() < width) digits.insert(0, width - digits.size(), '0');
  return number < 0 ? "-" + digits : digits;
}

// The tree with what this transaction did so far.
class Draft {
 public:
  Draft(const ZkTree& tree, std::uint64_t session) : tree_(tree), session_(session) {}

  zk::Code operator()(const zk::Create& change) {
    ZkNode* parent = edit(parent_of(change.path));
    if (parent == nullptr) return zk::Code::no_node;
    if (parent->owner != 0) return zk::Code::other;
    created_ = change.path;
    if (change.sequential) created_ += sequence_text(parent->children_changed);
    if (find(created_) != nullptr) return zk::Code::node_exists;
    parent->children_changed =
        static_cast<std::int32_t>(static_cast<std::uint32_t>(parent->children_changed) + 1);
    touched_[created_] = ZkNode{change.data, 0, 0, change.ephemeral ? session_ : 0};
    return zk::Code::ok;
  }
  zk::Code operator()(const zk::Set& change) {
    ZkNode* node = edit(change.path);
    if (node == nullptr) return zk::Code::no_node;
    if (!fits(*node, change.version)) return zk::Code::bad_version;
    node->data = change.data;
    ++node->version;
    return zk::Code::ok;
  }
  zk::Code operator()(const zk::Remove& change) {
    const ZkNode* node = find(change.path);
    if (node == nullptr) return zk::Code::no_node;
    if (!fits(*node, change.version)) return zk::Code::bad_version;
    for (const std::string& child : children_of(tree_, change.path)) {
      if (find(change.path + "/" + child) != nullptr) return zk::Code::not_empty;
    }
    ++edit(parent_of(change.path))->children_changed;
    touched_[change.path] = std::nullopt;
    return zk::Code::ok;
  }
  zk::Code operator()(const zk::Check& change) {
    const ZkNode* node = find(change.path);
    if (node == nullptr) return zk::Code::no_node;
    return fits(*node, change.version) ? zk::Code::ok : zk::Code::bad_version;
  }

  std::map<std::string, std::optional<ZkNode>> take() { return std::move(touched_); }
  const std::string& created() const { return created_; }

 private:
  static bool fits(const ZkNode& node, std::int32_t version) {
    return version == zk::kAnyVersion || version == node.version;
  }
  const ZkNode* find(const std::string& path) const {
    if (const auto it = touched_.find(path); it != touched_.end()) {
      return it->second ? &*it->second : nullptr;
    }
    const auto it = tree_.find(path);
    return it == tree_.end() ? nullptr : &it->second;
  }
  ZkNode* edit(const std::string& path) {
    const ZkNode* node = find(path);
    if (node == nullptr) return nullptr;
    auto& slot = touched_.try_emplace(path, *node).first->second;
    return &*slot;
  }

  const ZkTree& tree_;
  std::uint64_t session_;
  std::map<std::string, std::optional<ZkNode>> touched_;
  std::string created_;
};

}  // namespace

std::string parent_of(const std::string& path) {
  const std::size_t at = path.rfind('/');
  return at == 0 || at == std::string::npos ? "/" : path.substr(0, at);
}

std::vector<std::string> children_of(const ZkTree& tree, const std::string& path) {
  const std::string prefix = path == "/" ? path : path + "/";
  std::vector<std::string> out;
  for (auto it = tree.upper_bound(prefix); it != tree.end() && it->first.starts_with(prefix);
       ++it) {
    std::string rest = it->first.substr(prefix.size());
    if (rest.find('/') == std::string::npos) out.push_back(std::move(rest));
  }
  return out;
}

zk::Reply apply(ZkTree& tree, std::uint64_t session, const std::vector<zk::Change>& changes,
                ZkDelta& delta) {
  Draft draft(tree, session);
  zk::Reply reply;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    reply.code = std::visit(draft, changes[i]);
    if (reply.code == zk::Code::ok) continue;
    reply.failed = i;
    return reply;
  }
  reply.created = draft.created();
  for (auto& [path, node] : draft.take()) {
    if (node) {
      tree[path] = *node;
    } else {
      tree.erase(path);
    }
    delta.emplace_back(path, std::move(node));
  }
  return reply;
}

}  // namespace bourse::sim
