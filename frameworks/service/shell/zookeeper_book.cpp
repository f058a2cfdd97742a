#include "frameworks/service/shell/zookeeper_book.hpp"

#include <utility>

#include "base/assert.hpp"
#include "proto/codec/service_api.hpp"
#include "proto/codec/service_entries.hpp"
#include "runtime/log.hpp"

namespace bourse::service {

ZookeeperBook::ZookeeperBook(runtime::ZookeeperOptions zookeeper,
                             coordination::CoordinationConfig config)
    : zookeeper_(std::move(zookeeper)), config_(std::move(config)) {
  config_.demands = {codec::kServiceBookFeature};
  config_.features = config_.demands;
  config_.expects = config_.demands;
}

ZookeeperBook::~ZookeeperBook() = default;

Status ZookeeperBook::start(runtime::Loop& loop, const std::string& address,
                            StoreHandlers handlers) {
  handlers_ = std::move(handlers);
  config_.candidate_info = codec::encode_service_candidate(address);
  coordination::DriverHandlers on;
  on.on_lead = [this](const coordination::BecameLeader& won) { lead(won); };
  on.on_leader = [this](const coordination::Leader& leader) { follow(leader); };
  on.on_end = [this](const std::string& reason) {
    handlers_.on_end({ErrorCode::conflict, reason});
  };
  driver_ =
      std::make_unique<coordination::CoordinationDriver>(loop, zookeeper_, config_, std::move(on));
  return driver_->start();
}

void ZookeeperBook::lead(const coordination::BecameLeader& won) {
  auto book = codec::decode_service_book(won.entries);
  if (!book.ok()) {
    return driver_->decline("the store at " + config_.path +
                            " cannot be read: " + book.error().message);
  }
  stored_ = std::move(book).value();
  ahead_ = stored_;
  handlers_.on_lead(stored_);
}

void ZookeeperBook::follow(const coordination::Leader& leader) {
  if (leader.ours) return;
  if (!leader.info) return handlers_.on_leader("");
  auto address = codec::decode_service_candidate(*leader.info);
  if (!address.ok()) {
    runtime::log_warning("the leader's announcement does not parse",
                         {{"reason", address.error().message}});
    return handlers_.on_leader("");
  }
  handlers_.on_leader(address.value());
}

void ZookeeperBook::store(const std::vector<ServiceCommand>& commands, Stored stored) {
  under_way_.push_back(commands);
  driver_->write(codec::apply_service_commands(ahead_, commands),
                 [this, stored = std::move(stored)](const Status& status) mutable {
                   on_written(status, stored);
                 });
}

// Answers come in the order of the writes.
void ZookeeperBook::on_written(const Status& status, Stored& stored) {
  const std::vector<ServiceCommand> commands = std::move(under_way_.front());
  under_way_.pop_front();
  if (status.ok()) {
    for (const ServiceCommand& command : commands) {
      const Status applied = service::apply(stored_, command);
      ASSERT(applied.ok());
    }
    return stored({runtime::WriteOutcome::stored, {}});
  }
  ahead_ = stored_;
  for (const auto& later : under_way_) {
    for (const ServiceCommand& command : later) (void)service::apply(ahead_, command);
  }
  stored({runtime::WriteOutcome::rejected, status});
}

}  // namespace bourse::service
