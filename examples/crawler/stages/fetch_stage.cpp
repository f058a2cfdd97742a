#include "examples/crawler/stages/fetch_stage.hpp"

#include <algorithm>

#include "examples/crawler/stages/limits.hpp"
#include "runtime/clock.hpp"

namespace bourse::crawler {

FetchStage::FetchStage(runtime::Loop& loop)
    : StageHandler(loop),
      pages_(loop, "fetch", extract_limits(),
             [this](std::uint64_t id, bool ok, std::string_view payload) {
               on_page_done(id, ok, payload);
             }) {}

void FetchStage::on_configured() {
  pages_.set_peers(config().peers);
  if (fetcher_ == nullptr) make_fetcher();
  start_waiting();
  arm();
}

// Once, from the first Configure: the address map and the limit stay as long as the worker.
void FetchStage::make_fetcher() {
  HostsMap hosts;
  if (!config().hosts.empty()) {
    Result<HostsMap> parsed = parse_hosts(config().hosts);
    if (parsed.ok()) {
      hosts = std::move(parsed).value();
    } else {
      trouble_ = parsed.error().message;
    }
    hosts.only_these = true;
  }
  FetchLimits limits;
  limits.in_flight = config().in_flight;
  fetcher_ = std::make_unique<Fetcher>(
      std::move(hosts), limits, "bourse-crawler/0.1",
      [this](Fetched one) { on_fetched(std::move(one)); },
      [this](const AnswerBegan& began) { on_began(began); });
  watch_ = loop().watch(fetcher_->fd(), {.readable = [this] { run_fetcher(); }});
}

void FetchStage::on_work(batch::WorkHandle work, StageMessage message) {
  auto* order = std::get_if<FetchOrder>(&message);
  if (order == nullptr) {
    work.failed("a fetch worker takes orders only");
    return;
  }
  const OrderId id = order->id;
  works_[id] = std::move(work);
  waiting_.push_back({std::move(*order), runtime::monotonic_now()});
  start_waiting();
  arm();
}

void FetchStage::on_cancel(std::uint64_t, std::uint64_t id) {
  // A request that is out cannot be unsent; its answer finds no order and is dropped.
  works_.erase(id);
  std::erase_if(waiting_, [&](const Waiting& one) { return one.order.id == id; });
}

void FetchStage::start_waiting() {
  if (fetcher_ == nullptr || holds()) return;
  const Instant now = runtime::monotonic_now();
  while (!waiting_.empty() && fetcher_->has_room()) {
    Waiting next = std::move(waiting_.front());
    waiting_.pop_front();
    if (now - next.arrived > Duration::milliseconds(next.order.start_within_ms)) {
      give_back(next.order.id, Outcome::not_sent);
      continue;
    }
    fetcher_->start(std::move(next.order));
  }
}

void FetchStage::give_back(OrderId id, Outcome outcome) {
  const auto it = works_.find(id);
  if (it == works_.end()) return;
  FetchReport report;
  report.id = id;
  report.outcome = outcome;
  it->second.done(encode(report));
  works_.erase(it);
}

void FetchStage::on_fetched(Fetched fetched) {
  const auto it = works_.find(fetched.report.id);
  if (it == works_.end()) return;
  const std::string report = encode(fetched.report);
  if (fetched.report.outcome != Outcome::ok) {
    // A redirect is an answer like any other: its target is the next order.
    if (fetched.report.outcome != Outcome::redirect) ++failed_;
    it->second.done(report);
    works_.erase(it);
    return;
  }
  it->second.progress(report);
  pages_.send(fetched.report.id, encode(fetched.page));
}

void FetchStage::on_began(const AnswerBegan& began) {
  const auto it = works_.find(began.id);
  if (it != works_.end()) it->second.progress(encode(began));
}

void FetchStage::on_page_done(std::uint64_t id, bool ok, std::string_view payload) {
  const auto it = works_.find(id);
  if (it == works_.end()) return;
  ++(ok ? done_ : failed_);
  if (ok) {
    it->second.done(std::string(payload));
  } else {
    it->second.failed(std::string(payload));
  }
  works_.erase(it);
}

void FetchStage::run_fetcher() {
  fetcher_->step();
  start_waiting();
  arm();
}

void FetchStage::arm() {
  if (fetcher_ == nullptr) return;
  std::int64_t wait_ms = fetcher_->wait_ms();
  // Orders that wait for room grow old: look at them now and then.
  if (!waiting_.empty()) wait_ms = wait_ms < 0 ? 200 : std::min<std::int64_t>(wait_ms, 200);
  if (wait_ms < 0) {
    timer_.cancel();
    return;
  }
  timer_ = loop().after(Duration::milliseconds(wait_ms), [this] { run_fetcher(); });
}

StageLoad FetchStage::load() const {
  StageLoad load;
  load.queue = waiting_.size();
  load.in_flight = fetcher_ == nullptr ? 0 : fetcher_->in_flight();
  load.done = done_;
  load.failed = failed_;
  load.waiting_for_next = pages_.waiting();
  load.trouble = trouble_;
  return load;
}

}  // namespace bourse::crawler
