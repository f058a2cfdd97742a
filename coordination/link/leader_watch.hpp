// LeaderWatch: who leads, from ZooKeeper, for those who only want to know: agents, frameworks,
// tools. It writes nothing there. Also the one reading of what they are given as --master:
// addresses of masters, or the ensemble that elects them.
//
// Ownership and thread: belongs to its loop's thread; the callback runs there.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "coordination/link/coordination_driver.hpp"
#include "runtime/loop.hpp"
#include "runtime/zookeeper_url.hpp"

namespace bourse::coordination {

struct Masters {
  std::vector<std::string> addresses;             // host:port
  std::optional<runtime::ZookeeperUrl> ensemble;  // instead of them
};

// "host:port,host:port" or "zk://[user:password@]host:port,.../path".
Result<Masters> parse_masters_or_ensemble(std::string_view text, std::string_view flag);

// Which address of the leader is wanted.
enum class LeaderAddress { link, http };

class LeaderWatch {
 public:
  // Called with the leader's host:port whenever it changes; empty: nobody is known to lead, or it
  // announced no such address.
  using OnLeader = std::function<void(const std::string& address)>;

  LeaderWatch(runtime::Loop& loop, const runtime::ZookeeperUrl& ensemble, std::uint64_t seed,
              LeaderAddress wanted, OnLeader on_leader);
  ~LeaderWatch();

  Status start();

 private:
  void on_announced(const std::optional<std::string>& info);
  void tell_when_nobody_leads(Duration in);

  runtime::Loop& loop_;
  std::string path_;
  runtime::Timer nobody_;
  LeaderAddress wanted_;
  OnLeader on_leader_;
  std::unique_ptr<CoordinationDriver> driver_;
};

}  // namespace bourse::coordination
