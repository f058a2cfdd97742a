#include "examples/crawler/stages/extract_stage.hpp"

#include <algorithm>

#include "base/digest.hpp"
#include "examples/crawler/extract/extract.hpp"
#include "examples/crawler/stages/limits.hpp"

namespace bourse::crawler {

ExtractStage::ExtractStage(runtime::Loop& loop)
    : StageHandler(loop),
      items_(loop, "extract", store_limits(),
             [this](std::uint64_t id, bool ok, std::string_view payload) {
               on_stored(id, ok, payload);
             }) {}

void ExtractStage::on_configured() {
  items_.set_peers(config().peers);
  if (holds()) return;
  std::deque<Waiting> waiting = std::move(waiting_);
  waiting_.clear();
  for (Waiting& one : waiting) work_on(std::move(one.work), std::move(one.page));
}

void ExtractStage::on_work(batch::WorkHandle work, StageMessage message) {
  auto* page = std::get_if<Page>(&message);
  if (page == nullptr) {
    work.failed("an extract worker takes pages only");
    return;
  }
  if (holds()) {
    waiting_.push_back({std::move(work), std::move(*page)});
    return;
  }
  work_on(std::move(work), std::move(*page));
}

void ExtractStage::work_on(batch::WorkHandle work, Page page) {
  StoreWork store;
  store.order = page.order;
  if (config().warc) store.page = page;
  Extracted extracted = extract(std::move(page));
  std::string report = encode(extracted.report);
  store.item = std::move(extracted.item);
  if (!store.item && !store.page) {
    ++done_;
    work.done(std::move(report));
    return;
  }
  const std::string& shop = store.item ? store.item->shop : store.page->url;
  store.shard = static_cast<std::uint32_t>(digest_of(shop).low % std::max(config().shards, 1U));
  const std::uint64_t id = next_id_++;
  storing_[id] = {std::move(work), std::move(report)};
  items_.send(id, encode(store), store.shard);
}

void ExtractStage::on_stored(std::uint64_t id, bool ok, std::string_view payload) {
  const auto it = storing_.find(id);
  if (it == storing_.end()) return;
  ++(ok ? done_ : failed_);
  if (ok) {
    it->second.work.done(std::move(it->second.report));
  } else {
    it->second.work.failed(std::string(payload));
  }
  storing_.erase(it);
}

StageLoad ExtractStage::load() const {
  StageLoad load;
  load.queue = waiting_.size();
  load.in_flight = storing_.size();
  load.done = done_;
  load.failed = failed_;
  load.waiting_for_next = items_.waiting();
  return load;
}

}  // namespace bourse::crawler
