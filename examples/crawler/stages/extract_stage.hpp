// ExtractStage: pages in, reports out, items on to the store. A page is answered when its item is
// durable, so that what the scheduler hears of is stored.
#pragma once

#include <deque>
#include <map>

#include "examples/crawler/stages/forwarder.hpp"
#include "examples/crawler/stages/stage.hpp"

namespace bourse::crawler {

class ExtractStage final : public StageHandler {
 public:
  explicit ExtractStage(runtime::Loop& loop);

 protected:
  void on_work(batch::WorkHandle work, StageMessage message) override;
  void on_configured() override;
  StageLoad load() const override;

 private:
  struct Waiting {
    batch::WorkHandle work;
    Page page;
  };
  struct Storing {
    batch::WorkHandle work;
    std::string report;  // encoded, for when the store has answered
  };

  void work_on(batch::WorkHandle work, Page page);
  void on_stored(std::uint64_t id, bool ok, std::string_view payload);

  std::deque<Waiting> waiting_;  // while the stage holds
  // By a number of our own: two fetch workers may have held the same order, one after the other.
  std::map<std::uint64_t, Storing> storing_;
  std::uint64_t next_id_ = 1;
  std::uint64_t done_ = 0;
  std::uint64_t failed_ = 0;
  Forwarder items_;
};

}  // namespace bourse::crawler
