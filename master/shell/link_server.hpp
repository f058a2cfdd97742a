// LinkServer: the master's ZeroMQ side. Agents and SDK frameworks connect to one port and say in
// their first message which they are. Frames are decoded here, on the I/O thread, and become
// events; messages of the core are encoded here, many to one transport message per peer and turn.
// While this master does not lead, peers are told who does, again whenever that changes.
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
#include "proto/codec/scheduler.hpp"
#include "runtime/loop.hpp"
#include "runtime/zmq_endpoint.hpp"

namespace bourse::master {

struct LinkStats {
  std::uint64_t frames_in = 0;
  std::uint64_t frames_out = 0;
  std::uint64_t frames_refused = 0;  // did not parse: the peer was disconnected
  std::uint64_t peers_refused = 0;   // said neither who they are nor in a version we know
  std::uint64_t times_paused = 0;    // reading stopped because the core had too much to do
  std::size_t peers = 0;
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
  // The core or the view has room again.
  void resume();
  void set_master(codec::MasterDescription master) { master_ = std::move(master); }
  LinkStats stats() const;

 private:
  // standby: it came while this master did not lead, and is nothing to the core.
  enum class Kind : std::uint8_t { unknown, agent, framework, standby };

  LinkBatches::Sinks sinks();
  void on_message(runtime::PeerId peer, std::string_view bytes);
  void on_frames(runtime::PeerId peer, Kind kind, std::string_view bytes);
  void on_close(runtime::PeerId peer);
  void refuse(runtime::PeerId peer, const std::string& reason);
  void forget(runtime::PeerId peer);
  void tell_waiting(const std::string& leader);
  void note_outcome(runtime::PeerId peer, runtime::PushOutcome outcome);
  void close_after_flush(runtime::PeerId peer);

  runtime::Loop& loop_;
  Push push_;
  codec::MasterDescription master_;
  LinkBatches batches_;
  std::unique_ptr<runtime::ZmqServer> server_;
  std::unordered_map<std::uint64_t, Kind> peers_;
  std::map<std::uint64_t, runtime::Timer> closing_;
  LinkStats stats_;
  bool reading_ = true;
  bool leading_ = false;
  std::string leader_;  // while this one does not lead
};

}  // namespace bourse::master
