#include "sim/offer_judge.hpp"

#include <cstdlib>
#include <string>

#include "sim/judge.hpp"

namespace bourse::sim {

namespace {

std::uint64_t number_of(const OfferId& id) {
  const std::size_t at = id.raw().rfind("-O");
  return at == std::string::npos ? 0 : std::strtoull(id.raw().c_str() + at + 2, nullptr, 10);
}

bool keeps_filters(const SchedulerCall& call) {
  return std::holds_alternative<call::Accept>(call.body) ||
         std::holds_alternative<call::Kill>(call.body) ||
         std::holds_alternative<call::Acknowledge>(call.body) ||
         std::holds_alternative<call::Reconcile>(call.body) ||
         std::holds_alternative<call::Request>(call.body);
}

}  // namespace

void OfferJudge::said(int master, const FrameworkToMaster& message) {
  const auto* call = std::get_if<SchedulerCall>(&message.body);
  if (call == nullptr || keeps_filters(*call)) return;
  Book& book = books_[master];
  const auto* decline = std::get_if<call::Decline>(&call->body);
  if (decline == nullptr) {
    const auto of_it = [&](const Pair& pair) { return pair.first == call->framework_id; };
    std::erase_if(book.offered, [&](const auto& row) { return of_it(row.second.pair); });
    std::erase_if(book.declined, [&](const auto& row) { return of_it(row.first); });
    return;
  }
  for (const OfferId& id : decline->offer_ids) {
    const auto it = book.offered.find(number_of(id));
    if (it != book.offered.end()) it->second.refuse = decline->filters.refuse;
  }
}

void OfferJudge::step(int master, const master::Event& event, const master::Effects& effects) {
  Book& book = books_[master];
  for (const Change& change : effects.changes) {
    if (const auto* put = std::get_if<change::AgentPut>(&change.body)) {
      std::erase_if(book.declined,
                    [&](const auto& row) { return row.first.second == put->agent->id; });
    } else if (const auto* added = std::get_if<change::OfferAdded>(&change.body)) {
      offered(book, *added, event.stamp.now);
    } else if (const auto* removed = std::get_if<change::OfferRemoved>(&change.body)) {
      over(book, *removed, event.stamp.now);
    }
  }
}

// A call may come too late, or behind one that was lost: then it declines nothing.
void OfferJudge::over(Book& book, const change::OfferRemoved& offer, Instant now) {
  const auto it = book.offered.find(offer.number);
  if (it == book.offered.end()) return;
  if (offer.why == change::OfferRemoved::Why::declined && it->second.refuse) {
    book.declined[it->second.pair].push_back(
        {std::move(it->second.resources), now + *it->second.refuse});
  }
  book.offered.erase(it);
}

void OfferJudge::offered(Book& book, const change::OfferAdded& offer, Instant now) {
  // Filters end on a grain, and what is sent in the same moment may be either.
  constexpr Duration kGrain = Duration::milliseconds(100);
  const Pair pair{offer.framework->id, offer.agent->id};
  auto& declined = book.declined[pair];
  std::erase_if(declined, [&](const Declined& row) { return row.until - kGrain <= now; });
  for (const Declined& row : declined) {
    if (!row.resources.contains(offer.resources)) continue;
    judge_.violate("O1", pair.second.raw() + " is offered to " + pair.first.raw() + " again as " +
                             offer.resources.to_text() + " of " + row.resources.to_text() +
                             " that it declined for another " +
                             std::to_string((row.until - now).ms()) + " ms");
  }
  book.offered[offer.number] = {pair, offer.resources, std::nullopt};
}

}  // namespace bourse::sim
