#include "model/gateway_link.hpp"

#include <catch2/catch.hpp>

using namespace bourse;

namespace {

using Kind = Envelope::Kind;

std::string message(const std::vector<Envelope>& envelopes) {
  std::string out;
  for (const Envelope& envelope : envelopes) append_envelope(envelope, out);
  return out;
}

}  // namespace

TEST_CASE("envelopes come out as they went in, each with its channel and its bytes") {
  const std::string large(100'000, 'x');
  const std::vector<Envelope> sent{{Kind::welcome},
                                   {Kind::came, 1, "bourse-agent/1"},
                                   {Kind::said, 127, std::string_view("\0\xff", 2)},
                                   {Kind::said, 128, large},
                                   {Kind::left, 1},
                                   {Kind::close, ~std::uint64_t{0}, "why"},
                                   {Kind::ping},
                                   {Kind::pong},
                                   {Kind::slow, 4},
                                   {Kind::reads, 4}};
  const std::string bytes = message(sent);
  const auto read = decode_envelopes(bytes);
  REQUIRE(read.ok());
  CHECK(read.value() == sent);
  CHECK(decode_envelopes("").value().empty());
}

TEST_CASE("an envelope that is cut short, of no kind, or about nobody is refused") {
  const std::string whole = message({{Kind::said, 300, "hello"}});
  for (std::size_t length = 1; length < whole.size(); ++length) {
    CHECK_FALSE(decode_envelopes(whole.substr(0, length)).ok());
  }
  CHECK_FALSE(decode_envelopes(std::string("\0\1\0", 3)).ok());
  CHECK_FALSE(decode_envelopes(std::string("\xa\1\0", 3)).ok());
  CHECK_FALSE(decode_envelopes(message({{Kind::said, 0, "x"}})).ok());
  CHECK_FALSE(decode_envelopes(message({{Kind::ping, 1}})).ok());
  // Numbers have one form: two for one channel would be two peers to who compares bytes.
  CHECK_FALSE(decode_envelopes(std::string("\2\x81\0\0", 4)).ok());
  CHECK_FALSE(decode_envelopes("\2" + std::string(9, '\xff') + std::string("\2\0", 2)).ok());
}

TEST_CASE("more envelopes than a message may have are refused") {
  std::string bytes;
  for (std::size_t i = 0; i < limits::kMaxEnvelopes; ++i) append_envelope({Kind::ping}, bytes);
  CHECK(decode_envelopes(bytes).ok());
  append_envelope({Kind::ping}, bytes);
  CHECK_FALSE(decode_envelopes(bytes).ok());
}
