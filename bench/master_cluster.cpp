#include "bench/master_cluster.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <utility>

#include "base/assert.hpp"
#include "master/core/handlers.hpp"
#include "model/limits.hpp"
#include "proto/codec/frames.hpp"
#include "proto/codec/links.hpp"

namespace bourse::bench {

namespace {

// What the bench made itself must be accepted.
template <typename T>
T must(Result<T> result) {
  if (!result.ok()) {
    std::fprintf(stderr, "allocation-cycle: %s\n", result.error().message.c_str());
    std::exit(1);
  }
  return std::move(result).value();
}

constexpr std::uint64_t kFirstAgentPeer = 1'000'000;
constexpr Duration kForever = Duration::seconds(7 * 24 * 3600);

// Free: part of everything but what it has reserved for `role`, which may be empty.
Resources agent_resources(Prng& prng, const std::string& role) {
  const std::int64_t size = std::int64_t{1} << prng.below(4);  // 8 to 64 cpus
  const std::vector<std::pair<const char*, std::int64_t>> scalars{
      {"cpus", size * 8'000},
      {"mem", size * 32'000'000 + prng.between(0, 1'000'000)},
      {"disk", size * 500'000'000 + prng.between(0, 1'000'000)},
      {"gpus", prng.chance(2, 100) ? 4'000 : 0},
      {"licences", size * 1'000}};
  ResourceMeta reserved;
  reserved.reservations.push_back({Reservation::Type::statically, role, {}, {}});
  std::vector<Resource> out;
  for (const auto& [name, milli] : scalars) {
    const std::int64_t held = role.empty() ? 0 : milli / 4;
    out.push_back(Resource::scalar(name, milli - held));
    if (held > 0) out.push_back(Resource::scalar(name, held).with(reserved));
  }
  const std::uint64_t split = role.empty() ? 32'000 : 31'750;
  out.push_back(Resource::of_ranges("ports", {31'000, split - 1}));
  if (!role.empty()) {
    out.push_back(Resource::of_ranges("ports", {split, 31'999}).with(reserved));
  }
  return Resources(out);
}

FrameworkFacet framework_facet(Prng& prng, std::uint32_t number, const std::string& role) {
  FrameworkFacet facet;
  facet.name = "framework " + std::to_string(number);
  facet.user = "root";
  facet.roles = {role};
  facet.failover_timeout = kForever;
  for (const auto capability : {Capabilities::multi_role, Capabilities::reservation_refinement,
                                Capabilities::shared_resources, Capabilities::revocable_resources,
                                Capabilities::partition_aware, Capabilities::region_aware}) {
    facet.capabilities.set(capability);
  }
  if (prng.chance(3, 10)) facet.capabilities.set(Capabilities::gpu_resources);
  if (prng.chance(1, 5)) facet.min_allocatable[role] = {{{"cpus", 1'000}, {"mem", 1'000'000}}};
  return facet;
}

}  // namespace

MasterCluster::MasterCluster(const Shape& shape, const master::MasterConfig& config)
    : core_(config),
      now_{Instant{1'000'000'000}, WallTime{1'700'000'000'000'000'000}},
      batches_({.send = [this](PeerId peer,
                               std::string&& bytes) { queues[peer].push_back(std::move(bytes)); },
                .close = [](const master::ClosePeer&) { ASSERT(false); },
                .too_large = [](PeerId) { ASSERT(false); }}) {
  master_.id = config.master_id;
  Prng prng(20'000 + shape.agents + shape.frameworks);
  step(master::Lead{});
  settle();
  grow_roles(prng, std::max(8u, shape.frameworks / 5));
  for (std::uint32_t i = 0; i < shape.frameworks; ++i) add_framework(prng, i);
  for (std::uint32_t i = 0; i < shape.agents; ++i) add_agent(prng, i);
  refuse_pairs(prng, shape.refused_percent);
}

// A tree a/b/c with about five frameworks in each role at the bottom; some frameworks sit higher.
void MasterCluster::grow_roles(Prng& prng, std::uint32_t wanted) {
  std::uint32_t fanout = 2;
  while (fanout * fanout * fanout < wanted) ++fanout;
  const auto add = [&](const std::string& role) {
    roles_.push_back(role);
    step(master::FromOperator{
        {}, {}, master::operation::SetWeight{role, 1000 * prng.between(1, 4)}});
    settle();
  };
  for (std::uint32_t a = 0; a < fanout; ++a) {
    const std::string role_a = "org" + std::to_string(a);
    add(role_a);
    for (std::uint32_t b = 0; b < fanout; ++b) {
      const std::string role_b = role_a + "/team" + std::to_string(b);
      add(role_b);
      for (std::uint32_t c = 0; c < fanout; ++c) add(role_b + "/service" + std::to_string(c));
    }
  }
}

void MasterCluster::add_framework(Prng& prng, std::uint32_t number) {
  frameworks_.push_back({PeerId(number + 1), {}, {}});
  const FrameworkFacet facet = framework_facet(prng, number, roles_[prng.below(roles_.size())]);
  FrameworkToMaster message{{1, 0, 0}, SchedulerCall{{}, call::Subscribe{facet, {}}}};
  Frame frame{frameworks_.back().peer, {}};
  codec::append_framework_to_master(message, frame.bytes);
  receive(frame);
  settle();
  const master::MasterState& state = core_.state();
  const auto slot = state.framework_of_stream.at(frame.peer);
  frameworks_.back().id = state.frameworks.at(slot).id;
  number_of_[frameworks_.back().id] = number;
}

void MasterCluster::add_agent(Prng& prng, std::uint32_t number) {
  AgentFacet facet;
  facet.hostname = "node-" + std::to_string(number) + ".example";
  facet.http = {facet.hostname, "10.0.0.1", 5051};
  facet.total =
      agent_resources(prng, prng.chance(2, 10) ? roles_[prng.below(roles_.size())] : std::string());
  facet.domain = {"eu", "eu-" + std::to_string(number % 3)};
  facet.version = "1";
  Attribute rack;
  rack.name = "rack";
  rack.text = "r" + std::to_string(number / 40);
  Attribute generation;
  generation.name = "generation";
  generation.kind = Attribute::Kind::scalar;
  generation.scalar_milli = 3'000;
  facet.attributes = {rack, generation};
  to_master::Register message;
  message.agent = std::make_shared<const AgentFacet>(facet);
  message.incarnation = 1;
  Frame frame{PeerId(kFirstAgentPeer + number), {}};
  codec::append_agent_to_master({{1, 0, 0}, std::move(message)}, frame.bytes);
  receive(frame);
  settle();
}

void MasterCluster::refuse_pairs(Prng& prng, std::uint32_t percent) {
  auto& state = const_cast<master::MasterState&>(core_.state());
  master::RoundMemory memory;
  master::Effects effects;
  master::Context context{state, core_.config(), memory, now_, effects};
  std::vector<master::FrameworkSlot> frameworks;
  state.frameworks.for_each(
      [&](master::FrameworkSlot slot, const master::Framework&) { frameworks.push_back(slot); });
  state.agents.for_each([&](master::AgentSlot agent, const master::Agent& row) {
    const Resources everything = row.ledger.total();
    for (const master::FrameworkSlot framework : frameworks) {
      if (!prng.chance(percent, 100)) continue;
      master::add_filter(context, framework, 0, agent, everything, kForever);
    }
  });
}

// Writes are stored at once; nobody reads what was sent.
void MasterCluster::settle() {
  hand_over();
  queues.clear();
  changes.clear();
}

void MasterCluster::step(EventBody body) {
  effects_.clear();
  core_.step({now_, std::move(body)}, effects_);
  std::vector<PersistId> stored;
  const auto perform = [&](master::Effect& effect) {
    if (auto* agent = std::get_if<master::SendToAgent>(&effect.body)) {
      outgoing_.emplace_back(std::move(*agent));
    } else if (auto* framework = std::get_if<master::SendToFramework>(&effect.body)) {
      outgoing_.emplace_back(std::move(*framework));
    } else if (auto* close = std::get_if<master::ClosePeer>(&effect.body)) {
      outgoing_.emplace_back(std::move(*close));
    }
  };
  for (master::Effect& effect : effects_.list) {
    perform(effect);
    if (auto* write = std::get_if<master::Persist>(&effect.body)) {
      for (master::Effect& after : write->after) perform(after);
      stored.push_back(write->id);
    }
  }
  if (produced_.empty()) {
    produced_.swap(effects_.changes);
  } else {
    std::move(effects_.changes.begin(), effects_.changes.end(), std::back_inserter(produced_));
  }
  for (const PersistId id : stored) step(master::Stored{id});
}

void MasterCluster::hand_over() {
  batches_.send(std::exchange(outgoing_, {}), master_);
  changes = std::exchange(produced_, {});
}

void MasterCluster::tick() {
  const Instant due = core_.next_deadline();
  if (due == Instant::max()) return;
  if (due > now_.now) advance(due - now_.now);
  step(master::Tick{});
}

void MasterCluster::advance(Duration by) {
  now_ = {now_.now + by, now_.wall + by};
}

MasterCluster::Frame MasterCluster::call(std::uint32_t framework,
                                         decltype(SchedulerCall::body) body) {
  Framework& from = frameworks_[framework];
  FrameworkToMaster message{{1, from.sender.next(), 0}, SchedulerCall{from.id, std::move(body)}};
  Frame frame{from.peer, {}};
  codec::append_framework_to_master(message, frame.bytes);
  return frame;
}

MasterCluster::Frame MasterCluster::revive(std::uint32_t framework) {
  return call(framework, call::Revive{});
}

MasterCluster::Frame MasterCluster::heartbeat(std::uint32_t framework) {
  const Framework& from = frameworks_[framework];
  Frame frame{from.peer, {}};
  codec::append_framework_to_master({{1, from.sender.last(), 0}, {}}, frame.bytes);
  return frame;
}

void MasterCluster::collect(master::OfferSlot slot,
                            std::vector<std::vector<OfferId>>& by_framework) const {
  const master::Offer& offer = core_.state().offers.at(slot);
  const FrameworkId& framework = core_.state().frameworks.at(offer.framework).id;
  by_framework[number_of_.at(framework)].push_back(offer_id(core_.state().id_prefix, offer.number));
}

std::vector<MasterCluster::Frame> MasterCluster::frames_of(
    const std::vector<std::vector<OfferId>>& by_framework, Duration refuse) {
  std::vector<Frame> out;
  for (std::uint32_t i = 0; i < by_framework.size(); ++i) {
    for (auto it = by_framework[i].begin(); it != by_framework[i].end();) {
      const auto left = static_cast<std::size_t>(by_framework[i].end() - it);
      const auto end =
          it + static_cast<std::ptrdiff_t>(std::min(left, limits::kMaxOffersPerAccept));
      out.push_back(call(i, call::Decline{{it, end}, {refuse}}));
      it = end;
    }
  }
  return out;
}

std::vector<MasterCluster::Frame> MasterCluster::declines(Duration refuse) {
  std::vector<std::vector<OfferId>> by_framework(frameworks_.size());
  core_.state().frameworks.for_each([&](master::FrameworkSlot, const master::Framework& row) {
    for (const master::OfferSlot offer : row.offers) collect(offer, by_framework);
  });
  return frames_of(by_framework, refuse);
}

void MasterCluster::receive(const Frame& message) {
  for (const std::string_view frame : must(codec::decode_frames(message.bytes))) {
    if (message.peer.raw() >= kFirstAgentPeer) {
      step(master::FromAgent{message.peer, {}, must(codec::decode_agent_to_master(frame))});
    } else {
      step(master::FromFramework{
          message.peer, {}, must(codec::decode_framework_to_master(frame)), {}});
    }
  }
}

}  // namespace bourse::bench
