#include "examples/crawler/scheduler/conductor.hpp"

#include "runtime/clock.hpp"

namespace bourse::crawler {

Conductor::Conductor(runtime::Loop& loop, FrontierLimits limits, Configure base,
                     ConductorHandlers handlers)
    : handlers_(std::move(handlers)),
      frontier_(limits),
      dispatch_(loop, std::move(base),
                {[this](const FetchReport& report) { step(PageFetched{report}); },
                 [this](const AnswerBegan& began) { step(AnswerSeen{began}); },
                 [this](const PageReport& report) { on_page(report); },
                 [this](OrderId id) { step(OrderLost{id}); }, [this] { handlers_.on_change(); }}) {}

// One event through the frontier; leaves its orders in effects_.
void Conductor::run(FrontierAction action) {
  effects_.clear();
  frontier_.step({runtime::monotonic_now(), std::move(action)}, effects_);
  if (!effects_.records.empty()) handlers_.on_records(effects_.records);
  for (const FrontierNote& note : effects_.notes) handlers_.on_note(note);
}

// Orders leave in pump() alone, which knows how much room there is: an answer that says "fetched"
// makes none yet, its page is still on its way through the other stages.
void Conductor::step(FrontierAction action) {
  run(SetCapacity{0});
  run(std::move(action));
  handlers_.on_change();
}

void Conductor::send_orders() {
  const std::vector<FetchOrder> orders = std::move(effects_.orders);
  std::vector<OrderId> not_sent;
  for (const FetchOrder& order : orders) {
    if (!dispatch_.send(order)) not_sent.push_back(order.id);
  }
  if (!not_sent.empty()) give_back(not_sent);
}

// A worker left since the frontier was told how much room there is. The room is closed first, or
// the frontier would hand the same orders out again at once, and again.
void Conductor::give_back(const std::vector<OrderId>& orders) {
  run(SetCapacity{static_cast<std::uint32_t>(frontier_.stats().fetching - orders.size())});
  for (const OrderId id : orders) {
    FetchReport report;
    report.id = id;
    report.outcome = Outcome::not_sent;
    run(PageFetched{report});
  }
}

// The answer of the extract stage comes once the item is durable.
void Conductor::on_page(const PageReport& report) {
  if (report.has_item) step(ItemStored{report.id});
  step(PageParsed{report});
}

void Conductor::pump() {
  run(SetCapacity{static_cast<std::uint32_t>(frontier_.stats().fetching + dispatch_.room())});
  send_orders();
}

}  // namespace bourse::crawler
