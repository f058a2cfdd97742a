#include "framework-sdk/link/link_transport.hpp"

#include <utility>

#include "framework-sdk/link/http_transport.hpp"
#include "proto/codec/frames.hpp"
#include "proto/codec/links.hpp"
#include "runtime/entropy.hpp"

namespace bourse::sdk {

LinkTransport::LinkTransport(runtime::Loop& loop, coordination::Masters masters,
                             TransportHandlers handlers)
    : loop_(loop), handlers_(std::move(handlers)) {
  link::MasterChannelOptions options;
  options.masters = std::move(masters.addresses);
  options.preamble = kFrameworkPreamble;
  options.seed = runtime::random_u64();
  link::MasterChannelHandlers of_channel;
  of_channel.on_connected = [this] { handlers_.on_connected(); };
  of_channel.on_message = [this](std::string_view bytes) { on_bytes(bytes); };
  of_channel.on_closing = [this](const std::string&) { told_closing_ = true; };
  of_channel.on_lost = [this](const std::string& reason) {
    batch_.clear();
    handlers_.on_lost(reason, std::exchange(told_closing_, false));
  };
  channel_ =
      std::make_unique<link::MasterChannel>(loop_, std::move(options), std::move(of_channel));
  if (!masters.ensemble) return;
  leader_watch_ = std::make_unique<coordination::LeaderWatch>(
      loop_, *masters.ensemble, runtime::random_u64(), coordination::LeaderAddress::link,
      [this](const std::string& leader) { channel_->learned(leader); });
}

void LinkTransport::start() {
  channel_->start();
  if (leader_watch_) (void)leader_watch_->start();  // the address parsed: it has servers
}

void LinkTransport::send(const FrameworkToMaster& message) {
  const std::size_t before = batch_.size();
  if (codec::append_framework_to_master(message, batch_) == 0) {
    handlers_.on_refused("a call is larger than " + std::to_string(limits::kMaxFrameBytes) +
                         " bytes and was not sent");
    return;
  }
  if (before > 0 && batch_.size() > limits::kMaxFrameBytes / 2) flush();
  if (flush_scheduled_ || batch_.empty()) return;
  flush_scheduled_ = true;
  loop_.post([this] { flush(); });
}

void LinkTransport::flush() {
  flush_scheduled_ = false;
  if (batch_.empty()) return;
  // Not connected or over budget: the machine's promises resend what matters.
  (void)channel_->send(std::move(batch_));
  batch_.clear();
}

void LinkTransport::on_bytes(std::string_view bytes) {
  auto frames = codec::decode_frames(bytes);
  if (!frames.ok()) return lose_soon();
  for (const std::string_view frame : frames.value()) {
    auto message = codec::decode_master_to_framework(frame);
    if (!message.ok()) return lose_soon();
    handlers_.on_message(std::move(message).value());
  }
}

// A master that speaks nonsense is not listened to any more.
void LinkTransport::lose_soon() {
  loop_.post([this] {
    give_up();
    // Told also before it is registered: what is at that address may be no master at all.
    handlers_.on_lost("the master's messages do not parse", true);
  });
}

void LinkTransport::give_up() {
  batch_.clear();
  told_closing_ = false;
  channel_->give_up();
}

Result<std::unique_ptr<MasterTransport>> make_transport(runtime::Loop& loop,
                                                        std::string_view masters,
                                                        TransportHandlers handlers,
                                                        const std::string& credential_file) {
  if (masters.starts_with("http://") || masters.starts_with("https://")) {
    auto addresses = parse_http_masters(masters);
    if (!addresses.ok()) return addresses.error();
    auto authorization = authorization_of(credential_file);
    if (!authorization.ok()) return authorization.error();
    return std::unique_ptr<MasterTransport>(std::make_unique<HttpTransport>(
        loop, std::move(addresses).value(), std::move(handlers), std::move(authorization).value()));
  }
  auto parsed = coordination::parse_masters_or_ensemble(masters, "options.master");
  if (!parsed.ok()) return parsed.error();
  return std::unique_ptr<MasterTransport>(
      std::make_unique<LinkTransport>(loop, std::move(parsed).value(), std::move(handlers)));
}

}  // namespace bourse::sdk
