// What travels on the batch streams between scheduler and stages, as bytes and back. The first byte
// says what it is. Decoding checks everything it reads; an error means that the peer is of another
// version or broken. Pure; any thread.
//
//   scheduler -> fetch     Configure, FetchOrder
//   fetch -> extract       Page            (after Configure from the scheduler)
//   extract -> store       StoreWork       (the same)
//   back, as progress      AnswerBegan; FetchReport of an order whose page is on its way; StageLoad
//                          of a Configure
//   back, as result        FetchReport of an order that failed; PageReport of a page that is done
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "examples/crawler/work/work.hpp"

namespace bourse::crawler {

// How a worker shall work from now on. Its item stays open; the worker reports its load as progress
// on it until the next Configure replaces it.
struct Configure {
  std::vector<std::string> peers;  // endpoints of the next stage's workers
  bool paused = false;             // take in, do nothing, until told otherwise
  std::string hosts;               // fetch: address map (HostsMap); "" for DNS
  std::uint32_t in_flight = 256;   // fetch: requests at once
  std::string output;              // store: directory of the result
  std::uint32_t shards = 1;        // extract: item databases there are
  bool warc = false;               // extract, store: keep pages too

  bool operator==(const Configure&) const = default;
};

// An item (and, for WARC, the page it was on) for the store.
struct StoreWork {
  OrderId order = 0;
  std::uint32_t shard = 0;
  std::optional<Item> item;
  std::optional<Page> page;
};

struct StageLoad {
  std::uint64_t queue = 0;             // here and not begun
  std::uint64_t in_flight = 0;         // being worked on
  std::uint64_t done = 0;              // since the worker began
  std::uint64_t failed = 0;            // of those, without success
  std::uint64_t waiting_for_next = 0;  // done here, no credit from the next stage yet
  std::string trouble;                 // what keeps it from working, for people ("disk full")

  bool operator==(const StageLoad&) const = default;
};

std::string encode(const Configure& message);
std::string encode(const FetchOrder& message);
std::string encode(const Page& message);
std::string encode(const StoreWork& message);
std::string encode(const FetchReport& message);
std::string encode(const AnswerBegan& message);
std::string encode(const PageReport& message);
std::string encode(const StageLoad& message);

using StageMessage = std::variant<Configure, FetchOrder, Page, StoreWork, FetchReport, PageReport,
                                  StageLoad, AnswerBegan>;
Result<StageMessage> decode_stage_message(std::string_view bytes);

}  // namespace bourse::crawler
