// The flags of a daemon that say who may use its HTTP API, and the files they name. Main thread, at
// start.
#pragma once

#include <string>

#include "api/access_guard.hpp"
#include "base/result.hpp"
#include "runtime/flags.hpp"

namespace bourse::api {

struct AuthenticationFlags {
  AccessRules rules;
  std::string credentials;  // a file

  // `with_schedulers`: --authenticate-http-frameworks too.
  void add(runtime::Flags& flags, bool with_schedulers);
  // Reads the file. Refused: a realm that is asked for without one, and what is wrong with it.
  Result<Authentication> take(std::string realms) const;
};

// Whom a program speaks for: the file of its --credential.
Result<Credential> credential_in(const std::string& path);

}  // namespace bourse::api
