#include "coordination/link/zookeeper_words.hpp"

#include <algorithm>

namespace bourse::coordination {

namespace {

using runtime::ZkCode;
using runtime::ZkOp;

zk::Code code_of(ZkCode code) {
  switch (code) {
    case ZkCode::ok:
    case ZkCode::rolled_back:
      return zk::Code::ok;
    case ZkCode::no_node:
      return zk::Code::no_node;
    case ZkCode::node_exists:
      return zk::Code::node_exists;
    case ZkCode::bad_version:
      return zk::Code::bad_version;
    case ZkCode::no_auth:
    case ZkCode::auth_failed:
      return zk::Code::no_auth;
    case ZkCode::not_empty:
      return zk::Code::not_empty;
    case ZkCode::too_large:
      return zk::Code::too_large;
    // Not sent: asking again later is right, as after a loss.
    case ZkCode::busy:
    case ZkCode::connection_loss:
      return zk::Code::connection_loss;
    case ZkCode::expired:
      return zk::Code::expired;
    case ZkCode::invalid:
    case ZkCode::no_children_for_ephemerals:
    case ZkCode::other:
      return zk::Code::other;
  }
  return zk::Code::other;
}

zk::Reply reply_of(ZkCode code) {
  zk::Reply out;
  out.code = code_of(code);
  if (out.code == zk::Code::other) out.data = name_of(code);
  return out;
}

zk::Stat stat_of(const runtime::ZkStat& stat) {
  return {stat.version, static_cast<std::uint64_t>(stat.ephemeral_owner)};
}

runtime::ZkCreate how_of(const zk::Create& create) {
  return {create.ephemeral, create.sequential, create.access == zk::Access::readable_by_all};
}

struct ToOp {
  ZkOp operator()(const zk::Create& c) const { return ZkOp::create(c.path, c.data, how_of(c)); }
  ZkOp operator()(const zk::Set& c) const { return ZkOp::set(c.path, c.data, c.version); }
  ZkOp operator()(const zk::Remove& c) const { return ZkOp::remove(c.path, c.version); }
  ZkOp operator()(const zk::Check& c) const { return ZkOp::check(c.path, c.version); }
};

struct Asker {
  runtime::ZookeeperSession& session;
  std::function<void(zk::Reply)>& answered;

  void operator()(const zk::Create& r) const {
    session.create(r.path, r.data, how_of(r),
                   [done = answered](ZkCode code, const std::string& created) {
                     zk::Reply out = reply_of(code);
                     out.created = created;
                     done(std::move(out));
                   });
  }
  void operator()(const zk::Get& r) const {
    session.get(
        r.path, r.watch,
        [done = answered](ZkCode code, const std::string& data, const runtime::ZkStat& stat) {
          zk::Reply out = reply_of(code);
          if (code == ZkCode::ok) out.data = data;
          out.stat = stat_of(stat);
          done(std::move(out));
        });
  }
  void operator()(const zk::Exists& r) const { session.exists(r.path, r.watch, stat_answer()); }
  void operator()(const zk::Children& r) const {
    session.children(r.path, r.watch,
                     [done = answered](ZkCode code, const std::vector<std::string>& names) {
                       zk::Reply out = reply_of(code);
                       out.names = names;
                       done(std::move(out));
                     });
  }
  void operator()(const zk::Set& r) const { session.set(r.path, r.data, r.version, stat_answer()); }
  void operator()(const zk::Remove& r) const {
    session.remove(r.path, r.version, [done = answered](ZkCode code) { done(reply_of(code)); });
  }
  void operator()(const zk::Multi& r) const {
    std::vector<ZkOp> ops;
    ops.reserve(r.changes.size());
    for (const zk::Change& change : r.changes) ops.push_back(std::visit(ToOp{}, change));
    session.multi(std::move(ops), [done = answered](ZkCode code,
                                                    const std::vector<runtime::ZkOpResult>& each) {
      zk::Reply out = reply_of(code);
      const auto failed = std::find_if(each.begin(), each.end(), [](const auto& result) {
        return result.code != ZkCode::ok && result.code != ZkCode::rolled_back;
      });
      out.failed = static_cast<std::size_t>(failed - each.begin());
      done(std::move(out));
    });
  }

 private:
  runtime::ZookeeperSession::OnStat stat_answer() const {
    return [done = answered](ZkCode code, const runtime::ZkStat& stat) {
      zk::Reply out = reply_of(code);
      out.stat = stat_of(stat);
      done(std::move(out));
    };
  }
};

}  // namespace

void perform(runtime::ZookeeperSession& session, const zk::Request& request,
             std::function<void(zk::Reply)> answered) {
  std::visit(Asker{session, answered}, request);
}

}  // namespace bourse::coordination
