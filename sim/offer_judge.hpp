// OfferJudge: sees what a master offers and what frameworks decline, and says when something is
// offered again before its filter is over (O1): on the same agent, to the same framework, no more
// than was declined, with nothing in between that takes filters away. Owned by the Judge; one
// thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "master/core/master_core.hpp"
#include "model/framework_link.hpp"

namespace bourse::sim {

class Judge;

class OfferJudge {
 public:
  explicit OfferJudge(Judge& judge) : judge_(judge) {}

  // A master began to lead.
  void begin(int master) { books_[master] = {}; }
  // A call arrives.
  void said(int master, const FrameworkToMaster& message);
  void step(int master, const master::Event& event, const master::Effects& effects);

 private:
  using Pair = std::pair<FrameworkId, AgentId>;
  struct Offered {
    Pair pair;
    Resources resources;
    std::optional<Duration> refuse;  // a call that declines it arrived
  };
  struct Declined {
    Resources resources;
    Instant until;
  };
  struct Book {
    std::map<std::uint64_t, Offered> offered;  // by number
    std::map<Pair, std::vector<Declined>> declined;
  };

  void over(Book& book, const change::OfferRemoved& offer, Instant now);
  void offered(Book& book, const change::OfferAdded& offer, Instant now);

  Judge& judge_;
  std::map<int, Book> books_;
};

}  // namespace bourse::sim
