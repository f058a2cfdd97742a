// HttpTransport: a scheduler's way to the master over Mesos' v1 HTTP API. The answer to SUBSCRIBE
// is the stream of events; every other call is a request of its own, one after the other, so that
// they arrive in the order in which they were made.
//
// A master that does not lead sends on to the leader. One that cannot be reached, has nobody to
// send to, or ends the stream is left for the next of the list, after a pause that grows and is
// never the same for two schedulers. What HTTP does not number is numbered here, for the machine.
// Bounded: kMaxWaitingBytes of calls; more are refused. As master_transport.hpp says.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "framework-sdk/link/master_transport.hpp"
#include "proto/codec/record_io.hpp"
#include "runtime/http_client.hpp"

namespace bourse::sdk {

inline constexpr std::size_t kMaxWaitingBytes = 64u << 20;

// "http://host:port,host:port": each "host:port".
Result<std::vector<std::string>> parse_http_masters(std::string_view text);
// The header that says what the file does; empty without a file.
Result<std::string> authorization_of(const std::string& credential_file);
// The "host:port" of a Location: "//host:port/path", or with "http:" in front. Empty: neither.
std::string authority_of(std::string_view location);

class HttpTransport : public MasterTransport {
 public:
  // `authorization`: the header of that name; empty: none.
  HttpTransport(runtime::Loop& loop, std::vector<std::string> masters, TransportHandlers handlers,
                std::string authorization = {});

  void start() override;
  void send(const FrameworkToMaster& message) override;
  void flush() override {}
  void registered() override { attempts_ = 0; }
  void give_up() override;
  void learned(const std::string&) override {}  // an address of the link

 private:
  void connect();
  void subscribe(std::string body);
  void ask();
  void on_head(const runtime::HttpResponse& head);
  void on_data(std::string_view data);
  void on_end();
  void deliver(SchedulerEvent event);
  void enqueue(std::string body);
  void next_call();
  void on_call_answer(const runtime::HttpResponse& answer);
  void call_again();
  void lost();
  void close();
  void come_again();
  Duration jittered(Duration at_most);
  runtime::HttpClientRequest post_to_master(std::string body) const;

  runtime::Loop& loop_;
  TransportHandlers handlers_;
  const std::vector<std::string> masters_;
  const std::string authorization_;
  std::size_t next_master_ = 0;
  std::uint64_t seed_;
  std::uint32_t attempts_ = 0;  // since a master took the framework in
  runtime::Timer again_;

  std::string address_;  // whom to ask: of the list, or where that one sent on to
  std::uint32_t sent_on_ = 0;
  bool asked_ = false;  // SUBSCRIBE is under way, or its stream is open
  std::string subscription_;
  runtime::HttpCall stream_;
  std::string stream_id_;  // empty: not open
  int status_ = 0;         // of the answer to SUBSCRIBE
  std::string location_;
  std::string refusal_;
  codec::RecordDecoder records_;
  std::uint64_t session_ = 0;
  std::uint64_t sequence_ = 0;

  std::deque<std::string> calls_;
  std::size_t calls_bytes_ = 0;
  bool call_under_way_ = false;
  runtime::HttpCall call_;
  runtime::Timer call_again_;
};

}  // namespace bourse::sdk
