// ZooKeeperModel: an ensemble in one process and one virtual clock. Writes go through one order;
// each server follows it in its own time and answers reads from where it is, so that a client may
// read what was true before, though never less than it saw or wrote. Sessions, ephemerals, sequence
// numbers, versions, watches of one shot, multis, the limit of 1 MB, and answers that are lost.
//
// Clients behave as the C library does: requests of one session stay in order; when a connection is
// lost, each request under way is answered connection_loss, whether it happened or not; what left a
// client before it lost its connection may still arrive until it has another. Unlike the library a
// client does not keep its watches over a connection. One owner, one thread; nothing is delivered
// from within a call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/prng.hpp"
#include "base/time.hpp"
#include "coordination/core/event.hpp"
#include "coordination/core/zk_request.hpp"
#include "sim/schedule.hpp"
#include "sim/zookeeper_tree.hpp"

namespace bourse::sim {

// How fast the ensemble and the ways to it are.
struct ZooKeeperPace {
  Duration latency = Duration::milliseconds(1);  // one way
  Duration jitter = Duration::milliseconds(4);
  Duration lag = Duration::milliseconds(20);  // of a server behind the order, at most
  Duration reconnect = Duration::milliseconds(300);
  std::size_t servers = 3;
};

class ZooKeeperModel {
 public:
  using Deliver = std::function<void(coordination::EventBody)>;
  using Handle = std::uint64_t;

  // A transaction that happened.
  struct Commit {
    std::uint64_t session = 0;  // 0: the operator's own hand
    const std::vector<coordination::zk::Change>& changes;
    const ZkTree& after;
  };

  ZooKeeperModel(Schedule& schedule, std::uint64_t seed, ZooKeeperPace pace = {});

  // -- what a shell does.
  Handle open(coordination::SessionNumber number, Duration timeout, Deliver deliver);
  void request(Handle handle, coordination::ZkRequestId id, coordination::zk::Request request);
  void close(Handle handle);  // politely: the session ends at once

  // -- what can go wrong.
  void kill(Handle handle);  // its process died: the session ends by its time-out
  // Its process stands still: nothing is delivered, nothing says that it lives.
  void pause(Handle handle, bool paused);
  // Nothing passes, either way, until it heals; what is on its way comes then.
  void cut(Handle handle, bool cut) { cut_ways(handle, cut, cut); }
  // To the ensemble (up) and back, each by itself.
  void cut_ways(Handle handle, bool up, bool down);
  void break_connection(Handle handle);
  void expire(Handle handle);
  void set_available(bool available);
  // The next write is done or not, and its answer is lost with the connection.
  void lose_next_write(Handle handle, bool done) { clients_.at(handle).lose_next = done; }
  void refuse_credentials(bool refuse) { refuse_credentials_ = refuse; }
  // Nodes at or below a path may no longer be read or changed by clients.
  void forbid(std::string path) { forbidden_ = std::move(path); }

  // -- for tests and judges.
  coordination::zk::Reply by_hand(const coordination::zk::Change& change);
  const ZkTree& tree() const { return tree_; }
  std::uint64_t session_of(Handle handle) const { return clients_.at(handle).session; }
  std::function<void(const Commit&)> on_commit;

 private:
  enum class Link : std::uint8_t { down, up, over };

  struct Server {
    ZkTree tree;
    std::uint64_t applied = 0;  // transactions
    Instant due;
  };
  struct Session {
    Duration timeout;
    Instant heard;
    std::uint64_t connection = 0;  // whose requests are taken
    bool over = false;
  };
  // At the server, in order of arrival.
  struct Arrived {
    coordination::ZkRequestId id;
    coordination::zk::Request request;  // a read: not done yet
    std::optional<coordination::zk::Reply> reply;
    std::uint64_t after = 0;  // transactions that the answer waits for
  };
  // What befalls a request.
  enum class Fate : std::uint8_t { normal, done_unheard, lost };
  struct Client {
    coordination::SessionNumber number;
    Duration timeout;
    Deliver deliver;
    Link link = Link::down;
    std::uint64_t session = 0;
    std::uint64_t connection = 0;
    std::size_t server = 0;
    std::uint64_t seen = 0;  // transactions: it goes to no server that knows less
    Instant up_due, down_due;
    std::deque<Arrived> arrived;
    std::vector<coordination::ZkRequestId> under_way;
    std::set<std::string> data_watches, child_watches;
    bool paused = false;
    bool cut_up = false;
    bool cut_down = false;
    std::vector<Schedule::Action> held_up, held_down;  // on its way when the way was cut

    bool cut() const { return cut_up || cut_down; }
    std::vector<coordination::EventBody> undelivered;  // while paused
    std::optional<bool> lose_next;
  };

  Duration drawn() { return pace_.latency + Duration{rng_.between(0, pace_.jitter.ns)}; }
  void give(Handle handle, coordination::EventBody body);
  void deliver(Handle handle);
  void lose(Handle handle);
  void connect_later(Handle handle);
  void connect(Handle handle);
  void greet(Handle handle, std::size_t server);
  void arrive(Handle handle, std::uint64_t connection, Fate fate, coordination::ZkRequestId id,
              const coordination::zk::Request& request);
  void pump(Handle handle);
  void tell(Handle handle, coordination::EventBody body);
  coordination::zk::Reply read(Handle handle, const coordination::zk::Request& request);
  coordination::zk::Reply write(std::uint64_t session, const coordination::zk::Request& request);
  coordination::zk::Reply commit(std::uint64_t session,
                                 const std::vector<coordination::zk::Change>& changes);
  void append(ZkDelta delta);
  void follow(std::size_t server);
  void fire(std::size_t server, const std::string& path, bool made_or_gone);
  bool is_forbidden(const std::string& path) const;
  void fell_silent(const Client& client);
  void watch_session(std::uint64_t session);
  void end_session(std::uint64_t session);
  bool speaks(std::uint64_t session) const;

  Schedule& schedule_;
  Prng rng_;
  ZooKeeperPace pace_;
  ZkTree tree_;
  std::vector<Server> servers_;
  std::deque<ZkDelta> order_;    // transactions that some server has not followed yet
  std::uint64_t forgotten_ = 0;  // transactions before the front of order_
  std::map<std::uint64_t, Session> sessions_;
  std::map<Handle, Client> clients_;
  std::uint64_t handles_ = 0;
  std::uint64_t sessions_made_ = 0;
  std::uint64_t connections_made_ = 0;
  bool available_ = true;
  bool refuse_credentials_ = false;
  std::string forbidden_;
};

}  // namespace bourse::sim
