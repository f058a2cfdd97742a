#include "bench/link_agents.hpp"

#include <algorithm>
#include <cstdio>

#include "proto/codec/frames.hpp"
#include "proto/codec/links.hpp"
#include "runtime/clock.hpp"

namespace bourse::bench {

namespace {

constexpr Duration kBeat = Duration::seconds(5);
constexpr Duration kSilence = Duration::seconds(15);

}  // namespace

LinkAgents::LinkAgents(runtime::Loop& loop, Options options, Handlers handlers)
    : loop_(loop), options_(std::move(options)), handlers_(std::move(handlers)) {
  for (std::uint32_t i = 0; i < options_.count; ++i) {
    Agent& agent = *agents_.emplace_back(std::make_unique<Agent>());
    agent.number = options_.first + i;
    agent.facet.hostname = "node-" + std::to_string(options_.first + i) + ".example";
    agent.facet.http = {agent.facet.hostname, "127.0.0.1", 5051};
    agent.facet.total = options_.each;
    agent.facet.version = "1";
    agent.incarnation = static_cast<std::uint64_t>(runtime::wall_now().ns / 1'000'000);
  }
}

LinkAgents::~LinkAgents() {
  for (const auto& agent : agents_) agent->socket.reset();
}

void LinkAgents::start() {
  for (std::size_t i = 0; i < agents_.size(); ++i) {
    Agent& agent = *agents_[i];
    agent.finder = std::make_unique<LeaderFinder>(options_.masters, options_.first + i);
    find(agent, finder::Started{});
  }
  sweep_ = loop_.every(Duration::milliseconds(500), [this] { sweep(); });
}

void LinkAgents::hold() {
  sweep_.cancel();
  waiting_.clear();
  next_waiting_ = 0;
  for (const auto& agent : agents_) {
    drop(*agent);
    agent->timer.cancel();
    agent->finder.reset();
  }
}

void LinkAgents::set_masters(const std::vector<std::string>& masters) {
  options_.masters = masters;
}

void LinkAgents::learned(const std::string& leader) {
  for (const auto& agent : agents_) {
    if (agent->finder) find(*agent, finder::Learned{leader});
  }
}

void LinkAgents::find(Agent& agent, const FinderInput& input) {
  if (agent.finder->step(runtime::monotonic_now(), input)) return connect_later(agent);
  const Instant at = agent.finder->next_deadline();
  if (at == Instant::max()) return agent.timer.cancel();
  agent.timer = loop_.after(std::max(at - runtime::monotonic_now(), Duration{}),
                            [this, &agent] { find(agent, finder::Tick{}); });
}

// A whole cluster at once would only overrun the listener's backlog.
void LinkAgents::connect_later(Agent& agent) {
  agent.timer.cancel();                                       // its time begins with its turn
  if (std::exchange(agent.connecting, false)) --connecting_;  // who waits holds no place
  waiting_.emplace_back(&agent, ++agent.connection);
  if (std::exchange(connect_scheduled_, true)) return;
  loop_.post([this] {
    connect_scheduled_ = false;
    connect_waiting();
  });
}

void LinkAgents::connect_waiting() {
  while (next_waiting_ < waiting_.size() && connecting_ < options_.most_connecting) {
    const auto [agent, connection] = waiting_[next_waiting_++];
    if (agent->finder && agent->connection == connection) connect(*agent);
  }
  if (next_waiting_ < waiting_.size()) return;
  waiting_.clear();
  next_waiting_ = 0;
}

void LinkAgents::connect(Agent& agent) {
  const std::uint64_t of = agent.connection;
  drop(agent);
  agent.connection = of;
  ZmtpSocket::Handlers on;
  on.on_ready = [this, &agent, of] {
    if (agent.connection == of) connected(agent);
  };
  on.on_message = [this, &agent, of](std::string_view bytes) {
    if (agent.connection == of) on_bytes(agent, bytes);
  };
  on.on_closed = [this, &agent, of] {
    if (agent.connection != of || !agent.finder) return;
    ++stats_.connections_lost;
    end_session(agent);
    if (std::exchange(agent.connecting, false)) --connecting_;
    find(agent, finder::Lost{});
    loop_.post([this] { connect_waiting(); });
  };
  agent.socket = std::make_unique<ZmtpSocket>(loop_, std::move(on));
  agent.connecting = true;
  ++connecting_;
  agent.timer = loop_.after(LeaderFinderConfig{}.connect_timeout,
                            [this, &agent] { find(agent, finder::Tick{}); });
  if (agent.socket->connect(agent.finder->address(), agent.number).ok()) return;
  drop(agent);
  find(agent, finder::Lost{});
}

void LinkAgents::drop(Agent& agent) {
  ++agent.connection;
  end_session(agent);
  if (std::exchange(agent.connecting, false)) --connecting_;
  agent.batch.clear();
  agent.socket.reset();
}

void LinkAgents::connected(Agent& agent) {
  if (std::exchange(agent.connecting, false)) --connecting_;
  agent.socket->send(kAgentPreamble);
  find(agent, finder::Connected{});
  begin_session(agent);
  connect_waiting();
}

void LinkAgents::send(Agent& agent, decltype(AgentToMaster::body) body, bool sequenced) {
  const LinkHeader header{agent.session, sequenced ? agent.sender.next() : 0, agent.epoch};
  codec::append_agent_to_master({header, std::move(body)}, agent.batch);
  if (std::exchange(agent.flush_scheduled, true)) return;
  loop_.post([&agent] {
    agent.flush_scheduled = false;
    if (agent.socket && !agent.batch.empty()) agent.socket->send(agent.batch);
    agent.batch.clear();
  });
}

void LinkAgents::on_bytes(Agent& agent, std::string_view bytes) {
  // They send little, and hold nothing back that a master could ask for.
  if (bytes == kHoldMessage || bytes == kGoOnMessage) return;
  if (bytes.starts_with(kClosingPreamble)) {  // the close follows; its reason is for people
    std::fprintf(stderr, "an agent is closed: %.*s\n", int(bytes.size()), bytes.data());
    return;
  }
  if (bytes == kHereMessage) {
    find(agent, finder::Here{});
    agent.socket->send(kAgentPreamble);
    return begin_session(agent);
  }
  if (bytes.starts_with(kElsewherePreamble)) {
    end_session(agent);
    const std::string leader(bytes.substr(kElsewherePreamble.size()));
    return find(agent, finder::Elsewhere{leader});
  }
  const auto frames = codec::decode_frames(bytes);
  if (!frames.ok()) return handlers_.broken(frames.error().message);
  for (const std::string_view frame : frames.value()) {
    const auto message = codec::decode_master_to_agent(frame);
    if (!message.ok()) return handlers_.broken(message.error().message);
    on_message(agent, message.value());
  }
}

void LinkAgents::sweep() {
  const Instant now = runtime::monotonic_now();
  for (const auto& agent : agents_) {
    if (!agent->registered) continue;
    if (agent->heard + kSilence < now) {
      drop(*agent);
      find(*agent, finder::Lost{});
    } else if (agent->beat + kBeat < now) {
      agent->beat = now;
      send(*agent, to_master::Heartbeat{agent->sender.last()}, false);
    }
  }
}

}  // namespace bourse::bench
