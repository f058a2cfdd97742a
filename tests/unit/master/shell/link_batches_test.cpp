// What the core wants sent, as transport messages.

#include "master/shell/link_batches.hpp"

#include <catch2/catch.hpp>
#include <map>

#include "model/limits.hpp"
#include "proto/codec/frames.hpp"
#include "proto/codec/links.hpp"

using namespace bourse;
using namespace bourse::master;

namespace {

struct Sent {
  std::vector<std::pair<PeerId, std::string>> messages;  // a closing is an empty one
  LinkBatches batches{
      {.send = [this](PeerId peer,
                      std::string&& bytes) { messages.emplace_back(peer, std::move(bytes)); },
       .close = [this](const ClosePeer& close) { messages.emplace_back(close.peer, ""); },
       .too_large = [this](PeerId peer) { refused.push_back(peer); }}};
  std::vector<PeerId> refused;

  void send(std::vector<Outgoing> list) { batches.send(std::move(list), {}); }
  std::size_t frames(std::size_t message) const {
    const auto decoded = codec::decode_frames(messages.at(message).second);
    return decoded.ok() ? decoded->size() : 0;
  }
};

Outgoing heartbeat(std::uint64_t peer, std::uint64_t sequence) {
  return SendToAgent{PeerId(peer), {{1, sequence, 1}, to_agent::Heartbeat{}}};
}

Outgoing data(std::uint64_t peer, std::string text) {
  return SendToFramework{
      PeerId(peer),
      {},
      {{1, 1, 1}, event::Message{AgentId("a"), ExecutorId("e"), std::move(text)}}};
}

}  // namespace

TEST_CASE("the frames of one peer and turn travel in one message, in their order") {
  Sent sent;
  sent.send({heartbeat(1, 1), data(9, "x"), heartbeat(2, 1), heartbeat(1, 2)});
  REQUIRE(sent.messages.size() == 3);
  CHECK(sent.messages[0].first == PeerId(1));
  CHECK(sent.messages[1].first == PeerId(9));
  CHECK(sent.messages[2].first == PeerId(2));
  REQUIRE(sent.frames(0) == 2);
  const auto frames = codec::decode_frames(sent.messages[0].second);
  for (std::uint64_t i = 0; i < 2; ++i) {
    CHECK(codec::decode_master_to_agent(frames.value()[i])->header.sequence == i + 1);
  }
  CHECK(sent.batches.frames() == 4);
  sent.send({heartbeat(1, 3)});
  CHECK(sent.messages.size() == 4);
}

TEST_CASE("a peer that is closed gets first what was sent to it before") {
  Sent sent;
  sent.send({heartbeat(1, 1), heartbeat(2, 1), ClosePeer{PeerId(1), "enough"}});
  REQUIRE(sent.messages.size() == 3);
  CHECK(sent.frames(0) == 1);
  CHECK(sent.messages[1] == std::pair(PeerId(1), std::string()));
  CHECK(sent.messages[2].first == PeerId(2));
}

TEST_CASE("a message that is full leaves, and the frame too many opens the next") {
  Sent sent;
  const std::string big(limits::kMaxFrameBytes / 3, 'x');
  sent.send({data(1, big), data(1, big), data(1, big), heartbeat(1, 7)});
  REQUIRE(sent.messages.size() == 2);
  CHECK(sent.frames(0) == 2);
  CHECK(sent.frames(1) == 2);
  for (const auto& [peer, bytes] : sent.messages) CHECK(bytes.size() <= limits::kMaxFrameBytes);
}

TEST_CASE("no message carries more frames than a receiver takes") {
  Sent sent;
  std::vector<Outgoing> many(codec::kMaxFramesPerBatch + 1, heartbeat(1, 1));
  sent.send(many);
  REQUIRE(sent.messages.size() == 2);
  CHECK(sent.frames(0) == codec::kMaxFramesPerBatch);
  CHECK(sent.frames(1) == 1);
}

TEST_CASE("a message that no frame can hold is dropped and told, the others leave") {
  Sent sent;
  sent.send({heartbeat(1, 1), data(1, std::string(limits::kMaxFrameBytes, 'x')), heartbeat(1, 2)});
  CHECK(sent.refused == std::vector<PeerId>{PeerId(1)});
  REQUIRE(sent.messages.size() == 1);
  CHECK(sent.frames(0) == 2);
}
