// LinkServer: the master's ZeroMQ side. Agents and SDK frameworks connect to one port and say in
// their first message which they are. Frames are decoded here, on the I/O thread, and become
// events; messages of the core are encoded here, many to one transport message per peer and turn.
// While the core has enough to do, what arrives waits in inboxes (model/peer_inboxes.hpp, which
// decides whose turn it is). While this master does not lead, peers are told who does, again
// whenever that changes.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.hpp"
#include "master/shell/core_runner.hpp"
#include "master/shell/link_batches.hpp"
#include "master/shell/link_transport.hpp"
#include "model/peer_inboxes.hpp"
#include "proto/codec/scheduler.hpp"
#include "runtime/loop.hpp"
#include "runtime/zmq_endpoint.hpp"

namespace bourse::master {

struct LinkStats {
  std::uint64_t frames_in = 0;
  std::uint64_t frames_out = 0;
  std::uint64_t frames_refused = 0;  // did not parse: the peer was disconnected
  std::uint64_t peers_refused = 0;   // said neither who they are nor in a version we know
  std::uint64_t times_paused = 0;    // no socket was read: too much waited
  std::uint64_t peers_held = 0;      // times one was told to hold
  std::uint64_t peers_flooding = 0;  // closed, for they did not
  std::size_t peers = 0;
  std::size_t inbox_bytes = 0;   // received and not looked at
  std::size_t peers_unread = 0;  // set aside until they read their answers
  std::size_t gateways = 0;
  std::size_t peers_behind_gateways = 0;  // of peers
};

class LinkServer {
 public:
  using Push = std::function<runtime::PushOutcome(CoreRunner::EventBody, std::size_t)>;

  // `push` hands an event to the core. All else on the loop's thread.
  LinkServer(runtime::Loop& loop, Push push, codec::MasterDescription master);
  ~LinkServer();

  Status listen(const std::string& ip, std::uint16_t port);
  std::uint16_t port() const;
  void send(std::vector<Outgoing>&& batch);
  // Who leads instead of this master: its link, or nothing while nobody does. So it is at first.
  void follow(const std::string& leader);
  // From now on peers are taken in; those that were kept waiting are told to come to `own`.
  void lead(const std::string& own);
  // The core took what it had, or the view has room again.
  void resume();
  void set_master(codec::MasterDescription master) { master_ = std::move(master); }
  LinkStats stats() const;

 private:
  // standby: it came while this master did not lead, and is nothing to the core.
  enum class Kind : std::uint8_t { unknown, agent, framework, standby };

  struct Peer {
    Kind kind = Kind::unknown;
    bool ended = false;  // disconnected; what it sent before is still looked at
  };

  LinkBatches::Sinks sinks();
  void on_message(runtime::PeerId peer, std::string_view bytes);
  void on_preamble(runtime::PeerId peer, std::string_view bytes);
  void on_frames(runtime::PeerId peer, Kind kind, std::string_view bytes);
  void on_close(runtime::PeerId peer, const Error& why);
  bool reads_answers(PeerId peer) const;
  void schedule_pump();
  void pump();
  void obey_inboxes();
  void watch_unread();
  void refuse(runtime::PeerId peer, const std::string& reason);
  void forget(runtime::PeerId peer);
  void tell_waiting(const std::string& leader);
  void note_outcome(runtime::PeerId peer, runtime::PushOutcome outcome);
  void say_why(runtime::PeerId peer, const std::string& reason);
  void close_after_flush(runtime::PeerId peer);

  runtime::Loop& loop_;
  Push push_;
  codec::MasterDescription master_;
  LinkBatches batches_;
  std::unique_ptr<LinkTransport> server_;
  std::unordered_map<std::uint64_t, Peer> peers_;
  std::map<std::uint64_t, runtime::Timer> closing_;
  PeerInboxes inboxes_;
  LinkStats stats_;
  runtime::Timer unread_;
  bool pump_scheduled_ = false;
  bool core_busy_ = false;  // it, or the view, has enough to do
  bool crowded_ = false;
  bool leading_ = false;
  std::string leader_;  // while this one does not lead
};

}  // namespace bourse::master
