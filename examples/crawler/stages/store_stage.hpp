// StoreStage: items (and pages, for WARC) to disk, in groups: an item is answered when the
// transaction that holds it is durable. When the disk is full the group is kept and tried again;
// meanwhile nothing is answered, credit runs out, and the whole crawl waits without losing
// anything.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "examples/crawler/stages/stage.hpp"
#include "examples/crawler/store/item_store.hpp"
#include "examples/crawler/warc/warc_writer.hpp"

namespace bourse::crawler {

class StoreStage final : public StageHandler {
 public:
  // `name` sets this worker's WARC file apart from those of others.
  StoreStage(runtime::Loop& loop, std::string name);

 protected:
  void on_work(batch::WorkHandle work, StageMessage message) override;
  void on_configured() override;
  StageLoad load() const override;

 private:
  void commit_soon();
  void commit();
  Status commit_all();

  std::string name_;
  std::vector<std::pair<batch::WorkHandle, StoreWork>> waiting_;  // not yet given to a store
  std::vector<batch::WorkHandle> in_group_;
  std::map<std::uint32_t, std::unique_ptr<ItemStore>> stores_;  // by shard
  std::unique_ptr<WarcWriter> warc_;
  runtime::Timer timer_;
  std::string trouble_;
  std::uint64_t done_ = 0;
};

}  // namespace bourse::crawler
