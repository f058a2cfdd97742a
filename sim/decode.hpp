// decode_all: a transport message back into the messages that were put into it. What one of our own
// cores sent must be accepted by the codec of the other. One thread.
#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "proto/codec/frames.hpp"
#include "sim/env.hpp"
#include "sim/judge.hpp"

namespace bourse::sim {

template <typename Message>
std::vector<Message> decode_all(Env& env, std::string_view bytes,
                                Result<Message> (*decode)(std::string_view)) {
  std::vector<Message> out;
  const auto frames = codec::decode_frames(bytes);
  if (!frames.ok()) {
    env.judge->violate("codec", frames.error().message);
    return out;
  }
  for (const std::string_view frame : frames.value()) {
    Result<Message> message = decode(frame);
    if (!message.ok()) {
      env.judge->violate("codec", "a peer's own message is refused: " + message.error().message);
      return out;
    }
    out.push_back(std::move(message).value());
  }
  return out;
}

}  // namespace bourse::sim
