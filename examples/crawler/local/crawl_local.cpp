#include "examples/crawler/local/crawl_local.hpp"

#include <time.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "examples/crawler/extract/extract.hpp"
#include "examples/crawler/frontier/journal.hpp"
#include "examples/crawler/store/item_store.hpp"
#include "examples/crawler/warc/warc_writer.hpp"

namespace bourse::crawler {
namespace {

Instant now() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return Instant{time.tv_sec * 1'000'000'000 + time.tv_nsec};
}

constexpr Duration kCommitEvery = Duration::milliseconds(50);

class Crawl {
 public:
  Crawl(const LocalCrawl& config, std::unique_ptr<Journal> journal,
        std::unique_ptr<ItemStore> store, std::unique_ptr<WarcWriter> warc)
      : config_(config),
        journal_(std::move(journal)),
        store_(std::move(store)),
        warc_(std::move(warc)),
        frontier_(config.frontier),
        fetcher_(
            config.hosts, config.fetch, "bourse-crawler/0.1",
            [this](Fetched fetched) { fetched_.push_back(std::move(fetched)); },
            [this](const AnswerBegan& began) { began_.push_back(began); }) {}

  Result<LocalResult> run() {
    const Instant started = now();
    Result<Records> kept = journal_->load();
    if (!kept.ok()) return kept.error();
    frontier_.restore(*kept, started);
    step(SetCapacity{config_.fetch.in_flight});
    for (const std::string& seed : config_.seeds) step(Seed{seed});
    Instant next_commit = started + kCommitEvery;
    Instant next_progress = started + Duration::seconds(1);
    while (!frontier_.finished()) {
      const Instant at = now();
      if (config_.longest > Duration{} && at - started > config_.longest) break;
      if (at >= next_commit) {
        if (const Status status = commit(); !status.ok()) return status.error();
        next_commit = at + kCommitEvery;
      }
      if (at >= next_progress && config_.on_progress) {
        config_.on_progress(frontier_.stats(), at - started);
        next_progress = at + Duration::seconds(1);
      }
      const Instant wake = std::min(frontier_.next_deadline(), next_commit);
      fetcher_.run(static_cast<int>(std::clamp<std::int64_t>((wake - at).ms(), 0, 50)));
      handle_fetched();
      if (frontier_.next_deadline() <= now()) step(Tick{});
    }
    if (const Status status = commit(); !status.ok()) return status.error();
    LocalResult result;
    result.stats = frontier_.stats();
    result.finished = frontier_.finished();
    result.elapsed = now() - started;
    result.items_path = config_.directory + "/items.sqlite";
    return result;
  }

 private:
  void step(FrontierAction action) {
    frontier_.step({now(), std::move(action)}, effects_);
    journal_->append(effects_.records);
    std::vector<FetchOrder> orders = std::move(effects_.orders);
    effects_.clear();
    for (FetchOrder& order : orders) {
      const OrderId id = order.id;
      // The capacity told to the frontier is the fetcher's, so it always has room.
      if (!fetcher_.start(std::move(order))) {
        step(PageFetched{{id, Outcome::not_sent, 0, {}, {}, {}, 0, 0}});
      }
    }
  }

  void handle_fetched() {
    for (const AnswerBegan& began : std::exchange(began_, {})) step(AnswerSeen{began});
    while (!fetched_.empty()) {
      Fetched fetched = std::move(fetched_.front());
      fetched_.pop_front();
      const bool has_page = fetched.report.outcome == Outcome::ok;
      step(PageFetched{std::move(fetched.report)});
      if (!has_page) continue;
      if (warc_) warc_->add(fetched.page);
      Extracted extracted = extract(std::move(fetched.page));
      const OrderId id = extracted.report.id;
      step(PageParsed{std::move(extracted.report)});
      if (extracted.item) store_->put(*std::move(extracted.item), id);
    }
  }

  // Items first: the journal may only say "done" of what the store already holds.
  Status commit() {
    const Result<std::vector<OrderId>> stored = store_->commit();
    if (!stored.ok()) return stored.error();
    for (const OrderId id : *stored) step(ItemStored{id});
    if (warc_) {
      if (const Status status = warc_->flush(); !status.ok()) return status;
    }
    return journal_->commit();
  }

  const LocalCrawl& config_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<ItemStore> store_;
  std::unique_ptr<WarcWriter> warc_;
  Frontier frontier_;
  FrontierEffects effects_;
  std::deque<Fetched> fetched_;
  std::vector<AnswerBegan> began_;
  Fetcher fetcher_;
};

}  // namespace

Result<LocalResult> crawl_local(const LocalCrawl& config) {
  Result<std::unique_ptr<Journal>> journal = Journal::open(config.directory + "/journal.sqlite");
  if (!journal.ok()) return journal.error();
  Result<std::unique_ptr<ItemStore>> store = ItemStore::open(config.directory + "/items.sqlite");
  if (!store.ok()) return store.error();
  std::unique_ptr<WarcWriter> warc;
  if (!config.warc.empty()) {
    Result<std::unique_ptr<WarcWriter>> opened = WarcWriter::open(config.warc);
    if (!opened.ok()) return opened.error();
    warc = std::move(opened).value();
  }
  return Crawl(config, std::move(journal).value(), std::move(store).value(), std::move(warc)).run();
}

}  // namespace bourse::crawler
