#include "cli/ensemble.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "coordination/link/zookeeper_words.hpp"
#include "runtime/clock.hpp"

namespace bourse::cli {

namespace {

namespace zk = coordination::zk;

constexpr Duration kSessionTimeout = Duration::seconds(10);
constexpr Duration kPatience = Duration::seconds(20);  // for any answer
constexpr Duration kTurn = Duration::milliseconds(100);
constexpr std::size_t kInFlight = 64;
constexpr int kAttempts = 10;  // of a request whose answer is lost with the connection
// A condition that no node fulfils: to be refused, it has to go the way of a write.
constexpr std::int32_t kNoSuchVersion = std::numeric_limits<std::int32_t>::max();

bool is_read(const zk::Request& request) {
  return std::holds_alternative<zk::Get>(request) || std::holds_alternative<zk::Exists>(request) ||
         std::holds_alternative<zk::Children>(request);
}

}  // namespace

Result<std::unique_ptr<Ensemble>> Ensemble::open(const runtime::ZookeeperUrl& url) {
  std::unique_ptr<Ensemble> out(new Ensemble());
  out->path_ = url.path;
  for (const std::string& server : url.servers) {
    out->name_ += (out->name_.empty() ? "zk://" : ",") + server;
  }
  out->name_ += url.path;
  runtime::ZookeeperOptions options;
  options.servers = url.servers;
  options.digest_auth = url.digest_auth;
  options.session_timeout = kSessionTimeout;
  auto session = runtime::ZookeeperSession::open(
      out->loop_, std::move(options),
      [ensemble = out.get()](const runtime::ZkState& state) {
        ensemble->state_ = state;
        ensemble->loop_.stop();
      },
      [](const runtime::ZkWatch&) {});
  if (!session.ok()) return session.error();
  out->session_ = std::move(session).value();
  if (const Status connected = out->wait_connected(); !connected.ok()) return connected.error();
  return out;
}

Status Ensemble::wait_connected() {
  return wait([this] { return state_.phase == runtime::ZkPhase::connected; });
}

Status Ensemble::wait(const std::function<bool()>& done) {
  const Instant until = runtime::monotonic_now() + kPatience;
  const auto gone = [&](const std::string& why) {
    return Error{ErrorCode::unavailable, name_ + ": no server answers" +
                                             (why.empty() ? "" : " (" + why + ")") +
                                             ": look whether the ensemble runs and has a quorum"};
  };
  if (!session_) return gone("");
  while (!done()) {
    if (state_.phase == runtime::ZkPhase::auth_failed) {
      return Error{ErrorCode::denied, name_ +
                                          ": the credentials are refused: look at the user and "
                                          "password of its zk://user:password@..."};
    }
    if (state_.phase == runtime::ZkPhase::expired || runtime::monotonic_now() >= until) {
      return gone(session_->last_error());
    }
    (void)loop_.run_for(kTurn);
  }
  return {};
}

Result<std::vector<zk::Reply>> Ensemble::ask(const std::vector<zk::Request>& requests) {
  std::vector<std::optional<zk::Reply>> answers(requests.size());
  for (std::size_t begin = 0; begin < requests.size(); begin += kInFlight) {
    std::vector<std::size_t> open;
    for (std::size_t at = begin; at < std::min(begin + kInFlight, requests.size()); ++at) {
      open.push_back(at);
    }
    for (int attempt = 0; !open.empty(); ++attempt) {
      if (attempt == kAttempts) {
        return Error{ErrorCode::unavailable, name_ + ": the connection is lost again and again"};
      }
      if (Status sent = send(requests, open, answers); !sent.ok()) return sent.error();
      std::erase_if(open, [&](std::size_t at) {
        return !is_read(requests[at]) || answers[at]->code != zk::Code::connection_loss;
      });
    }
  }
  std::vector<zk::Reply> out;
  out.reserve(answers.size());
  for (std::optional<zk::Reply>& answer : answers) out.push_back(std::move(*answer));
  return out;
}

// Returns when each of them is answered.
Status Ensemble::send(const std::vector<zk::Request>& requests,
                      const std::vector<std::size_t>& which,
                      std::vector<std::optional<zk::Reply>>& answers) {
  if (Status connected = wait_connected(); !connected.ok()) return connected;
  std::size_t open = which.size();
  for (const std::size_t at : which) {
    coordination::perform(*session_, requests[at], [this, &open, &answers, at](zk::Reply reply) {
      answers[at] = std::move(reply);
      if (--open == 0) loop_.stop();
    });
  }
  Status answered = wait([&] { return open == 0; });
  // Nobody may answer into what is gone.
  if (!answered.ok()) session_.reset();
  return answered;
}

Result<zk::Reply> Ensemble::ask_one(zk::Request request) {
  std::vector<zk::Request> requests;
  requests.push_back(std::move(request));
  auto replies = ask(requests);
  if (!replies.ok()) return replies.error();
  return std::move(replies->front());
}

Status Ensemble::catch_up(const std::string& path) {
  zk::Multi multi;
  multi.changes.emplace_back(zk::Check{path, kNoSuchVersion});
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const auto reply = ask_one(multi);
    if (!reply.ok()) return reply.error();
    if (reply->code != zk::Code::connection_loss) return {};
  }
  return Error{ErrorCode::unavailable, name_ + ": the connection is lost again and again"};
}

}  // namespace bourse::cli
