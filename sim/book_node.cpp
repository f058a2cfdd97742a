#include "sim/book_node.hpp"

#include <utility>

#include "base/assert.hpp"
#include "proto/codec/service_api.hpp"
#include "proto/codec/service_entries.hpp"
#include "proto/codec/service_records.hpp"
#include "sim/judge.hpp"

namespace bourse::sim {

// -- on a disk

void FileBookNode::start(Handlers handlers) {
  ++life_;
  handlers_ = std::move(handlers);
  service::Book book;
  const Result<std::vector<std::string>> read = disk_.open();
  ASSERT(read.ok());  // disks of service schedulers do not lie
  for (const std::string& bytes : *read) {
    const Result<ServiceCommand> command = codec::decode_service_command(bytes);
    if (!command.ok()) {
      return env_.judge->violate("S25",
                                 "a book's record does not parse: " + command.error().message);
    }
    if (const Status applied = service::apply(book, *command); !applied.ok()) {
      return env_.judge->violate("S5", "the book does not replay: " + applied.error().message);
    }
  }
  handlers_.on_lead(std::move(book));
}

void FileBookNode::store(const Commands& commands, Stored stored) {
  std::vector<std::string> records;
  for (const ServiceCommand& command : commands) {
    records.push_back(codec::encode_service_command(command));
  }
  disk_.submit(
      std::move(records),
      [this, life = life_, stored = std::move(stored)](Disk::Outcome outcome,
                                                       const std::string& reason) {
        if (life == life_ && outcome != Disk::Outcome::unknown) {
          env_.judge->services().decided(outcome == Disk::Outcome::stored);
        }
        process_.run([this, life, stored, outcome, reason] {
          if (life != life_) return;
          if (outcome == Disk::Outcome::unknown) return handlers_.on_end("book: " + reason);
          const bool done = outcome == Disk::Outcome::stored;
          stored(done ? Status() : Status(Error{ErrorCode::full, reason}));
        });
      },
      [] {});
}

void FileBookNode::stop(bool) {
  ++life_;
  disk_.crash();
}

// -- in the ensemble

void EnsembleBookNode::start(Handlers handlers) {
  handlers_ = std::move(handlers);
  under_way_.clear();
  coordination::CoordinationConfig config;
  config.path = "/services";
  config.candidate_info = codec::encode_service_candidate(name_ + ":5070");
  config.shards = env_.plan.zk_shards;
  config.demands = {codec::kServiceBookFeature};
  config.features = config.demands;
  config.expects = config.demands;
  CoordinationNode::Handlers on;
  on.on_lead = [this](const coordination::BecameLeader& won) { lead(won); };
  on.on_leader = [](const coordination::Leader&) {};
  on.on_end = [this](const std::string& reason) { handlers_.on_end(reason); };
  coordination_.start(std::move(config), std::move(on));
}

void EnsembleBookNode::lead(const coordination::BecameLeader& won) {
  auto book = codec::decode_service_book(won.entries);
  if (!book.ok()) {
    return env_.judge->violate("S25", "the book does not parse: " + book.error().message);
  }
  stored_ = std::move(book).value();
  ahead_ = stored_;
  handlers_.on_lead(stored_);
}

void EnsembleBookNode::store(const Commands& commands, Stored stored) {
  under_way_.push_back(commands);
  coordination_.write(
      codec::apply_service_commands(ahead_, commands),
      [this, stored = std::move(stored)](const Status& status) { on_written(status, stored); });
}

// Answers come in the order of the writes.
void EnsembleBookNode::on_written(const Status& status, const Stored& stored) {
  const Commands commands = std::move(under_way_.front());
  under_way_.pop_front();
  if (status.ok()) {
    for (const ServiceCommand& command : commands) {
      const Status applied = service::apply(stored_, command);
      ASSERT(applied.ok());
    }
  } else {
    ahead_ = stored_;
    for (const Commands& later : under_way_) {
      for (const ServiceCommand& command : later) (void)service::apply(ahead_, command);
    }
  }
  stored(status);
}

void EnsembleBookNode::stop(bool politely) {
  coordination_.stop(politely);
  under_way_.clear();
}

}  // namespace bourse::sim
