// LinkTransport: a scheduler's way to the master over ZeroMQ. What leaves in one turn of the loop
// travels in one message. As master_transport.hpp says.
#pragma once

#include <memory>
#include <string>

#include "coordination/link/leader_watch.hpp"
#include "framework-sdk/link/master_transport.hpp"
#include "link/master_channel.hpp"

namespace bourse::sdk {

class LinkTransport : public MasterTransport {
 public:
  LinkTransport(runtime::Loop& loop, coordination::Masters masters, TransportHandlers handlers);

  void start() override;
  void send(const FrameworkToMaster& message) override;
  void flush() override;
  void registered() override { channel_->registered(); }
  void give_up() override;
  void learned(const std::string& address) override { channel_->learned(address); }

 private:
  void on_bytes(std::string_view bytes);
  void lose_soon();

  runtime::Loop& loop_;
  TransportHandlers handlers_;
  std::unique_ptr<link::MasterChannel> channel_;
  std::unique_ptr<coordination::LeaderWatch> leader_watch_;
  std::string batch_;
  bool flush_scheduled_ = false;
  bool told_closing_ = false;  // the master said why it ends this connection
};

}  // namespace bourse::sdk
