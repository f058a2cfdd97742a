// Private to runtime/zookeeper*.cpp: what is behind a ZookeeperSession, with the C client's types.
//
// The client (libzookeeper_st) does nothing on its own: it is asked what it waits for (interest)
// and told what happened (process). What we guard, because the client does not
// (docs/decisions/0012):
//   - it is called for a request only while it is CONNECTED, and never after EXPIRED;
//   - its own callbacks only note what happened; users are called after the client has returned;
//   - a send that fails inside a request closes the socket without telling anybody: noticed after
//     every call, and cleared before the client may connect again (it would go on in the middle of
//     a message);
//   - it takes two steps in its list of servers per failure, so that of two it tries one, without a
//     pause: we turn the list to the next one, and the pauses are ours;
//   - its sockets come and go behind our back under the same number: we watch a duplicate.
#pragma once

#include <sys/types.h>
#include <zookeeper/zookeeper.h>

#include <set>
#include <variant>

#include "runtime/zookeeper.hpp"
#include "runtime/zookeeper_addresses.hpp"

namespace bourse::runtime {

// Everything an answer may hold; a callback takes from it what its request asked for.
struct ZkReply {
  ZkCode code = ZkCode::ok;
  std::string text = {};
  ZkStat stat = {};
  std::vector<std::string> names = {};
  std::vector<ZkOpResult> results = {};
};
using ZkAnswer = UniqueFunction<void(const ZkReply&)>;

// A multi as the client wants it; lives until the answer.
struct ZkMultiCall {
  std::vector<ZkOp> ops;
  std::vector<zoo_op_t> calls;
  std::vector<zoo_op_result_t> results;
  std::vector<std::string> paths;  // room for the paths of created nodes
  std::vector<Stat> stats;
};

struct ZookeeperImpl;

// A request that the client holds; its completion deletes it.
struct ZkPending {
  ZookeeperImpl* session = nullptr;
  Instant sent;
  std::size_t bytes = 0;
  std::string new_watch;  // key in `watches` that this request added
  bool watch_without_node = false;
  ZkAnswer answer;  // empty for a heartbeat
  std::unique_ptr<ZkMultiCall> multi;
};

// The client's socket, watched through a duplicate of ours: its number cannot be taken by another
// socket while we hold it.
struct ZkSocket {
  ~ZkSocket() { drop(); }
  void drop();

  int client_fd = -1;
  int own_fd = -1;
  ino_t inode = 0;
  FdWatch watch;
};

struct ZookeeperImpl {
  using OnState = ZookeeperSession::OnState;
  using OnWatch = ZookeeperSession::OnWatch;

  ZookeeperImpl(Loop& loop_arg, ZookeeperOptions options_arg, OnState state_arg, OnWatch watch_arg);
  ~ZookeeperImpl();

  // -- zookeeper.cpp: driving the client
  void start();
  void open_handle();
  void close_handle();
  void schedule();
  void turn(int events);
  void process(int events);
  void refresh();
  void connect_on();
  bool follow(int fd, int interest, Instant asked);
  Duration attempt_limit() const;
  void leave_silent_server();
  void abandon(int fd);
  void clear_lost();
  bool next_server();
  void back_off();
  void wake_at(Instant at);
  void heartbeat();
  void addresses_known();
  void note_phase(ZkPhase phase);
  void deliver();
  bool connected() const;
  bool final() const;

  // -- zookeeper_requests.cpp: requests and their answers
  struct Wish {
    std::size_t bytes = 0;
    std::string watch = {};  // key, or empty
    bool watch_without_node = false;
    ZkAnswer answer = {};
    std::unique_ptr<ZkMultiCall> multi = {};
  };
  using Call = UniqueFunction<int(zhandle_t*, ZkPending*)>;
  void request(const std::string& path, bool sequential, Wish wish, Call call);
  void send(Wish wish, Call call);
  void refuse(ZkAnswer answer, ZkCode code);
  void answered(ZkPending* pending, int client_code, ZkReply reply);
  void watch_fired(ZkEvent event, const std::string& path);
  ZkCode obstacle(const Wish& wish);
  const ACL_vector* acl(const ZkCreate& how) const;

  Loop& loop;
  ZookeeperOptions options;
  OnState on_state;
  OnWatch on_watch;
  std::shared_ptr<bool> alive = std::make_shared<bool>(true);

  zhandle_t* handle = nullptr;
  bool closing = false;  // the owner is gone: nobody is told anything
  ZkSocket socket;
  ZookeeperAddresses addresses;
  std::vector<std::string> servers;  // numeric, as the client has them
  std::size_t tried = 0;             // of them, since the last pause
  bool server_failed = false;
  int silent_attempts = 0;  // that ran into their limit, since the last session
  Timer wake_timer;
  Instant wake_instant = Instant::max();
  Timer heartbeat_timer;
  bool scheduled = false;
  Instant retry_at;  // no connecting before
  int failed_rounds = 0;

  ZkState state;
  Instant contact;
  Instant attempt_started;
  std::string error;
  std::uint64_t wakeups = 0;
  std::uint64_t attempts = 0;
  std::size_t outstanding = 0;
  std::size_t outstanding_bytes = 0;
  std::set<std::string> watches;
  std::size_t watch_bytes = 0;

  struct Answer {
    ZkAnswer answer;
    ZkReply reply;
  };
  using Told = std::variant<ZkState, ZkWatch, Answer>;
  std::vector<Told> to_tell;
};

}  // namespace bourse::runtime
