// Requests of a ZookeeperSession: what is refused unsent, what is given to the C client, and its
// answers in our words.
#include "runtime/clock.hpp"
#include "runtime/zookeeper_internal.hpp"
#include "runtime/zookeeper_url.hpp"

namespace bourse::runtime {

namespace {

// Header, lengths, version, flags and access list of one operation, rounded up.
constexpr std::size_t kOperationBytes = 96;
// What a server appends to the path of a sequential node.
constexpr std::size_t kSequenceDigits = 10;

ZkCode code_of(int client_code) {
  switch (client_code) {
    case ZOK:
      return ZkCode::ok;
    case ZNONODE:
      return ZkCode::no_node;
    case ZNODEEXISTS:
      return ZkCode::node_exists;
    case ZBADVERSION:
      return ZkCode::bad_version;
    case ZNOAUTH:
      return ZkCode::no_auth;
    case ZNOTEMPTY:
      return ZkCode::not_empty;
    case ZNOCHILDRENFOREPHEMERALS:
      return ZkCode::no_children_for_ephemerals;
    case ZSESSIONEXPIRED:
      return ZkCode::expired;
    case ZAUTHFAILED:
    case ZSESSIONCLOSEDREQUIRESASLAUTH:
      return ZkCode::auth_failed;
    case ZCONNECTIONLOSS:
    case ZOPERATIONTIMEOUT:
    case ZRUNTIMEINCONSISTENCY:
    case ZSYSTEMERROR:
    case ZINVALIDSTATE:
    case ZCLOSING:
    case ZSESSIONMOVED:
      return ZkCode::connection_loss;
    default:
      return ZkCode::other;
  }
}

// Did a server look at the request, within the session?
bool from_a_server(ZkCode code) {
  return code != ZkCode::connection_loss && code != ZkCode::expired && code != ZkCode::auth_failed;
}

ZkStat stat_of(const Stat* stat) {
  if (stat == nullptr) return {};
  return {stat->version, stat->ephemeralOwner, stat->czxid, stat->mzxid, stat->numChildren};
}

int flags_of(ZkCreate how) {
  return (how.ephemeral ? ZOO_EPHEMERAL : 0) | (how.sequential ? ZOO_SEQUENCE : 0);
}

// ---- the client's completions -------------------------------------------------------------------

ZkPending* pending_of(const void* data) {
  return static_cast<ZkPending*>(const_cast<void*>(data));
}

void finish(const void* data, int code, ZkReply reply) {
  ZkPending* pending = pending_of(data);
  pending->session->answered(pending, code, std::move(reply));
}

void on_text(int code, const char* text, const void* data) {
  ZkReply reply;
  if (text != nullptr) reply.text = text;
  finish(data, code, std::move(reply));
}

void on_bytes(int code, const char* bytes, int size, const Stat* stat, const void* data) {
  ZkReply reply;
  if (bytes != nullptr && size > 0) reply.text.assign(bytes, static_cast<std::size_t>(size));
  reply.stat = stat_of(stat);
  finish(data, code, std::move(reply));
}

void on_stat(int code, const Stat* stat, const void* data) {
  ZkReply reply;
  reply.stat = stat_of(stat);
  finish(data, code, std::move(reply));
}

void on_names(int code, const String_vector* names, const void* data) {
  ZkReply reply;
  for (int i = 0; names != nullptr && i < names->count; ++i)
    reply.names.emplace_back(names->data[i]);
  finish(data, code, std::move(reply));
}

void on_done(int code, const void* data) {
  finish(data, code, {});
}

void on_multi(int code, const void* data) {
  const ZkMultiCall& multi = *pending_of(data)->multi;
  ZkReply reply;
  for (std::size_t i = 0; from_a_server(code_of(code)) && i < multi.ops.size(); ++i) {
    ZkOpResult result;
    const int own = multi.results[i].err;
    // A server says "inconsistency" of operations that it did not come to.
    const bool undone = code != ZOK && (own == ZOK || own == ZRUNTIMEINCONSISTENCY);
    result.code = undone ? ZkCode::rolled_back : code_of(own);
    if (result.code == ZkCode::ok && multi.ops[i].kind == ZkOp::Kind::create) {
      result.created = multi.paths[i].c_str();
    }
    if (result.code == ZkCode::ok) result.version = multi.stats[i].version;
    reply.results.push_back(std::move(result));
  }
  finish(data, code, std::move(reply));
}

void on_watch(zhandle_t*, int type, int, const char* path, void* context) {
  auto& impl = *static_cast<ZookeeperImpl*>(context);
  if (impl.closing || path == nullptr) return;
  if (type == ZOO_CREATED_EVENT) impl.watch_fired(ZkEvent::created, path);
  if (type == ZOO_DELETED_EVENT) impl.watch_fired(ZkEvent::deleted, path);
  if (type == ZOO_CHANGED_EVENT) impl.watch_fired(ZkEvent::changed, path);
  if (type == ZOO_CHILD_EVENT) impl.watch_fired(ZkEvent::children_changed, path);
}

// ---- a multi for the client
// -----------------------------------------------------------------------

void prepare(ZkMultiCall& multi, const ZookeeperImpl& session) {
  const std::size_t count = multi.ops.size();
  multi.calls.resize(count);
  multi.results.resize(count);
  multi.paths.resize(count);
  multi.stats.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    const ZkOp& op = multi.ops[i];
    zoo_op_t* call = &multi.calls[i];
    const char* path = op.path.c_str();
    const int size = static_cast<int>(op.data.size());
    switch (op.kind) {
      case ZkOp::Kind::create:
        multi.paths[i].resize(op.path.size() + kSequenceDigits + 1);
        zoo_create_op_init(call, path, op.data.data(), size, session.acl(op.how), flags_of(op.how),
                           multi.paths[i].data(), static_cast<int>(multi.paths[i].size()));
        break;
      case ZkOp::Kind::set:
        zoo_set_op_init(call, path, op.data.data(), size, op.version, &multi.stats[i]);
        break;
      case ZkOp::Kind::remove:
        zoo_delete_op_init(call, path, op.version);
        break;
      case ZkOp::Kind::check:
        zoo_check_op_init(call, path, op.version);
        break;
    }
  }
}

// The name of a sequential node may be empty, as in "/a/": the server appends digits.
bool is_path(const std::string& path, bool sequential) {
  return check_zookeeper_path(sequential ? path + "0" : path).ok();
}

}  // namespace

const char* name_of(ZkCode code) {
  switch (code) {
    case ZkCode::ok:
      return "ok";
    case ZkCode::no_node:
      return "no_node";
    case ZkCode::node_exists:
      return "node_exists";
    case ZkCode::bad_version:
      return "bad_version";
    case ZkCode::no_auth:
      return "no_auth";
    case ZkCode::not_empty:
      return "not_empty";
    case ZkCode::no_children_for_ephemerals:
      return "no_children_for_ephemerals";
    case ZkCode::too_large:
      return "too_large";
    case ZkCode::busy:
      return "busy";
    case ZkCode::invalid:
      return "invalid";
    case ZkCode::rolled_back:
      return "rolled_back";
    case ZkCode::connection_loss:
      return "connection_loss";
    case ZkCode::expired:
      return "expired";
    case ZkCode::auth_failed:
      return "auth_failed";
    case ZkCode::other:
      return "other";
  }
  return "unknown";
}

ZkOp ZkOp::create(std::string path, std::string data, ZkCreate how) {
  return {Kind::create, std::move(path), std::move(data), kZkAnyVersion, how};
}
ZkOp ZkOp::set(std::string path, std::string data, std::int32_t version) {
  return {Kind::set, std::move(path), std::move(data), version, {}};
}
ZkOp ZkOp::remove(std::string path, std::int32_t version) {
  return {Kind::remove, std::move(path), {}, version, {}};
}
ZkOp ZkOp::check(std::string path, std::int32_t version) {
  return {Kind::check, std::move(path), {}, version, {}};
}

// ---- sending ------------------------------------------------------------------------------------

const ACL_vector* ZookeeperImpl::acl(const ZkCreate& how) const {
  if (options.digest_auth.empty()) return &ZOO_OPEN_ACL_UNSAFE;
  if (!how.readable_by_all) return &ZOO_CREATOR_ALL_ACL;
  // The library's own identities are not constant expressions.
  static ACL entries[] = {{ZOO_PERM_ALL, ZOO_AUTH_IDS}, {ZOO_PERM_READ, ZOO_ANYONE_ID_UNSAFE}};
  static const ACL_vector kReadable = {2, entries};
  return &kReadable;
}

void ZookeeperImpl::refuse(ZkAnswer answer, ZkCode code) {
  ZkReply reply;
  reply.code = code;
  to_tell.emplace_back(Answer{std::move(answer), std::move(reply)});
  schedule();
}

// Why the wish cannot be sent now, or ok.
ZkCode ZookeeperImpl::obstacle(const Wish& wish) {
  if (state.phase == ZkPhase::expired) return ZkCode::expired;
  if (state.phase == ZkPhase::auth_failed) return ZkCode::auth_failed;
  if (wish.bytes > options.max_request_bytes) return ZkCode::too_large;
  if (!connected()) return ZkCode::connection_loss;
  if (outstanding >= options.max_outstanding ||
      outstanding_bytes + wish.bytes > options.max_outstanding_bytes) {
    return ZkCode::busy;
  }
  const bool more_watches = !wish.watch.empty() && watches.count(wish.watch) == 0;
  if (more_watches && (watches.size() >= options.max_watches ||
                       watch_bytes + wish.watch.size() > options.max_request_bytes)) {
    return ZkCode::busy;
  }
  return ZkCode::ok;
}

void ZookeeperImpl::request(const std::string& path, bool sequential, Wish wish, Call call) {
  if (!is_path(path, sequential)) return refuse(std::move(wish.answer), ZkCode::invalid);
  wish.bytes += path.size() + kOperationBytes;
  send(std::move(wish), std::move(call));
}

void ZookeeperImpl::send(Wish wish, Call call) {
  if (const ZkCode code = obstacle(wish); code != ZkCode::ok) {
    return refuse(std::move(wish.answer), code);
  }
  auto pending = std::make_unique<ZkPending>();
  pending->session = this;
  pending->sent = monotonic_now();
  pending->bytes = wish.bytes;
  pending->watch_without_node = wish.watch_without_node;
  pending->answer = std::move(wish.answer);
  pending->multi = std::move(wish.multi);
  // Paths and state are checked, so the client has no reason left to refuse but a lack of memory.
  if (call(handle, pending.get()) != ZOK) return refuse(std::move(pending->answer), ZkCode::other);
  if (!wish.watch.empty() && watches.insert(wish.watch).second) {
    watch_bytes += wish.watch.size();
    pending->new_watch = std::move(wish.watch);
  }
  ++outstanding;
  outstanding_bytes += pending->bytes;
  pending.release();  // the client has it until it calls a completion
  schedule();         // to wait for the answer, and for room if not all was sent
}

void ZookeeperImpl::answered(ZkPending* raw, int client_code, ZkReply reply) {
  const std::unique_ptr<ZkPending> pending(raw);
  --outstanding;
  outstanding_bytes -= pending->bytes;
  if (closing) return;
  reply.code = code_of(client_code);
  if (from_a_server(reply.code)) contact = std::max(contact, pending->sent);
  const bool watched =
      reply.code == ZkCode::ok || (pending->watch_without_node && reply.code == ZkCode::no_node);
  if (!watched && watches.erase(pending->new_watch) > 0) watch_bytes -= pending->new_watch.size();
  if (pending->answer) {
    to_tell.emplace_back(Answer{std::move(pending->answer), std::move(reply)});
  }
}

void ZookeeperImpl::watch_fired(ZkEvent event, const std::string& path) {
  const bool children = event == ZkEvent::children_changed || event == ZkEvent::deleted;
  const bool data = event != ZkEvent::children_changed;
  if (data && watches.erase("d" + path) > 0) watch_bytes -= path.size() + 1;
  if (children && watches.erase("c" + path) > 0) watch_bytes -= path.size() + 1;
  to_tell.emplace_back(ZkWatch{event, path});
}

// A read that every server answers by itself and everybody may make.
void ZookeeperImpl::heartbeat() {
  if (!connected()) return;
  auto pending = std::make_unique<ZkPending>();
  pending->session = this;
  pending->sent = monotonic_now();
  if (zoo_awexists(handle, "/", nullptr, nullptr, on_stat, pending.get()) == ZOK) {
    ++outstanding;
    pending.release();
  }
  schedule();
}

// ---- the requests -------------------------------------------------------------------------------

void ZookeeperSession::create(const std::string& path, const std::string& data, ZkCreate how,
                              OnCreate done) {
  ZookeeperImpl::Wish wish;
  wish.bytes = data.size();
  wish.answer = [done = std::move(done)](const ZkReply& r) mutable { done(r.code, r.text); };
  impl_->request(path, how.sequential, std::move(wish), [&](zhandle_t* handle, ZkPending* pending) {
    return zoo_acreate(handle, path.c_str(), data.data(), static_cast<int>(data.size()),
                       impl_->acl(how), flags_of(how), on_text, pending);
  });
}

void ZookeeperSession::get(const std::string& path, bool watch, OnData done) {
  ZookeeperImpl::Wish wish;
  if (watch) wish.watch = "d" + path;
  wish.answer = [done = std::move(done)](const ZkReply& r) mutable {
    done(r.code, r.text, r.stat);
  };
  impl_->request(path, false, std::move(wish), [&](zhandle_t* handle, ZkPending* pending) {
    return zoo_awget(handle, path.c_str(), watch ? on_watch : nullptr, impl_.get(), on_bytes,
                     pending);
  });
}

void ZookeeperSession::exists(const std::string& path, bool watch, OnStat done) {
  ZookeeperImpl::Wish wish;
  if (watch) wish.watch = "d" + path;
  wish.watch_without_node = true;
  wish.answer = [done = std::move(done)](const ZkReply& r) mutable { done(r.code, r.stat); };
  impl_->request(path, false, std::move(wish), [&](zhandle_t* handle, ZkPending* pending) {
    return zoo_awexists(handle, path.c_str(), watch ? on_watch : nullptr, impl_.get(), on_stat,
                        pending);
  });
}

void ZookeeperSession::children(const std::string& path, bool watch, OnNames done) {
  ZookeeperImpl::Wish wish;
  if (watch) wish.watch = "c" + path;
  wish.answer = [done = std::move(done)](const ZkReply& r) mutable { done(r.code, r.names); };
  impl_->request(path, false, std::move(wish), [&](zhandle_t* handle, ZkPending* pending) {
    return zoo_awget_children(handle, path.c_str(), watch ? on_watch : nullptr, impl_.get(),
                              on_names, pending);
  });
}

void ZookeeperSession::set(const std::string& path, const std::string& data, std::int32_t version,
                           OnStat done) {
  ZookeeperImpl::Wish wish;
  wish.bytes = data.size();
  wish.answer = [done = std::move(done)](const ZkReply& r) mutable { done(r.code, r.stat); };
  impl_->request(path, false, std::move(wish), [&](zhandle_t* handle, ZkPending* pending) {
    return zoo_aset(handle, path.c_str(), data.data(), static_cast<int>(data.size()), version,
                    on_stat, pending);
  });
}

void ZookeeperSession::remove(const std::string& path, std::int32_t version, OnDone done) {
  ZookeeperImpl::Wish wish;
  wish.answer = [done = std::move(done)](const ZkReply& r) mutable { done(r.code); };
  impl_->request(path, false, std::move(wish), [&](zhandle_t* handle, ZkPending* pending) {
    return zoo_adelete(handle, path.c_str(), version, on_done, pending);
  });
}

void ZookeeperSession::multi(std::vector<ZkOp> ops, OnMulti done) {
  ZookeeperImpl::Wish wish;
  wish.answer = [done = std::move(done)](const ZkReply& r) mutable { done(r.code, r.results); };
  for (const ZkOp& op : ops) {
    const bool sequential = op.kind == ZkOp::Kind::create && op.how.sequential;
    if (!is_path(op.path, sequential))
      return impl_->refuse(std::move(wish.answer), ZkCode::invalid);
    wish.bytes += op.path.size() + op.data.size() + kOperationBytes;
  }
  // The client makes an error of an empty one; nothing to do is done.
  if (ops.empty()) return impl_->refuse(std::move(wish.answer), ZkCode::ok);
  wish.multi = std::make_unique<ZkMultiCall>();
  wish.multi->ops = std::move(ops);
  prepare(*wish.multi, *impl_);
  impl_->send(std::move(wish), [](zhandle_t* handle, ZkPending* pending) {
    ZkMultiCall& multi = *pending->multi;
    return zoo_amulti(handle, static_cast<int>(multi.calls.size()), multi.calls.data(),
                      multi.results.data(), on_multi, pending);
  });
}

}  // namespace bourse::runtime
