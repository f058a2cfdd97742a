// ZookeeperSession: one session with a ZooKeeper ensemble, driven by a Loop. It moves bytes and
// tells what the servers said; who leads, when to try again and what an answer means is decided
// elsewhere.
//
// Ownership and thread: belongs to the loop's thread, and all sessions of a process to one thread
// (the C client below counts requests in a static variable). Callbacks run on that thread, never
// inside the call that asked for them. A session may be destroyed inside one of its callbacks; none
// runs after that. Destroying closes the session at the server, so its ephemeral nodes vanish at
// once.
//
// Answers: every request is answered exactly once (not if the session is destroyed before).
// `connection_loss` is ambiguous: the request may have been carried out, or still be. A request
// made while there is no connection is answered connection_loss too, and was not sent. What was
// sent is answered in its order, what was not may be answered before. `suspended` is told before
// the requests that it cost are answered. The session reconnects by itself, for ever, with a
// back-off, and looks its hosts up anew meanwhile; watches survive that. `expired` and
// `auth_failed` are final: open another one.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "runtime/loop.hpp"
#include "runtime/unique_function.hpp"

namespace bourse::runtime {

struct ZookeeperImpl;

struct ZookeeperOptions {
  std::vector<std::string> servers = {};  // host:port, at least one
  Duration session_timeout = Duration::seconds(4);
  // "user:password": every node is created for this user alone. Empty: nodes are open to all.
  std::string digest_auth = {};
  // Paths and data of one request. The servers' own limit is 1 MiB; they answer a larger request by
  // closing the connection, so that it would be repeated for ever.
  std::size_t max_request_bytes = 512u << 10;
  // Sent and not yet answered; a request over it is answered `busy` and not sent.
  std::size_t max_outstanding = 4096;
  std::size_t max_outstanding_bytes = 16u << 20;
  // Paths with a watch; all of them go into one message after a reconnect.
  std::size_t max_watches = 1024;
};

enum class ZkCode {
  ok,
  no_node,
  node_exists,
  bad_version,
  no_auth,  // the node belongs to another user: a wrong password looks like this
  not_empty,
  no_children_for_ephemerals,
  too_large,        // not sent
  busy,             // not sent: too much outstanding, or too many watches
  invalid,          // not sent: not a path
  rolled_back,      // of a multi: nothing wrong with this one, but another failed
  connection_loss,  // ambiguous
  expired,
  auth_failed,
  other,
};
const char* name_of(ZkCode code);

struct ZkStat {
  std::int32_t version = 0;
  std::int64_t ephemeral_owner = 0;  // a session's id, 0 for a lasting node
  std::int64_t czxid = 0;
  std::int64_t mzxid = 0;
  std::int32_t children = 0;

  bool operator==(const ZkStat&) const = default;
};

enum class ZkPhase { connecting, connected, suspended, expired, auth_failed };
const char* name_of(ZkPhase phase);

struct ZkState {
  ZkPhase phase = ZkPhase::connecting;
  std::int64_t session_id = 0;  // from `connected` on
  Duration timeout = {};        // as the server granted it

  bool operator==(const ZkState&) const = default;
};

enum class ZkEvent { created, deleted, changed, children_changed };

struct ZkWatch {
  ZkEvent event = ZkEvent::changed;
  std::string path;

  bool operator==(const ZkWatch&) const = default;
};

constexpr std::int32_t kZkAnyVersion = -1;

struct ZkCreate {
  bool ephemeral = false;
  bool sequential = false;
  bool readable_by_all = false;  // with digest_auth: others may read it, and no more
};

// One operation of a multi.
struct ZkOp {
  enum class Kind { create, set, remove, check };
  Kind kind = Kind::check;
  std::string path;
  std::string data = {};
  std::int32_t version = kZkAnyVersion;
  ZkCreate how = {};

  static ZkOp create(std::string path, std::string data, ZkCreate how = {});
  static ZkOp set(std::string path, std::string data, std::int32_t version = kZkAnyVersion);
  static ZkOp remove(std::string path, std::int32_t version = kZkAnyVersion);
  static ZkOp check(std::string path, std::int32_t version);
};

struct ZkOpResult {
  ZkCode code = ZkCode::ok;
  std::string created = {};  // path, of a create
  std::int32_t version = 0;  // after it, of a set
};

struct ZookeeperStats {
  std::uint64_t wakeups = 0;   // turns of the loop spent on this session
  std::uint64_t attempts = 0;  // connections begun
  std::size_t outstanding = 0;
  std::size_t outstanding_bytes = 0;
};

class ZookeeperSession {
 public:
  using OnState = UniqueFunction<void(const ZkState&)>;
  // Once per watch that was left by get, exists or children.
  using OnWatch = UniqueFunction<void(const ZkWatch&)>;
  using OnDone = UniqueFunction<void(ZkCode)>;
  using OnCreate = UniqueFunction<void(ZkCode, const std::string& created)>;
  using OnData = UniqueFunction<void(ZkCode, const std::string& data, const ZkStat&)>;
  using OnStat = UniqueFunction<void(ZkCode, const ZkStat&)>;
  using OnNames = UniqueFunction<void(ZkCode, const std::vector<std::string>& names)>;
  // The code is that of the first operation that failed. The results are as many as the operations,
  // or none if the whole was not carried out by a server.
  using OnMulti = UniqueFunction<void(ZkCode, const std::vector<ZkOpResult>&)>;

  // Returns at once, connecting goes on in the loop. invalid: the options name no server, ...
  static Result<std::unique_ptr<ZookeeperSession>> open(Loop& loop, ZookeeperOptions options,
                                                        OnState on_state, OnWatch on_watch);
  ~ZookeeperSession();
  ZookeeperSession(const ZookeeperSession&) = delete;
  ZookeeperSession& operator=(const ZookeeperSession&) = delete;

  void create(const std::string& path, const std::string& data, ZkCreate how, OnCreate done);
  void get(const std::string& path, bool watch, OnData done);
  void exists(const std::string& path, bool watch, OnStat done);
  void children(const std::string& path, bool watch, OnNames done);
  void set(const std::string& path, const std::string& data, std::int32_t version, OnStat done);
  void remove(const std::string& path, std::int32_t version, OnDone done);
  // All or nothing.
  void multi(std::vector<ZkOp> ops, OnMulti done);

  ZkState state() const;
  std::int64_t session_id() const { return state().session_id; }
  // When the latest request that a server of this session answered was SENT. The server counts the
  // session's timeout from then or later, so a lease that starts here is safe even if this process
  // slept between the answer's arrival and reading it. A heartbeat every quarter of the timeout
  // keeps it fresh. Zero before the first connection.
  Instant last_contact() const;
  // Why there is no connection, for people; empty while there is one.
  std::string last_error() const;
  ZookeeperStats stats() const;

 private:
  explicit ZookeeperSession(std::unique_ptr<ZookeeperImpl> impl);
  std::unique_ptr<ZookeeperImpl> impl_;
};

}  // namespace bourse::runtime
