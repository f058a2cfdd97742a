// Conductor: the frontier and the streams to the workers, joined: events go in, the orders that
// come out are sent, what could not be sent is given back, and the records are handed to whoever
// keeps them. Owned by the crawl's loop.
#pragma once

#include <functional>

#include "examples/crawler/frontier/frontier.hpp"
#include "examples/crawler/scheduler/dispatch.hpp"

namespace bourse::crawler {

struct ConductorHandlers {
  std::function<void(const Records&)> on_records;
  std::function<void(const FrontierNote&)> on_note;
  // Something happened: call pump() soon, but not from here.
  std::function<void()> on_change;
};

class Conductor {
 public:
  Conductor(runtime::Loop& loop, FrontierLimits limits, Configure base, ConductorHandlers handlers);

  // Sends nothing: pump() does, soon after.
  void step(FrontierAction action);
  // Tells the frontier how much room there is now, and lets it do what is due. Not a change.
  void pump();

  Frontier& frontier() { return frontier_; }
  const Frontier& frontier() const { return frontier_; }
  Dispatch& dispatch() { return dispatch_; }
  const Dispatch& dispatch() const { return dispatch_; }

 private:
  void on_page(const PageReport& report);
  void give_back(const std::vector<OrderId>& orders);
  void run(FrontierAction action);
  void send_orders();

  ConductorHandlers handlers_;
  Frontier frontier_;
  FrontierEffects effects_;
  Dispatch dispatch_;
};

}  // namespace bourse::crawler
