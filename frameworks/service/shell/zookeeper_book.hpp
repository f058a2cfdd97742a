// ZookeeperBook: the book in a ZooKeeper ensemble, each app and each instance by itself, and the
// election among the schedulers that share it. Commands become entries of the coordination core's
// store here; all else is its word.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "coordination/link/coordination_driver.hpp"
#include "frameworks/service/shell/book_store.hpp"

namespace bourse::service {

class ZookeeperBook final : public BookStore {
 public:
  ZookeeperBook(runtime::ZookeeperOptions zookeeper, coordination::CoordinationConfig config);
  ~ZookeeperBook() override;

  Status start(runtime::Loop& loop, const std::string& address, StoreHandlers handlers) override;
  void store(const std::vector<ServiceCommand>& commands, Stored stored) override;
  bool may_act(Instant now) const override { return driver_->may_act(now); }

 private:
  void lead(const coordination::BecameLeader& won);
  void follow(const coordination::Leader& leader);
  void on_written(const Status& status, Stored& stored);

  runtime::ZookeeperOptions zookeeper_;
  coordination::CoordinationConfig config_;
  StoreHandlers handlers_;
  // As stored, and with what is under way: an entry holds the whole of what it is about.
  Book stored_;
  Book ahead_;
  std::deque<std::vector<ServiceCommand>> under_way_;
  std::unique_ptr<coordination::CoordinationDriver> driver_;
};

}  // namespace bourse::service
