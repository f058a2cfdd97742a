// A random cluster for tests of the allocator: tables filled from one seed, small enough for the
// naive reference, and drawn so that rare rules meet often (equal shares, huge numbers, nested
// reservations, traits, deficits, many classes of claims).
#pragma once

#include <cstdint>
#include <vector>

#include "base/prng.hpp"
#include "master/allocator/allocate.hpp"

namespace bourse::allocator {

struct RandomCluster {
  explicit RandomCluster(std::uint64_t seed, std::uint32_t max_rooms = 10,
                         std::uint32_t max_claims = 14, bool with_quotas = false);

  Input input(std::uint64_t round_seed) const {
    return {tree,         rooms,   refusals,   touched,
            totals,       policy,  round_seed, with_quotas ? &quotas : nullptr,
            &constraints, &demands};
  }
  // What a master does after a call: charges the grants, lets some frameworks use what they got,
  // decline or revive, and touches some rooms.
  void advance(const Output& output);

  Prng prng;
  std::uint32_t dimensions;
  ShareTree tree;
  RoomTable rooms;
  RefusalTable refusals;
  QuotaTable quotas;
  ConstraintTable constraints;
  DemandTable demands;
  bool with_quotas;
  std::vector<std::uint32_t> touched;
  std::vector<Sum> totals;
  Policy policy;
  std::vector<NodeId> roles;
  std::vector<ClaimId> claims;
  std::uint32_t room_count = 0;

 private:
  enum class Scale : std::uint8_t { equal, small, wide, huge };

  std::int64_t quantity() { return quantity(prng); }
  std::int64_t quantity(Prng& from) const;
  std::uint32_t weight();
  Capabilities capabilities();
  std::vector<std::int64_t> row(std::uint64_t zero_in);
  void grow_roles();
  void add_claims(std::uint32_t max_claims);
  void fill_room(std::uint32_t room);
  void refuse(std::uint32_t max_pairs);
  void draw_constraints(std::uint64_t seed);
  void draw_demands(std::uint64_t seed);
  void draw_quotas();
  void count_spare();

  Scale scale_;
  Prng demand_prng_;
  std::vector<std::vector<std::int64_t>> minimums_;
  bool many_minimums_;
};

}  // namespace bourse::allocator
