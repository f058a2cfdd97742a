#include "examples/crawler/stages/store_stage.hpp"

namespace bourse::crawler {
namespace {

constexpr Duration kGroupFor = Duration::milliseconds(15);
constexpr Duration kTryAgainAfter = Duration::seconds(1);

}  // namespace

StoreStage::StoreStage(runtime::Loop& loop, std::string name)
    : StageHandler(loop), name_(std::move(name)) {}

void StoreStage::on_configured() {
  commit_soon();
}

void StoreStage::on_work(batch::WorkHandle work, StageMessage message) {
  auto* store = std::get_if<StoreWork>(&message);
  if (store == nullptr) {
    work.failed("a store worker takes items only");
    return;
  }
  waiting_.emplace_back(std::move(work), std::move(*store));
  commit_soon();
}

void StoreStage::commit_soon() {
  if (holds() || (waiting_.empty() && in_group_.empty()) || timer_.armed()) return;
  timer_ = loop().after(trouble_.empty() ? kGroupFor : kTryAgainAfter, [this] { commit(); });
}

void StoreStage::commit() {
  if (holds()) return;
  const Status status = commit_all();
  trouble_ = status.ok() ? std::string() : status.error().message;
  if (status.ok()) {
    done_ += in_group_.size();
    for (batch::WorkHandle& work : in_group_) work.done({});
    in_group_.clear();
  }
  commit_soon();
}

Status StoreStage::commit_all() {
  while (!waiting_.empty()) {
    auto& [work, store] = waiting_.back();
    if (store.item) {
      std::unique_ptr<ItemStore>& items = stores_[store.shard];
      if (items == nullptr) {
        auto opened =
            ItemStore::open(config().output + "/items-" + std::to_string(store.shard) + ".sqlite");
        if (!opened.ok()) return opened.error();
        items = std::move(opened).value();
      }
      items->put(*std::move(store.item), store.order);
    }
    if (store.page) {
      if (warc_ == nullptr) {
        auto opened = WarcWriter::open(config().output + "/pages-" + name_ + ".warc.gz");
        if (!opened.ok()) return opened.error();
        warc_ = std::move(opened).value();
      }
      warc_->add(*store.page);
    }
    in_group_.push_back(std::move(work));
    waiting_.pop_back();
  }
  for (auto& [shard, items] : stores_) {
    if (const auto durable = items->commit(); !durable.ok()) return durable.error();
  }
  return warc_ == nullptr ? Status() : warc_->flush();
}

StageLoad StoreStage::load() const {
  StageLoad load;
  load.queue = waiting_.size();
  load.in_flight = in_group_.size();
  load.done = done_;
  load.trouble = trouble_;
  return load;
}

}  // namespace bourse::crawler
