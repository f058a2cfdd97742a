// LauncherClient: the agent's side of the launcher process: starts it, hands it launch records,
// reads its answers, knows when it is dead. Never blocks: requests wait in a bounded queue while
// the launcher's socket is full. Owner: the container runtime; one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "agent/isolation/process_identity.hpp"
#include "agent/isolation/shim_protocol.hpp"
#include "base/result.hpp"

namespace bourse::isolation {

class LauncherClient {
 public:
  static constexpr std::size_t kMostWaiting = 4096;

  LauncherClient(std::string shim_path, std::vector<std::string> cgroup_dirs)
      : shim_path_(std::move(shim_path)), cgroup_dirs_(std::move(cgroup_dirs)) {}
  ~LauncherClient();
  LauncherClient(const LauncherClient&) = delete;
  LauncherClient& operator=(const LauncherClient&) = delete;

  // Requests that no earlier launcher was given are kept and given to this one.
  Status start();
  bool running() const { return socket_ >= 0; }
  int fd() const { return socket_; }
  ProcessIdentity process() const { return process_; }

  // Takes the bytes of the record; `request` comes back with the answer.
  Status request(std::int64_t request, const std::string& container_id, const std::string& record);
  // A session process: owns `socket`, its end of the socket to the agent.
  Status request_session(std::int64_t request, const std::string& session_id, int socket);
  // The request has not been given to any launcher yet.
  bool waits(std::int64_t request) const;
  // Sends what waits, as far as the socket takes it. True when nothing waits any more.
  bool flush();
  // 1 an answer, 0 nothing now, -1 the launcher is dead (stop() was called).
  int receive(Frame& frame);
  // Ends the process (closing its socket, then SIGKILL) and reaps it.
  void stop();

 private:
  struct Waiting {
    std::int64_t request = 0;
    std::string container_id;
    int record_fd = -1;
    FrameType type = FrameType::launch;
  };
  bool send_one(const Waiting& waiting);

  std::string shim_path_;
  std::vector<std::string> cgroup_dirs_;
  int socket_ = -1;
  ProcessIdentity process_;
  std::deque<Waiting> waiting_;
};

}  // namespace bourse::isolation
