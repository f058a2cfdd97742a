// MasterCluster: a MasterCore that leads the cluster the allocation benches run on (agents x
// frameworks in a role tree of depth 3 with weights, ports, reservations, gpus, a share of refused
// pairs), brought there by events, and the refusals by the function that a DECLINE ends in: events
// alone would take an offer for every pair. Around it what the daemon has: effects become frames in
// a queue per peer through the daemon's own LinkBatches, Changes a queue for the view; writes are
// stored at once. Time is the caller's. Values drawn from a fixed seed. One thread.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/prng.hpp"
#include "master/core/master_core.hpp"
#include "master/shell/link_batches.hpp"

namespace bourse::bench {

class MasterCluster {
 public:
  struct Shape {
    std::uint32_t agents = 0;
    std::uint32_t frameworks = 0;
    std::uint32_t refused_percent = 0;
  };
  // One transport message of the link.
  struct Frame {
    PeerId peer;
    std::string bytes;
  };
  using EventBody = decltype(master::Event::body);

  // At the end every agent is free and touched. `config`: what the bench sets apart from a daemon.
  MasterCluster(const Shape& shape, const master::MasterConfig& config);

  // What one event causes, kept until hand_over().
  void step(EventBody body);
  // Encodes what is to be sent into the peers' queues, and gives the Changes to `changes`.
  void hand_over();
  // Steps a Tick at the next deadline.
  void tick();
  void advance(Duration by);

  // What comes from frameworks, as the link carries it.
  Frame revive(std::uint32_t framework);
  Frame heartbeat(std::uint32_t framework);
  // Gives back all that is on the table, a call for each framework that has offers.
  std::vector<Frame> declines(Duration refuse);
  // Decodes and steps.
  void receive(const Frame& frame);

  // What left; the caller clears them.
  std::unordered_map<PeerId, std::vector<std::string>> queues;
  std::vector<Change> changes;

  const master::MasterCore& core() const { return core_; }
  Stamp now() const { return now_; }

 private:
  struct Framework {
    PeerId peer;
    FrameworkId id;
    LinkSender sender;
  };

  void grow_roles(Prng& prng, std::uint32_t wanted);
  void add_framework(Prng& prng, std::uint32_t number);
  void add_agent(Prng& prng, std::uint32_t number);
  void refuse_pairs(Prng& prng, std::uint32_t percent);
  void settle();
  Frame call(std::uint32_t framework, decltype(SchedulerCall::body) body);
  void collect(master::OfferSlot offer, std::vector<std::vector<OfferId>>& by_framework) const;
  std::vector<Frame> frames_of(const std::vector<std::vector<OfferId>>& by_framework,
                               Duration refuse);

  master::MasterCore core_;
  Stamp now_;
  master::Effects effects_;
  std::vector<master::Outgoing> outgoing_;
  std::vector<Change> produced_;
  master::LinkBatches batches_;
  codec::MasterDescription master_;
  std::vector<std::string> roles_;
  std::vector<Framework> frameworks_;
  std::unordered_map<FrameworkId, std::uint32_t> number_of_;
};

}  // namespace bourse::bench
