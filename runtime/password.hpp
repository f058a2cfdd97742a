// Passwords against what is kept of them: the text itself, or a hash that crypt(3) made. Pure; any
// thread. A hash costs tens of milliseconds by design: not on a thread that others wait for.
#pragma once

#include <string>
#include <string_view>

namespace bourse::runtime {

// Whether a secret is the hash of one: yescrypt ($y$), SHA-512 ($6$), bcrypt ($2b$, $2a$, $2y$).
bool is_password_hash(std::string_view secret);
// Whether this machine's crypt(3) can work with it.
bool is_usable_hash(const std::string& hash);
bool password_has_hash(const std::string& password, const std::string& hash);

}  // namespace bourse::runtime
