#include "executors/batch/batch_message.hpp"

#include <catch2/catch.hpp>

#include "proto/codec/frames.hpp"

using namespace bourse;
using namespace bourse::batch;

namespace {

std::string frame_of(const BatchMessage& message) {
  std::string batch;
  append_message(message, batch);
  const auto frames = codec::decode_frames(batch);
  REQUIRE(frames.ok());
  REQUIRE(frames->size() == 1);
  return std::string(frames->front());
}

}  // namespace

TEST_CASE("batch messages come back as they were") {
  const std::string item = frame_of(Item{0x0102030405060708ULL, "payload"});
  const auto back = decode_message(item);
  REQUIRE(back.ok());
  REQUIRE(std::get<Item>(back.value()).id == 0x0102030405060708ULL);
  REQUIRE(std::get<Item>(back.value()).payload == "payload");
  const std::string result = frame_of(ItemResult{7, true, ""});
  REQUIRE(std::get<ItemResult>(decode_message(result).value()).ok);
  const std::string credit = frame_of(Credit{1, ~0ULL});
  REQUIRE(std::get<Credit>(decode_message(credit).value()).bytes == ~0ULL);
  REQUIRE(std::get<Hello>(decode_message(frame_of(Hello{1, "me"})).value()).name == "me");
  REQUIRE(std::get<Cancel>(decode_message(frame_of(Cancel{9})).value()).id == 9);
  REQUIRE(std::get<Progress>(decode_message(frame_of(Progress{9, "50%"})).value()).payload ==
          "50%");
}

TEST_CASE("truncated, over-long and unknown batch messages are refused") {
  for (const BatchMessage& message :
       {BatchMessage(Item{1, ""}), BatchMessage(Cancel{1}), BatchMessage(Credit{1, 2}),
        BatchMessage(ItemResult{1, true, ""}), BatchMessage(Progress{1, ""})}) {
    const std::string whole = frame_of(message);
    for (std::size_t length = 0; length < whole.size(); ++length) {
      REQUIRE_FALSE(decode_message(std::string_view(whole).substr(0, length)).ok());
    }
  }
  REQUIRE_FALSE(decode_message(frame_of(Cancel{1}) + "x").ok());
  REQUIRE_FALSE(decode_message(frame_of(Credit{1, 1}) + "x").ok());
  REQUIRE_FALSE(decode_message("").ok());
  REQUIRE_FALSE(decode_message(std::string(30, '\x7f')).ok());
  std::string bad_flag = frame_of(ItemResult{1, true, ""});
  bad_flag[9] = 2;
  REQUIRE_FALSE(decode_message(bad_flag).ok());
}
