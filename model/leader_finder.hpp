// LeaderFinder: where an agent, a framework or a tool looks for the master that leads. A machine:
// inputs in, at most one address to connect to out. Several masters may be known, only one leads;
// the others say who does, or that nobody does yet, and say so again when that changes, so nobody
// has to poll. An address that just failed is not believed again for a while, whoever names it: a
// dead leader's znode outlives it by a session timeout.
//
// What does not lead itself (a gateway) may say instead that a leader stands behind it now.
//
// Between two rounds over all addresses it waits, doubling, with jitter from its seed, so that a
// thousand agents that lost one master do not come in one instant. Value; one owner, one thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace bourse {

// What a master that does not lead says instead of frames, followed by the leader's link address
// or, while nobody leads, by nothing.
inline constexpr std::string_view kElsewherePreamble = "bourse-elsewhere/1 ";

// "host:port,host:port" with no empty entry; names the entry that is not.
Result<std::vector<std::string>> parse_masters(std::string_view text, std::string_view flag);

// What a gateway says to those that wait with it once it has a leader again: begin anew, here.
inline constexpr std::string_view kHereMessage = "bourse-here/1";

struct LeaderFinderConfig {
  Duration connect_timeout = Duration::seconds(2);   // until the transport stands
  Duration answer_timeout = Duration::seconds(10);   // until a master that is there registers us
  Duration standby_timeout = Duration::seconds(30);  // with a master that knows of no leader
  Duration distrust = Duration::seconds(10);         // of an address that failed
  Duration pause_min = Duration::milliseconds(200);
  Duration pause_max = Duration::seconds(2);
  std::uint32_t most_hops = 4;  // from hint to hint without being registered
};

namespace finder {
struct Started {};
struct Connected {};
struct Registered {};
struct Lost {};        // the connection ended, or its owner gave it up
struct Elsewhere {     // the master there does not lead
  std::string leader;  // empty: nobody does
};
struct Here {};        // it leads now, or stands for who does
struct Learned {       // from ZooKeeper: this one leads
  std::string leader;  // empty: nobody does
};
struct Tick {};
}  // namespace finder

using FinderInput =
    std::variant<finder::Started, finder::Connected, finder::Registered, finder::Lost,
                 finder::Elsewhere, finder::Here, finder::Learned, finder::Tick>;

class LeaderFinder {
 public:
  // REQUIRES at least one address, unless leaders are learned from ZooKeeper.
  LeaderFinder(std::vector<std::string> addresses, std::uint64_t seed,
               LeaderFinderConfig config = {});

  // The address to connect to now, after dropping what connection there is; none: go on as it is.
  std::optional<std::string> step(Instant now, const FinderInput& input);
  Instant next_deadline() const { return deadline_; }
  const std::string& address() const { return address_; }

 private:
  enum class Phase : std::uint8_t { idle, pausing, connecting, asking, standing_by, registered };

  std::optional<std::string> go(Instant now, std::string address);
  std::optional<std::string> failed(Instant now);
  std::optional<std::string> next(Instant now);
  std::optional<std::string> on_elsewhere(Instant now, const std::string& leader);
  std::optional<std::string> on_learned(Instant now, const std::string& leader);
  bool distrusted(Instant now, const std::string& address) const;
  Duration pause();

  LeaderFinderConfig config_;
  std::vector<std::string> addresses_;
  std::uint64_t seed_;
  Phase phase_ = Phase::idle;
  Instant deadline_ = Instant::max();
  std::string address_;    // connected or connecting to
  std::size_t index_ = 0;  // of the next address of a round
  std::size_t tried_ = 0;  // in this round
  std::uint32_t rounds_ = 0;
  std::uint32_t hops_ = 0;
  std::map<std::string, Instant> failed_until_;
  std::string learned_;  // from ZooKeeper
  std::string doubted_;  // standing by: named, but it failed a moment ago
};

}  // namespace bourse
