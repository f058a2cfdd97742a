// Ensemble: a session with ZooKeeper for a command that works step by step: each call waits for its
// answers. It elects nobody and leaves nothing behind but what it is asked to write. Owns a loop;
// main thread. Errors are sentences for a person and never show the password.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "coordination/core/zk_request.hpp"
#include "runtime/loop.hpp"
#include "runtime/zookeeper.hpp"
#include "runtime/zookeeper_url.hpp"

namespace bourse::cli {

class Ensemble {
 public:
  // Waits for a session. unavailable, denied.
  static Result<std::unique_ptr<Ensemble>> open(const runtime::ZookeeperUrl& url);

  // The answer of each, in order. A read whose answer is lost is made again; a write is not: its
  // answer is then connection_loss, and it may have happened. unavailable: no server answers.
  Result<std::vector<coordination::zk::Reply>> ask(
      const std::vector<coordination::zk::Request>& requests);
  Result<coordination::zk::Reply> ask_one(coordination::zk::Request request);

  // What is read after this is not older than what anybody had been told stored before.
  Status catch_up(const std::string& path);

  // "zk://host:port,.../path", without credentials.
  const std::string& name() const { return name_; }
  const std::string& path() const { return path_; }

 private:
  Ensemble() = default;
  Status wait(const std::function<bool()>& done);
  Status wait_connected();
  Status send(const std::vector<coordination::zk::Request>& requests,
              const std::vector<std::size_t>& which,
              std::vector<std::optional<coordination::zk::Reply>>& answers);

  std::string name_;
  std::string path_;
  runtime::Loop loop_;
  runtime::ZkState state_;
  std::unique_ptr<runtime::ZookeeperSession> session_;
};

}  // namespace bourse::cli
