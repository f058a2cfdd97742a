// Dispatch: the scheduler's streams to its workers: configures every stage, sends orders to the
// fetch worker with most room, hears reports and loads. Owned by the crawl's loop; decides nothing
// about what is fetched when (the frontier does) nor about how many workers there are (the crew
// does).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "examples/crawler/scheduler/crew.hpp"
#include "examples/crawler/wire/messages.hpp"
#include "executors/batch/batch_stream.hpp"
#include "runtime/loop.hpp"

namespace bourse::crawler {

struct DispatchHandlers {
  std::function<void(const FetchReport&)> on_fetched;
  std::function<void(const AnswerBegan&)> on_began;
  std::function<void(const PageReport&)> on_page;  // parsed, and its item stored
  std::function<void(OrderId)> on_lost;            // nobody will answer this order
  std::function<void()> on_room;                   // more orders may be sent
};

class Dispatch {
 public:
  Dispatch(runtime::Loop& loop, Configure base, DispatchHandlers handlers);
  ~Dispatch();

  // Brings the streams in line with the crew, and every worker's configuration with its peers.
  void follow(const Crew& crew, const StageTable& stages);

  // Orders that can be sent now: 0 until every stage has a worker.
  std::uint64_t room() const;
  // False when nobody has room after all.
  bool send(const FetchOrder& order);

  struct StageSum {
    std::uint64_t queue = 0;  // waiting for the stage: at its workers and before them
    std::uint64_t in_flight = 0;
    std::uint64_t done = 0;
    std::uint64_t failed = 0;
    std::string trouble;
  };
  StageSum sum(Stage stage) const;
  // A leaving worker that has nothing left to do, or cannot be reached, may be killed.
  bool is_idle(const std::string& task_id) const;

 private:
  struct Link {
    Stage stage = Stage::fetch;
    bool leaving = false;
    std::unique_ptr<batch::BatchClient> client;
    Configure sent;             // as the worker has it
    std::uint64_t open_id = 0;  // of the Configure that is open at the worker
    StageLoad load;
    bool heard = false;     // the worker has reported since it was configured first
    std::set<OrderId> out;  // orders it has not answered
  };

  std::unique_ptr<Link> open(const Worker& worker);
  void configure(Link& link, const Configure& wanted);
  void take_progress(Link& link, std::uint64_t id, std::string_view payload);
  void take_result(Link& link, std::uint64_t id, bool ok, std::string_view payload);
  bool usable(const Link& link) const;

  runtime::Loop& loop_;
  Configure base_;
  DispatchHandlers handlers_;
  std::map<std::string, std::unique_ptr<Link>> links_;  // by task id
  bool complete_ = false;                               // every stage has a worker that is set up
  std::uint64_t next_configure_ = 1ULL << 63;           // apart from order ids
  // Of workers that are gone: their counts still belong to the run.
  std::array<StageLoad, kStages.size()> past_{};
};

}  // namespace bourse::crawler
