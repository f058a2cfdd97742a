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
  for (Credential& credential : accounts) {
    const bool hashed = runtime::is_password_hash(credential.secret);
    needs_hashes_ = needs_hashes_ || hashed;
    accounts_.push_back({std::move(credential), hashed, std::nullopt});
  }
  std::sort(accounts_.begin(), accounts_.end(), [](const Account& a, const Account& b) {
    return a.credential.principal < b.credential.principal;
  });
}

// Null: nobody is called so; the index is then one that stands for all of those.
const AccessGuard::Account* AccessGuard::find(const std::string& principal,
                                              std::size_t& index) const {
  const auto it = std::lower_bound(accounts_.begin(), accounts_.end(), principal,
                                   [](const Account& account, const std::string& name) {
                                     return account.credential.principal < name;
                                   });
  const bool known = it != accounts_.end() && it->credential.principal == principal;
  index = known ? static_cast<std::size_t>(it - accounts_.begin()) : accounts_.size();
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
  std::size_t index = 0;
  const Account* const account = find(login->user, index);
  if (!limits_.may_try(address, index, now)) {
    Verdict out;
    out.kind = Verdict::Kind::limited;
    out.sentence =
        "Authorization: too many wrong secrets came from " + address + "; try again in a second";
    return out;
  }
  if (account == nullptr) return wrong(address, index, now);
  const std::string& kept = account->credential.secret;
  const bool right = account->hashed ? account->found_right == siphash128(key_, login->password)
                                     : equal_secrets(login->password, kept);
  if (right) return passes(account->credential.principal);
  if (!account->hashed) return wrong(address, index, now);
  limits_.failed(address, index, now);
  Verdict out;
  out.kind = Verdict::Kind::costs;
  out.principal = account->credential.principal;
  out.account = index;
  out.password = std::move(login->password);
  out.hash = kept;
  return out;
}

Verdict AccessGuard::settle(const Verdict& asked, const std::string& address, bool right) {
  if (!right) {
    ++wrong_passwords_;
    return refused(kWrong);
  }
  limits_.forgive(address, asked.account);
  accounts_[asked.account].found_right = siphash128(key_, asked.password);
  return passes(asked.principal);
}

void AccessGuard::withdraw(const Verdict& asked, const std::string& address) {
  limits_.forgive(address, asked.account);
}

Verdict AccessGuard::wrong(const std::string& address, std::size_t account, Instant now) {
  limits_.failed(address, account, now);
  ++wrong_passwords_;
  return refused(kWrong);
}

}  // namespace bourse::api
