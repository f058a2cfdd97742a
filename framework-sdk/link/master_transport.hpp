// MasterTransport: how a scheduler driver speaks with whichever master leads; the SchedulerMachine
// above does not know which way it is. Two exist: the ZeroMQ link and Mesos' HTTP API.
//
// Belongs to its loop's thread; handlers run there, never inside a call of the owner. Destroy it
// there, not from inside a handler.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "model/framework_link.hpp"
#include "runtime/loop.hpp"

namespace bourse::sdk {

struct TransportHandlers {
  runtime::UniqueFunction<void()> on_connected;  // the way is open: SUBSCRIBE may go
  runtime::UniqueFunction<void(MasterToFramework)> on_message;
  // Over; another way is being looked for. `told`: whoever waits to be registered
  // should read the reason too.
  runtime::UniqueFunction<void(const std::string& reason, bool told)> on_lost;
  // A call was not taken and is not tried again.
  runtime::UniqueFunction<void(const std::string& reason)> on_refused;
};

class MasterTransport {
 public:
  MasterTransport() = default;
  MasterTransport(const MasterTransport&) = delete;
  MasterTransport& operator=(const MasterTransport&) = delete;
  virtual ~MasterTransport() = default;

  virtual void start() = 0;
  // What cannot be sent is dropped: the machine repeats what matters.
  virtual void send(const FrameworkToMaster& message) = 0;
  // What waits to travel with more leaves now.
  virtual void flush() = 0;
  // The master there took the framework in: it leads.
  virtual void registered() = 0;
  // The owner wants no more of this connection. on_lost is not called for it.
  virtual void give_up() = 0;
  // Somebody says that the leader is here.
  virtual void learned(const std::string& address) = 0;
};

// `masters`: "http://host:port,..." for HTTP, else what the link takes: "host:port,..." or
// "zk://...". An error names the text and what would be right. `credential_file`: for HTTP; may be
// empty.
Result<std::unique_ptr<MasterTransport>> make_transport(runtime::Loop& loop,
                                                        std::string_view masters,
                                                        TransportHandlers handlers,
                                                        const std::string& credential_file);

}  // namespace bourse::sdk
