// Private to runtime/zookeeper*.cpp: the servers of an ensemble as numeric addresses. The C client
// would ask the name service inside a call, on the loop's thread, and a name service that is down
// would stop the loop for seconds; here Asio's resolver thread does it, and the client sees numbers
// only. Belongs to the loop's thread. A host that cannot be found is left out.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runtime/loop.hpp"

namespace bourse::runtime {

class ZookeeperAddresses {
 public:
  ZookeeperAddresses(Loop& loop, const std::vector<std::string>& servers);
  ~ZookeeperAddresses();

  // True if every server was given as a number: then list() is final from the start.
  bool fixed() const;
  // "10.0.0.1:2181", "::1:2181", sorted; as of the last look-up that found any.
  const std::vector<std::string>& list() const;
  // Why hosts were missing in the last look-up; empty if none was.
  const std::string& error() const;
  // Asks for every name anew; `done` runs in the loop. Nothing while one is under way.
  void look_up(Task done);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace bourse::runtime
