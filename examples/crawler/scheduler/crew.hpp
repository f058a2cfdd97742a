// Crew: the crawler's tasks on the cluster: which workers of which stage there are, which are still
// wanted, which go onto which offers, which may end. Decides from what it is told; its owner talks
// to the driver and to the workers. One thread; no IO.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "bourse/offer_matcher.hpp"
#include "examples/crawler/scheduler/stage.hpp"

namespace bourse::crawler {

enum class WorkerState : std::uint8_t {
  launching,  // offer used, no RUNNING heard yet
  running,    // its stream's endpoint is known
  leaving,    // no longer wanted: finishes what it has, then it is killed
};

struct Worker {
  std::string task_id;
  Stage stage = Stage::fetch;
  WorkerState state = WorkerState::launching;
  std::string endpoint;
  std::string agent_id;
};

class Crew {
 public:
  // `program`: path of bourse-crawl-worker; `life` sets the task ids of this run apart from those
  // of an earlier life of the framework.
  Crew(std::string program, std::string life)
      : program_(std::move(program)), life_(std::move(life)) {}

  // Places what is wanted and not there. The plan's launched workers are part of the crew at once.
  sdk::Plan place(const StageTable& stages, const std::vector<sdk::Offer>& offers, Instant now);
  // Whether place() with offers would launch anything now.
  bool wants_offers(const StageTable& stages, Instant now) const;

  struct Change {
    enum class Kind : std::uint8_t { none, up, down, stranger } kind = Kind::none;
    std::string task_id;
  };
  // stranger: a living task that this run did not launch, to be killed.
  Change on_update(const sdk::TaskUpdate& update, Instant now);

  // Marks workers beyond the wanted number as leaving, the youngest first; returns their task ids.
  std::vector<std::string> dismiss_surplus(const StageTable& stages);

  const std::map<std::string, Worker>& workers() const { return workers_; }
  std::uint32_t running(Stage stage) const;
  // In the order of their task ids, so that every stage before sees its peers in the same order.
  std::vector<std::string> endpoints(Stage stage) const;
  const std::vector<sdk::Unplaced>& unplaced() const { return unplaced_; }
  // Why the last worker of the stage ended unasked; empty once a later one runs.
  const std::string& trouble(Stage stage) const {
    return trouble_[static_cast<std::size_t>(stage)];
  }

 private:
  std::uint32_t present(Stage stage) const;
  sdk::Shape shape_of(Stage stage, const StageSettings& settings);

  std::string program_;
  std::string life_;
  std::uint64_t next_number_ = 1;
  std::map<std::string, Worker> workers_;             // by task id
  std::array<Instant, kStages.size()> not_before_{};  // after a failed worker, per stage
  std::array<std::string, kStages.size()> trouble_;
  std::vector<sdk::Unplaced> unplaced_;
};

}  // namespace bourse::crawler
