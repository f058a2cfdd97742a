// FetchStage: orders in, pages out. Reports each answer to the scheduler at once (pacing depends on
// it), sends pages straight to an extract worker and answers the order when the page is done with;
// so the orders in its hands, and with them the scheduler's credit, bound the pages in flight.
#pragma once

#include <deque>
#include <map>
#include <memory>

#include "examples/crawler/fetch/fetcher.hpp"
#include "examples/crawler/stages/forwarder.hpp"
#include "examples/crawler/stages/stage.hpp"

namespace bourse::crawler {

class FetchStage final : public StageHandler {
 public:
  explicit FetchStage(runtime::Loop& loop);

  void on_cancel(std::uint64_t client, std::uint64_t id) override;

 protected:
  void on_work(batch::WorkHandle work, StageMessage message) override;
  void on_configured() override;
  StageLoad load() const override;

 private:
  struct Waiting {
    FetchOrder order;
    Instant arrived;
  };

  void make_fetcher();
  void on_fetched(Fetched fetched);
  void on_began(const AnswerBegan& began);
  void on_page_done(std::uint64_t id, bool ok, std::string_view payload);
  void start_waiting();
  void give_back(OrderId id, Outcome outcome);
  void run_fetcher();
  void arm();

  std::map<OrderId, batch::WorkHandle> works_;  // all orders in our hands
  std::deque<Waiting> waiting_;                 // not begun: the fetcher is full, or paused
  std::uint64_t done_ = 0;
  std::uint64_t failed_ = 0;
  std::string trouble_;
  Forwarder pages_;
  std::unique_ptr<Fetcher> fetcher_;
  runtime::FdWatch watch_;
  runtime::Timer timer_;
};

}  // namespace bourse::crawler
