#include "proto/codec/record_io.hpp"

#include <catch2/catch.hpp>

using namespace bourse;
using namespace bourse::codec;

TEST_CASE("records come out of a stream however it is cut") {
  std::string stream;
  const std::vector<std::string> sent = {R"({"type":"HEARTBEAT"})", "", "a\nb", "x"};
  for (const std::string& record : sent) append_record(record, stream);
  CHECK(stream.rfind("20\n{\"type\":\"HEARTBEAT\"}0\n3\na\nb", 0) == 0);
  for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
    RecordDecoder decoder;
    std::vector<std::string> got;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      REQUIRE(decoder.feed(std::string_view(stream).substr(at, piece), got).ok());
    }
    CHECK(got == sent);
    CHECK(decoder.at_boundary());
  }
}

TEST_CASE("a stream that ends inside a record is not at a boundary") {
  RecordDecoder decoder;
  std::vector<std::string> got;
  REQUIRE(decoder.feed("5\nab", got).ok());
  CHECK_FALSE(decoder.at_boundary());
  RecordDecoder digits;
  REQUIRE(digits.feed("5", got).ok());
  CHECK_FALSE(digits.at_boundary());
}

TEST_CASE("a record length that is no number, too long or too large is refused before allocation") {
  for (const char* text : {"x\n", "\n", "-1\n", "1 \n", "0x5\n", "5\r\nabcde", "12345678901\n",
                           "8388609\n", "9999999999\n"}) {
    RecordDecoder decoder;
    std::vector<std::string> got;
    CAPTURE(text);
    const Status refused = decoder.feed(text, got);
    REQUIRE_FALSE(refused.ok());
    CHECK(got.empty());
    // And stays refused.
    CHECK(decoder.feed("1\na", got) == refused);
    CHECK_FALSE(decoder.at_boundary());
  }
  RecordDecoder decoder;
  std::vector<std::string> got;
  CHECK(decoder.feed("8388608\n", got).ok());
}
