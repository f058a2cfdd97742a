// Fetcher: many HTTP requests at once on one thread (libcurl multi on epoll). It sends each order
// at once or gives it back, follows no redirect by itself (every hop is a request that the frontier
// must pace), and holds each answer to limits on time, size and slowness.
//
// One owner, one thread. The owner either calls run() or watches fd() in its own loop. Every order
// taken by start() ends in exactly one call of the handler, unless the Fetcher is destroyed before.
// What a site does wrong is an Outcome in the report, never an error here.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"
#include "examples/crawler/work/work.hpp"

namespace bourse::crawler {

// Host name -> "address:port". When `only_these` is set a host that is not listed has no address
// (Outcome::dns), so that a test web can never reach out to the real one.
struct HostsMap {
  std::map<std::string, std::string, std::less<>> address_of;
  bool only_these = false;
};

// Reads "host address:port" lines, as shopweb's --hosts writes them.
Result<HostsMap> parse_hosts(std::string_view text);

struct FetchLimits {
  std::uint32_t in_flight = 256;
  std::uint32_t connect_ms = 3'000;
  std::uint32_t total_ms = 8'000;
  std::uint64_t body_bytes = 4 * 1'024 * 1'024;  // after decompression
  std::uint64_t header_bytes = 64 * 1'024;
  // An answer slower than this many bytes per second for `slow_s` seconds is given up.
  std::uint32_t slow_bytes_per_s = 1'024;
  std::uint32_t slow_s = 3;
};

struct Fetched {
  FetchReport report;
  Page page;  // body and headers only when report.outcome is ok
};

class Fetcher {
 public:
  using Handler = std::function<void(Fetched)>;
  // Called once for each answer that goes on for longer than kLongAnswer after its first byte.
  using BeganHandler = std::function<void(const AnswerBegan&)>;
  static constexpr Duration kLongAnswer = Duration::milliseconds(100);

  Fetcher(HostsMap hosts, FetchLimits limits, std::string user_agent, Handler handler,
          BeganHandler on_began = {});
  ~Fetcher();
  Fetcher(const Fetcher&) = delete;
  Fetcher& operator=(const Fetcher&) = delete;

  // False when limits.in_flight requests are under way.
  bool start(FetchOrder order);
  std::uint32_t in_flight() const;
  bool has_room() const;

  // An epoll descriptor that is readable when step() has something to do, and the longest time to
  // wait before calling it anyway (-1: no limit).
  int fd() const;
  int wait_ms() const;
  // Does what is ready; never blocks. Calls the handler, which may call start().
  void step();

  // Waits up to `ms` for something to do, then steps.
  void run(int ms);

 private:
  class Multi;
  std::unique_ptr<Multi> multi_;
};

}  // namespace bourse::crawler
