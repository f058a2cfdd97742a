#include "api/authenticator.hpp"

#include <algorithm>

#include "base/siphash.hpp"
#include "runtime/clock.hpp"
#include "runtime/entropy.hpp"

namespace bourse::api {

using runtime::HttpRequest;
using runtime::HttpResponder;
using runtime::HttpResponse;

void add_metrics(const AuthenticatorStats& stats, Metrics& out) {
  const auto add = [&out](const char* name, std::uint64_t value) {
    out.emplace_back(std::string("bourse/http_authentication/") + name, static_cast<double>(value));
  };
  add("refused", stats.refused);
  add("wrong_passwords", stats.wrong_passwords);
  add("limited", stats.limited);
}

Authenticator::Authenticator(runtime::Loop& loop, Authentication settings, AccessOf access_of,
                             runtime::HttpHandler next, Compare compare)
    : loop_(loop),
      guard_(settings.rules, std::move(settings.accounts),
             {runtime::random_u64(), runtime::random_u64()}),
      asks_(settings.rules.any()),
      realms_(std::move(settings.realms)),
      access_of_(std::move(access_of)),
      next_(std::move(next)),
      compare_(std::move(compare)) {
  start_hasher();
}

void Authenticator::start_hasher() {
  if (!asks_ || !guard_.needs_hashes() || hasher_.joinable()) return;
  hasher_ = std::thread([this] { hashing_.run(); });
}

void Authenticator::set_accounts(std::vector<Credential> accounts) {
  guard_.set_accounts(std::move(accounts));
  start_hasher();
}

Authenticator::~Authenticator() {
  alive_.reset();
  hashing_.stop();
  if (hasher_.joinable()) hasher_.join();
}

runtime::HttpHandler Authenticator::handler() {
  return [this](HttpRequest request, HttpResponder responder) {
    handle(std::move(request), std::move(responder));
  };
}

AuthenticatorStats Authenticator::stats() const {
  return {refused_.load(), wrong_passwords_.load(), limited_.load()};
}

void Authenticator::handle(HttpRequest request, HttpResponder responder) {
  const Access access = access_of_(request);
  Verdict verdict = guard_.judge(access, request.headers.find("Authorization"),
                                 request.remote_address, runtime::monotonic_now());
  Waiting waiting{std::move(request), std::move(responder), access};
  if (verdict.kind == Verdict::Kind::costs) return wait(std::move(verdict), std::move(waiting));
  act(verdict, std::move(waiting));
}

void Authenticator::act(const Verdict& verdict, Waiting waiting) {
  wrong_passwords_ = guard_.wrong_passwords();
  if (verdict.kind != Verdict::Kind::passes) return refuse(verdict, waiting);
  waiting.request.principal = verdict.principal;
  next_(std::move(waiting.request), std::move(waiting.responder));
}

void Authenticator::refuse(const Verdict& verdict, const Waiting& waiting) {
  const bool limited = verdict.kind == Verdict::Kind::limited;
  ++(limited ? limited_ : refused_);
  HttpResponse answer = HttpResponse::text(limited ? 429 : 401, verdict.sentence + "\n");
  if (limited) {
    answer.headers.add("Retry-After", "1");
  } else {
    answer.headers.add("WWW-Authenticate",
                       "Basic realm=\"" + realm_name(realms_, waiting.access) + "\"");
  }
  waiting.responder.respond(std::move(answer));
}

void Authenticator::wait(Verdict verdict, Waiting waiting) {
  auto login = std::find_if(logins_.begin(), logins_.end(), [&](const Login& other) {
    return other.asked.account == verdict.account && other.asked.hash == verdict.hash &&
           equal_secrets(other.asked.password, verdict.password);
  });
  const bool known = login != logins_.end();
  if (waiting_ >= limits::kMaxWaitingLogins ||
      (!known && logins_.size() >= limits::kMaxWaitingHashes)) {
    guard_.withdraw(verdict, waiting.request.remote_address);
    HttpResponse busy =
        HttpResponse::text(503, "too many passwords are being looked at; try again\n");
    busy.headers.add("Retry-After", "1");
    return waiting.responder.respond(std::move(busy));
  }
  ++waiting_;
  if (known) {
    guard_.withdraw(verdict, waiting.request.remote_address);  // the same attempt
    return login->waiting.push_back(std::move(waiting));
  }
  std::string address = waiting.request.remote_address;
  login = logins_.insert(logins_.end(), {std::move(verdict), std::move(address), {}});
  login->waiting.push_back(std::move(waiting));
  compare(login);
}

void Authenticator::compare(Logins::iterator login) {
  hashing_.post([this, login, back = loop_.ref(), alive = std::weak_ptr<bool>(alive_),
                 password = login->asked.password, hash = login->asked.hash] {
    const bool right = compare_(password, hash);
    (void)back.post([this, login, alive, right] {
      if (!alive.expired()) settle(login, right);
    });
  });
}

void Authenticator::settle(Logins::iterator login, bool right) {
  const Verdict verdict = guard_.settle(login->asked, login->address, right);
  std::vector<Waiting> waiting = std::move(login->waiting);
  logins_.erase(login);
  waiting_ -= waiting.size();
  for (Waiting& one : waiting) act(verdict, std::move(one));
}

}  // namespace bourse::api
