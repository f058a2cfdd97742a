// What every command shares: --master or --service, --credential, --json, help, and how failures
// are said. Main thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "cli/commands.hpp"
#include "runtime/flags.hpp"

namespace bourse::cli {

class Invocation {
 public:
  // Whom the command asks: masters, or the service scheduler.
  enum class Peer { master, service };

  Invocation(const std::string& command, const std::string& description, Peer peer = Peer::master);

  runtime::Flags& flags() { return flags_; }
  Peer peer() const { return peer_; }
  // Of the peer.
  const std::string& address() const { return peer_ == Peer::master ? master_ : service_; }
  const std::string& master() const { return master_; }
  // The header that says who asks; empty: nobody in particular.
  const std::string& authorization() const { return authorization_; }
  const std::string& principal() const { return principal_; }
  bool json() const { return json_; }
  // nullopt: go on. Otherwise the exit code: help was printed, or the usage was wrong.
  std::optional<int> parse(const Arguments& arguments);

 private:
  Status read_credential();

  Peer peer_;
  std::string program_;
  runtime::Flags flags_;
  std::string master_ = "127.0.0.1:5050";
  std::string service_ = "127.0.0.1:5070";
  std::string credential_;  // a file
  std::string authorization_;
  std::string principal_;
  bool json_ = false;
};

int failed(const Error& error);

}  // namespace bourse::cli
