// The coordinator's words for ZooKeeper (coordination/core/zk_request.hpp) in those of the client
// (runtime/zookeeper.hpp), and back: the two rooms do not know each other. Loop's thread.
#pragma once

#include <functional>

#include "coordination/core/zk_request.hpp"
#include "runtime/zookeeper.hpp"

namespace bourse::coordination {

// Asks; `answered` is called once, on the loop, never from inside.
void perform(runtime::ZookeeperSession& session, const zk::Request& request,
             std::function<void(zk::Reply)> answered);

}  // namespace bourse::coordination
