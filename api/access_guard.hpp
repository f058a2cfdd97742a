// AccessGuard: whether a request may pass, from what it is about, its Authorization header and what
// its address tried before. No socket, clock or thread: a hash that must be made first is an answer
// too, and settle() says how it ended. What was once found right is known again, one password per
// account, so that a hash is paid for once; of the password a keyed digest alone is kept.
//
// Value, one thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/realms.hpp"
#include "base/siphash.hpp"
#include "base/time.hpp"
#include "model/attempt_limits.hpp"
#include "model/credential.hpp"

namespace bourse::api {

// Where somebody is asked at all.
struct AccessRules {
  bool readonly = false;
  bool readwrite = false;
  bool scheduler = false;

  bool any() const { return readonly || readwrite || scheduler; }
  bool asks(Access access) const;
};

// Who may use an API.
struct Authentication {
  AccessRules rules = {};
  std::vector<Credential> accounts = {};
  std::string realms = {};  // what their names begin with: "mesos-master"
  std::string file = {};    // that the accounts are from
};

struct Verdict {
  enum class Kind : std::uint8_t {
    passes,   // as `principal`; empty: nobody was asked
    refused,  // 401
    limited,  // 429: its address gave too many wrong passwords for this account
    costs,    // `password` must be compared with `hash` first
  };
  Kind kind = Kind::passes;
  std::string principal = {};
  std::string sentence = {};  // why not
  std::uint64_t account = 0;  // its number; 0: nobody is called so
  std::string password = {};
  std::string hash = {};
};

class AccessGuard {
 public:
  // `key`: a secret of this process' life.
  AccessGuard(AccessRules rules, std::vector<Credential> accounts, SecretKey key,
              AttemptLimitsConfig limits = {});

  bool needs_hashes() const { return needs_hashes_; }
  // From now on these. Whoever is among them as before is known as before, also how often wrong
  // secrets were given for him.
  void set_accounts(std::vector<Credential> accounts);
  // `authorization`: the header, null without one. One that `costs` counts as failed until settled.
  Verdict judge(Access access, const std::string* authorization, const std::string& address,
                Instant now);
  // How a comparison ended that a verdict asked for. Right counts only as long as the account has
  // that hash.
  Verdict settle(const Verdict& asked, const std::string& address, bool right);
  // It will not be made for this one.
  void withdraw(const Verdict& asked, const std::string& address);

  std::uint64_t wrong_passwords() const { return wrong_passwords_; }

 private:
  struct Account {
    Credential credential;
    std::uint64_t number = 0;  // never given twice
    bool hashed = false;
    std::optional<std::array<std::uint64_t, 2>> found_right;  // of a hashed one
  };

  Account* find(const std::string& principal);
  Verdict wrong(const std::string& address, std::uint64_t account, Instant now);

  AccessRules rules_;
  SecretKey key_;
  std::vector<Account> accounts_;  // by principal
  std::uint64_t numbers_given_ = 0;
  bool needs_hashes_ = false;
  AttemptLimits limits_;
  std::uint64_t wrong_passwords_ = 0;
};

}  // namespace bourse::api
