#include "proto/codec/frames.hpp"

#include <catch2/catch.hpp>

using namespace bourse;
using namespace bourse::codec;

TEST_CASE("frames of every size come out of a batch as they went in") {
  std::string batch;
  std::vector<std::string> sent;
  for (const std::size_t size : {0u, 1u, 127u, 128u, 16383u, 16384u, 300000u}) {
    sent.emplace_back(size, static_cast<char>('a' + size % 26));
    append_frame(sent.back(), batch);
  }
  const auto frames = decode_frames(batch);
  REQUIRE(frames.ok());
  REQUIRE(frames->size() == sent.size());
  for (std::size_t i = 0; i < sent.size(); ++i) CHECK((*frames)[i] == sent[i]);
  CHECK(decode_frames("")->empty());
}

TEST_CASE("a batch that is cut inside a frame is refused") {
  std::string batch;
  append_frame(std::string(300, 'x'), batch);
  for (std::size_t size = 1; size < batch.size(); ++size) {
    CHECK_FALSE(decode_frames(std::string_view(batch).substr(0, size)).ok());
  }
}

TEST_CASE("lengths that point past the end, are too long or not the shortest are refused") {
  CHECK_FALSE(decode_frames("\x05"
                            "ab")
                  .ok());
  CHECK_FALSE(decode_frames(std::string("\x80\x00", 2)).ok());                  // not shortest
  CHECK_FALSE(decode_frames("\xff\xff\xff\xff\x0f").ok());                      // five digits
  CHECK_FALSE(decode_frames("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01").ok());  // near 2^64
}

TEST_CASE("a batch over its byte or frame limit is refused") {
  const auto large = decode_frames(std::string(limits::kMaxFrameBytes + 1, '\0'));
  REQUIRE_FALSE(large.ok());
  CHECK(large.error().code == ErrorCode::too_large);
  const auto many = decode_frames(std::string(kMaxFramesPerBatch + 1, '\0'));
  REQUIRE_FALSE(many.ok());
  CHECK(many.error().code == ErrorCode::too_large);
  CHECK(decode_frames(std::string(kMaxFramesPerBatch, '\0')).ok());
}
