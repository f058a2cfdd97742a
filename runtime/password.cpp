#include "runtime/password.hpp"

#include <crypt.h>

#include <algorithm>
#include <array>
#include <memory>

#include "base/siphash.hpp"

namespace bourse::runtime {

bool is_password_hash(std::string_view secret) {
  static constexpr std::array<std::string_view, 5> kKinds = {"$y$", "$6$", "$2b$", "$2a$", "$2y$"};
  return std::any_of(kKinds.begin(), kKinds.end(),
                     [&](std::string_view kind) { return secret.starts_with(kind); });
}

bool is_usable_hash(const std::string& hash) {
  // Its beginning may be that of a hash, and the rest cut off: then no password would fit.
  return crypt_checksalt(hash.c_str()) == CRYPT_SALT_OK && hash.size() > 40;
}

bool password_has_hash(const std::string& password, const std::string& hash) {
  // crypt() reads up to the first zero byte: more would count for nothing.
  if (password.find('\0') != std::string::npos) return false;
  const auto scratch = std::make_unique<crypt_data>();
  const char* const made =
      crypt_rn(password.c_str(), hash.c_str(), scratch.get(), static_cast<int>(sizeof *scratch));
  return made != nullptr && equal_secrets(made, hash);
}

}  // namespace bourse::runtime
