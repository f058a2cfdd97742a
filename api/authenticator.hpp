// Authenticator: stands before an HTTP API and lets through who proved who they are, where that is
// asked for (docs/decisions/0045-http-authentication.md). The principal is then in the request;
// where nobody is asked, an Authorization header means nothing. Hashes are made on a thread of its
// own, of which there is none unless an account has one.
//
// I/O thread, but for stats(). Bounded: kMaxWaitingLogins requests wait for kMaxWaitingHashes
// hashes; more are told to come again (503).
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "api/access_guard.hpp"
#include "api/metrics_answer.hpp"
#include "runtime/http_server.hpp"
#include "runtime/loop.hpp"
#include "runtime/password.hpp"

namespace bourse::api {

struct AuthenticatorStats {
  std::uint64_t refused = 0;          // 401, with a wrong password or none
  std::uint64_t wrong_passwords = 0;  // of these
  std::uint64_t limited = 0;          // 429
};

void add_metrics(const AuthenticatorStats& stats, Metrics& out);

class Authenticator {
 public:
  using AccessOf = std::function<Access(const runtime::HttpRequest&)>;

  // Whether a password is the one that a hash was made of; takes its time, on the other thread.
  using Compare = std::function<bool(const std::string& password, const std::string& hash)>;

  // `access_of` tells what a request is about; `next` gets those that pass. The loop must outlive
  // this.
  Authenticator(runtime::Loop& loop, Authentication settings, AccessOf access_of,
                runtime::HttpHandler next, Compare compare = runtime::password_has_hash);
  ~Authenticator();
  Authenticator(const Authenticator&) = delete;
  Authenticator& operator=(const Authenticator&) = delete;

  runtime::HttpHandler handler();
  AuthenticatorStats stats() const;
  // From now on these. I/O thread.
  void set_accounts(std::vector<Credential> accounts);

 private:
  struct Waiting {
    runtime::HttpRequest request;
    runtime::HttpResponder responder;
    Access access = Access::open;
  };
  struct Login {
    Verdict asked;
    std::string address;  // of the first: its attempt it is
    std::vector<Waiting> waiting;
  };
  using Logins = std::list<Login>;

  void start_hasher();
  void handle(runtime::HttpRequest request, runtime::HttpResponder responder);
  void act(const Verdict& verdict, Waiting waiting);
  void wait(Verdict verdict, Waiting waiting);
  void compare(Logins::iterator login);
  void settle(Logins::iterator login, bool right);
  void refuse(const Verdict& verdict, const Waiting& waiting);

  runtime::Loop& loop_;
  AccessGuard guard_;
  const bool asks_;  // of anybody at all
  const std::string realms_;
  AccessOf access_of_;
  runtime::HttpHandler next_;
  const Compare compare_;
  Logins logins_;  // whose hash is being made
  std::size_t waiting_ = 0;
  std::atomic<std::uint64_t> refused_{0};
  std::atomic<std::uint64_t> wrong_passwords_{0};
  std::atomic<std::uint64_t> limited_{0};
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // what was posted looks at it
  runtime::Loop hashing_;
  std::thread hasher_;
};

}  // namespace bourse::api
