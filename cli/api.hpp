// Api: calls to the master that leads (or to the service scheduler that does), one after the other,
// from a command line. Of several any may be named: one that does not lead sends on, one that is
// gone is passed over. Owns a loop; main thread. Errors are sentences for a person.
#pragma once

#include <functional>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "cli/invocation.hpp"
#include "runtime/loop.hpp"

namespace mesos::v1::master {
class Response;
}

namespace bourse::operator_extension {
class Response;
}

namespace bourse::cli {

class Api {
 public:
  // Whom the command asks, and for whom it speaks: "127.0.0.1:5050" or "http://host:port", several
  // with commas, or "zk://..." of the ensemble that elects them.
  explicit Api(const Invocation& invocation);

  // Of whoever leads: the body of the answer.
  Result<std::string> ask(const std::string& method, const std::string& path,
                          const std::string& body);
  // POST /api/v1 with this JSON; the body of the answer.
  Result<std::string> call(const std::string& json);
  Status call(const std::string& json, mesos::v1::master::Response& response);
  // Also what docs/operator-extensions.md adds to the answer.
  Status call(const std::string& json, mesos::v1::master::Response& response,
              operator_extension::Response& extension);
  // Any other address, for what a framework serves itself: it is not told who asks.
  Result<std::string> request(const std::string& method, const std::string& url,
                              const std::string& body);
  // From here on a call that nobody answers, or that is answered 503, is made again for this long,
  // after pauses that double, with jitter: for what follows over a failover. Duration::max(): until
  // somebody answers or interrupts. Only for calls that may be made twice. `on_waiting`, if any, is
  // told why, once for each call that has to wait.
  void be_patient(Duration span, std::function<void(const Error&)> on_waiting = {}) {
    patience_ = span;
    on_waiting_ = std::move(on_waiting);
  }
  // Waits this long; false when interrupted (Ctrl-C).
  bool wait(Duration span);

 private:
  struct Answer {
    int status = 0;
    std::string body;
    std::string location;
  };
  Status ask_ensemble();
  // Whom to try, in this order: who led last, then those that were named.
  std::vector<std::string> candidates() const;
  // Says something at all, whatever it is: a process that is stopped would keep a call waiting.
  bool is_alive(const std::string& master);
  Result<std::string> ask_once(const std::string& method, const std::string& path,
                               const std::string& body);
  // One candidate and whom it sends on to; `trouble` when none of them leads.
  std::optional<Result<std::string>> ask_from(const std::string& candidate,
                                              const std::string& method, const std::string& path,
                                              const std::string& body, std::string& trouble);
  Error unauthenticated(const std::string& body) const;
  std::string unreachable(const std::string& address, const std::string& why) const;
  Result<Answer> exchange(const std::string& method, const std::string& url,
                          const std::string& body, const std::string& authorization,
                          Duration within);

  Invocation::Peer peer_;
  std::string authorization_;         // the header; empty: none
  std::string ensemble_;              // zk://..., to be asked for the leader
  std::vector<std::string> masters_;  // as named
  std::string leader_;                // answered last; empty: none yet
  Duration patience_;
  std::function<void(const Error&)> on_waiting_;
  std::mt19937_64 rng_{std::random_device{}()};
  runtime::Loop loop_;
  runtime::SignalWatch signals_;  // from the first wait on: a call that is under way ends first
  bool watching_ = false;
  bool waiting_ = false;
  bool interrupted_ = false;
};

// --json: prints the answer as it came, or the failure, and returns the exit code; nullopt without.
std::optional<int> answered_as_json(const Invocation& invocation, Api& api,
                                    const std::string& call);
// Makes a call that changes something and says that it is done; the exit code.
int call_and_say(const Invocation& invocation, Api& api, const std::string& call,
                 const std::string& done);

// A string as JSON, with its quotes.
std::string json_text(std::string_view text);

}  // namespace bourse::cli
