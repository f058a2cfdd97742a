#include "api/access_guard.hpp"

#include <algorithm>

#include "runtime/http_basic.hpp"
#include "runtime/password.hpp"

namespace bourse::api {

namespace {

Verdict refused(std::string sentence) {
  Verdict out;
  out.kind = Verdict::Kind::refused;
  out.sentence = std::move(sentence);
  return out;
}

Verdict passes(std::string principal) {
  Verdict out;
  out.principal = std::move(principal);
  return out;
}

// Of an unknown principal and of a wrong secret alike.
constexpr char kWrong[] = "Authorization: no such principal, or another secret";

}  // namespace

bool AccessRules::asks(Access access) const {
  switch (access) {
    case Access::open:
      return false;
    case Access::readonly:
      return readonly;
    case Access::readwrite:
      return readwrite;
    case Access::scheduler:
      return scheduler;
  }
  return true;
}

AccessGuard::AccessGuard(AccessRules rules, std::vector<Credential> accounts, SecretKey key,
                         AttemptLimitsConfig limits)
    : rules_(rules), key_(key), limits_(limits) {
  set_accounts(std::move(accounts));
}

void AccessGuard::set_accounts(std::vector<Credential> accounts) {
  std::vector<Account> next;
  needs_hashes_ = false;
  for (Credential& credential : accounts) {
    const bool hashed = runtime::is_password_hash(credential.secret);
    needs_hashes_ = needs_hashes_ || hashed;
    Account made{std::move(credential), 0, hashed, std::nullopt};
    if (const Account* before = find(made.credential.principal)) {
      made.number = before->number;
      if (equal_secrets(before->credential.secret, made.credential.secret)) {
        made.found_right = before->found_right;
      }
    } else {
      made.number = ++numbers_given_;
    }
    next.push_back(std::move(made));
  }
  std::sort(next.begin(), next.end(), [](const Account& a, const Account& b) {
    return a.credential.principal < b.credential.principal;
  });
  accounts_ = std::move(next);
}

// Null: nobody is called so.
AccessGuard::Account* AccessGuard::find(const std::string& principal) {
  const auto it = std::lower_bound(accounts_.begin(), accounts_.end(), principal,
                                   [](const Account& account, const std::string& name) {
                                     return account.credential.principal < name;
                                   });
  const bool known = it != accounts_.end() && it->credential.principal == principal;
  return known ? &*it : nullptr;
}

Verdict AccessGuard::judge(Access access, const std::string* authorization,
                           const std::string& address, Instant now) {
  if (!rules_.asks(access)) return {};
  if (authorization == nullptr) {
    return refused("Authorization: is missing; give principal and secret (HTTP Basic)");
  }
  auto login = runtime::parse_basic_login(*authorization);
  if (!login.ok()) return refused(login.error().message);
  const Account* const account = find(login->user);
  const std::uint64_t number = account != nullptr ? account->number : 0;
  if (!limits_.may_try(address, number, now)) {
    Verdict out;
    out.kind = Verdict::Kind::limited;
    out.sentence =
        "Authorization: too many wrong secrets came from " + address + "; try again in a second";
    return out;
  }
  if (account == nullptr) return wrong(address, number, now);
  const std::string& kept = account->credential.secret;
  const bool right = account->hashed ? account->found_right == siphash128(key_, login->password)
                                     : equal_secrets(login->password, kept);
  if (right) return passes(account->credential.principal);
  if (!account->hashed) return wrong(address, number, now);
  limits_.failed(address, number, now);
  Verdict out;
  out.kind = Verdict::Kind::costs;
  out.principal = account->credential.principal;
  out.account = number;
  out.password = std::move(login->password);
  out.hash = kept;
  return out;
}

Verdict AccessGuard::settle(const Verdict& asked, const std::string& address, bool right) {
  Account* const account = find(asked.principal);
  if (!right || account == nullptr || !equal_secrets(account->credential.secret, asked.hash)) {
    ++wrong_passwords_;
    return refused(kWrong);
  }
  limits_.forgive(address, asked.account);
  account->found_right = siphash128(key_, asked.password);
  return passes(asked.principal);
}

void AccessGuard::withdraw(const Verdict& asked, const std::string& address) {
  limits_.forgive(address, asked.account);
}

Verdict AccessGuard::wrong(const std::string& address, std::uint64_t account, Instant now) {
  limits_.failed(address, account, now);
  ++wrong_passwords_;
  return refused(kWrong);
}

}  // namespace bourse::api
