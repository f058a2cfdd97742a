// Private to runtime/*.cpp: the Asio context under a Loop. Includes Asio, so never include it from
// a public header.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <thread>

#include "runtime/loop.hpp"

namespace bourse::runtime {

struct LoopImpl {
  // One thread runs it; others may post.
  boost::asio::io_context context{1};
  std::atomic<std::thread::id> runner{};
  std::atomic<bool> stop_requested{false};
};

inline boost::asio::io_context& context_of(Loop& loop) {
  return loop.impl().context;
}

}  // namespace bourse::runtime
