// HTTP's Basic scheme: who asks and with which password, in one header. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace bourse::runtime {

struct BasicLogin {
  std::string user;
  std::string password;
};

// "Basic QWxhZGRpbjpvcGVu": base64 of "user:password". Error: another scheme, no base64, no ':'.
// What was sent is in no error: it may be a password.
Result<BasicLogin> parse_basic_login(std::string_view authorization);
// The value of the header.
std::string basic_authorization(std::string_view user, std::string_view password);

}  // namespace bourse::runtime
