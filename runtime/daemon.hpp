// What every daemon does at its start: own its work directory, raise its descriptor limit, refuse
// an address that would let strangers in. Main thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace bourse::runtime {

// A file with this process' id, locked while this object lives; removed with it. A second process
// gets an error that names the first.
class PidFile {
 public:
  static Result<PidFile> take(const std::string& path);
  PidFile(PidFile&& other) noexcept;
  PidFile& operator=(PidFile&& other) noexcept;
  ~PidFile();

 private:
  PidFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  int fd_ = -1;
  std::string path_;
};

// Creates the directory and its parents (0755) if missing. An error names what is in the way.
Status make_directories(const std::string& path);

// Raises the soft limit of open files to the hard one; the limit that holds then.
std::uint64_t raise_descriptor_limit();

// "127.0.0.1", "::1", "localhost" and all of 127/8.
bool is_loopback(std::string_view address);

// The rule for every listening address: loopback is always fine; any other needs authentication
// configured or --insecure typed. The error says both ways out.
Status check_bind_address(std::string_view address, bool authenticated, bool insecure);

// What a daemon does first: opens its log, refuses an address that would let strangers in, raises
// the limit of descriptors, and does not die of a peer that is gone.
struct DaemonStart {
  std::string program;    // "bourse-master"
  std::string log_level;  // as its flag says
  std::string ip;         // what it listens on
  bool insecure = false;
};
Status start_daemon(const DaemonStart& start);

}  // namespace bourse::runtime
