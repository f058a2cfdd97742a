// The names of the domain. String ids are what the wire knows and people read; number ids are made
// by one process for its own connections and never leave it. Values, any thread.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>

#include "base/id.hpp"

namespace bourse {

using AgentId = StringId<struct AgentTag>;
using FrameworkId = StringId<struct FrameworkTag>;
using OfferId = StringId<struct OfferTag>;
using TaskId = StringId<struct TaskTag>;
using ExecutorId = StringId<struct ExecutorTag>;
using ContainerId = StringId<struct ContainerTag>;
using OperationId = StringId<struct OperationTag>;

// One connection of a transport (a ZeroMQ peer, an HTTP stream, an executor's socket), numbered by
// the shell that accepted it; never reused while the process lives.
using PeerId = NumberId<struct PeerTag>;
// One durable write on its way (master registry or agent checkpoint), numbered by the core.
using PersistId = NumberId<struct PersistTag>;
// One request that waits for its answer, numbered by the shell.
using RequestId = NumberId<struct RequestTag>;
// One launch decided by a master: a repeat of the same launch is recognised by it. Epoch and
// counter.
struct LaunchId {
  std::uint64_t epoch = 0;
  std::uint64_t number = 0;

  auto operator<=>(const LaunchId&) const = default;
};

// The fencing epoch of a leadership, stored beside the cluster id; agents refuse less than they
// saw.
using Epoch = std::uint64_t;

// 16 raw bytes, as status updates carry them.
struct Uuid {
  std::array<std::uint8_t, 16> bytes{};

  auto operator<=>(const Uuid&) const = default;
};

// What the names a leadership gives out begin with: "<cluster id>-<epoch>".
std::string name_prefix(const std::string& cluster_id, Epoch epoch);
// "<prefix>-O<number>": inside a leadership the number names the offer.
OfferId offer_id(const std::string& prefix, std::uint64_t number);

// Lower-case 8-4-4-4-12 text of a uuid.
std::string to_text(const Uuid& uuid);
// A version-4-shaped uuid from a seed and a counter: how cores make unique names without a random
// source. Unique as long as the seed (drawn by a shell at start) is.
Uuid make_uuid(std::uint64_t seed, std::uint64_t counter);

}  // namespace bourse
