#include "runtime/password.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace bourse::runtime;

namespace {

// Of "secret", as mkpasswd prints them with the least effort.
const std::string kHashes[] = {
    "$y$j75$k2XAnEHBqQ1Ct2aMXFKNa/HAmA1$ibryIcPVoRbdV03giK.yAZq1L"
    "B0I7kyDAVbqTwavkD4",
    "$6$rounds=1000$k2XAnEHBqQ1Ct2aM$Kusx4StgTAJKgtQ8A1Ud4OEtpvLZ"
    "/2wzq/Tix/qeeqdrvuTHgR6KFuCyOP4TNp5lvuV.tmBxpDTp10bqrWJyv1",
    "$2b$04$KBCwKxOzLha2MUDgW0PjXe/hE/UCO9qF89dOydoHjSwxcHev5LRn.",
};

}  // namespace

TEST_CASE("a password has the hash that was made of it, and no other has") {
  for (const std::string& hash : kHashes) {
    INFO(hash);
    CHECK(is_password_hash(hash));
    CHECK(is_usable_hash(hash));
    CHECK(password_has_hash("secret", hash));
    CHECK_FALSE(password_has_hash("Secret", hash));
    CHECK_FALSE(password_has_hash("", hash));
    CHECK_FALSE(password_has_hash(std::string("secret\0x", 8), hash));
    CHECK_FALSE(password_has_hash(std::string(100'000, 'x'), hash));
    // Cut off, it is none.
    CHECK_FALSE(is_usable_hash(hash.substr(0, 20)));
    CHECK_FALSE(password_has_hash("secret", hash.substr(0, hash.size() - 1)));
  }
}

TEST_CASE("a secret that only looks a little like a hash is one of its own") {
  for (const char* plain : {"", "secret", "$", "$y", "$1$x$y", "y$6$", "$6"}) {
    CHECK_FALSE(is_password_hash(plain));
  }
  CHECK_FALSE(is_usable_hash("$6$"));
  CHECK_FALSE(password_has_hash("secret", "$6$"));
  CHECK_FALSE(password_has_hash("*0", "$9$nonsense"));
}
