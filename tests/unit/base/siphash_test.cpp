#include "base/siphash.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace bourse;

TEST_CASE("siphash128 gives the published vectors") {
  // Key 00..0f; messages are the first n of 00 01 02 ...: vectors of the authors' reference.
  const SecretKey key{0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL};
  const auto hex = [&](std::size_t n) {
    std::string message;
    for (std::size_t i = 0; i < n; ++i) message += static_cast<char>(i);
    std::string out;
    for (const std::uint64_t word : siphash128(key, message)) {
      for (int byte = 0; byte < 8; ++byte) {
        char buffer[3];
        std::snprintf(buffer, sizeof buffer, "%02x",
                      static_cast<unsigned>(word >> (8 * byte)) & 0xff);
        out += buffer;
      }
    }
    return out;
  };
  REQUIRE(hex(0) == "a3817f04ba25a8e66df67214c7550293");
  REQUIRE(hex(1) == "da87c1d86b99af44347659119b22fc45");
  REQUIRE(hex(2) == "8177228da4a45dc7fca38bdef60affe4");
}

TEST_CASE("tokens differ by name and by key and compare exactly") {
  const std::string token = token_for({1, 2}, "container");
  REQUIRE(token.size() == 32);
  REQUIRE(equal_secrets(token, token_for({1, 2}, "container")));
  REQUIRE_FALSE(equal_secrets(token, token_for({1, 2}, "container2")));
  REQUIRE_FALSE(equal_secrets(token, token_for({1, 3}, "container")));
  REQUIRE_FALSE(equal_secrets(token, token.substr(1)));
  REQUIRE_FALSE(equal_secrets(token, ""));
}
