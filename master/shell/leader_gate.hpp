// LeaderGate: what stands before a master's HTTP API while it may not lead. Only the leader answers
// for the cluster: another one sends clients on to it as Mesos does (307 with //host:port/path), or
// says 503 while nobody leads. So does a leader whose lease is over: it was stopped, say, and what
// it knows may be as old as that. Its own health, version and metrics every master tells. Set on
// the I/O thread, where requests are handled too; leading() from any.
#pragma once

#include <atomic>
#include <functional>
#include <optional>

#include "proto/codec/candidate.hpp"
#include "runtime/http_server.hpp"

namespace bourse::master {

class LeaderGate {
 public:
  // `api` answers while this master leads and `may_act`, which any thread may ask.
  LeaderGate(runtime::HttpHandler api, codec::MasterDescription self,
             std::function<bool()> may_act);

  runtime::HttpHandler handler();
  void set_self(codec::MasterDescription self) { self_ = std::move(self); }
  void lead() { leading_.store(true); }
  // Nothing: nobody is known to lead. This master itself: it was elected and may not lead yet.
  void follow(std::optional<codec::Candidate> leader) { leader_ = std::move(leader); }
  bool leading() const { return leading_.load() && may_act_(); }
  bool elected() const;

 private:
  void handle(runtime::HttpRequest request, runtime::HttpResponder responder);
  std::optional<std::string> authority() const;

  runtime::HttpHandler api_;
  codec::MasterDescription self_;
  std::function<bool()> may_act_;
  std::optional<codec::Candidate> leader_;
  std::atomic<bool> leading_{false};
};

}  // namespace bourse::master
