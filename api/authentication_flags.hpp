// The flags of a daemon that say who may use its HTTP API, and the files they name. Main thread, at
// start.
#pragma once

#include <string>
#include <vector>

#include "api/access_guard.hpp"
#include "base/result.hpp"
#include "runtime/flags.hpp"
#include "runtime/loop.hpp"

namespace bourse::api {

class Authenticator;

struct AuthenticationFlags {
  AccessRules rules;
  std::string credentials;  // a file

  // `with_schedulers`: --authenticate-http-frameworks too.
  void add(runtime::Flags& flags, bool with_schedulers);
  // Reads the file. Refused: a realm that is asked for without one, and what is wrong with it.
  Result<Authentication> take(std::string realms) const;
};

// Principals and their secrets, or hashes of these.
Result<std::vector<Credential>> accounts_in(const std::string& path);
// At SIGHUP the file is read anew; what is wrong with it is logged, and those of before go on.
// Without a file the signal ends the process, as ever. Both must outlive the watch.
[[nodiscard]] runtime::SignalWatch reread_on_hangup(runtime::Loop& loop,
                                                    const Authentication& settings,
                                                    Authenticator& authenticator);

// Whom a program speaks for: the file of its --credential.
Result<Credential> credential_in(const std::string& path);

}  // namespace bourse::api
