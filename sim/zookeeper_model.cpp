#include "sim/zookeeper_model.hpp"

#include <algorithm>

namespace bourse::sim {

namespace zk = coordination::zk;
using coordination::EventBody;
using coordination::Replied;

namespace {

constexpr std::size_t kMaxRequestBytes = 1'048'570;  // as measured: more and the connection is lost

bool is_read(const zk::Request& request) {
  return std::holds_alternative<zk::Get>(request) || std::holds_alternative<zk::Exists>(request) ||
         std::holds_alternative<zk::Children>(request);
}

std::vector<zk::Change> changes_of(const zk::Request& request) {
  if (const auto* multi = std::get_if<zk::Multi>(&request)) return multi->changes;
  if (const auto* create = std::get_if<zk::Create>(&request)) return {*create};
  if (const auto* set = std::get_if<zk::Set>(&request)) return {*set};
  return {std::get<zk::Remove>(request)};
}

}  // namespace

ZooKeeperModel::ZooKeeperModel(Schedule& schedule, std::uint64_t seed, ZooKeeperPace pace)
    : schedule_(schedule), rng_(seed), pace_(pace), tree_{{"/", {}}} {
  for (std::size_t i = 0; i < pace_.servers; ++i) servers_.push_back({tree_, 0, {}});
}

// -- clients

ZooKeeperModel::Handle ZooKeeperModel::open(coordination::SessionNumber number, Duration timeout,
                                            Deliver deliver) {
  const Handle handle = ++handles_;
  Client& client = clients_[handle];
  client.number = number;
  client.timeout = timeout;
  client.deliver = std::move(deliver);
  schedule_.in(drawn(), [this, handle] { connect(handle); });
  return handle;
}

void ZooKeeperModel::request(Handle handle, coordination::ZkRequestId id, zk::Request request) {
  Client& client = clients_.at(handle);
  if (client.link != Link::up) {
    const bool over = client.link == Link::over;
    give(handle, Replied{id, {over ? zk::Code::expired : zk::Code::connection_loss}});
    return;
  }
  client.under_way.push_back(id);
  Fate fate = Fate::normal;
  if (client.lose_next && !is_read(request)) {
    fate = *client.lose_next ? Fate::done_unheard : Fate::lost;
    client.lose_next.reset();
  }
  if (zk::size_of(request) > kMaxRequestBytes) fate = Fate::lost;
  client.up_due = std::max(client.up_due, schedule_.now() + drawn());
  schedule_.at(client.up_due,
               [this, handle, connection = client.connection, fate, id,
                request = std::move(request)] { arrive(handle, connection, fate, id, request); });
}

void ZooKeeperModel::close(Handle handle) {
  Client& client = clients_.at(handle);
  if (client.session != 0 && client.link == Link::up && !client.cut_up) {
    schedule_.at(std::max(client.up_due, schedule_.now() + drawn()),
                 [this, session = client.session] { end_session(session); });
  }
  kill(handle);
}

void ZooKeeperModel::kill(Handle handle) {
  Client& client = clients_.at(handle);
  fell_silent(client);
  client.link = Link::over;
  client.connection = 0;
  client.deliver = nullptr;
  client.undelivered.clear();
  client.under_way.clear();
}

void ZooKeeperModel::pause(Handle handle, bool paused) {
  Client& client = clients_.at(handle);
  if (paused) fell_silent(client);
  client.paused = paused;
  schedule_.in({}, [this, handle] { deliver(handle); });
}

void ZooKeeperModel::cut_ways(Handle handle, bool up, bool down) {
  Client& client = clients_.at(handle);
  if (!client.cut() && (up || down)) {
    if (up) fell_silent(client);
    // The library gives a silent server up after two thirds of the time-out.
    schedule_.in(client.timeout * 2 / 3, [this, handle, connection = client.connection] {
      const Client& then = clients_.at(handle);
      if (then.cut() && then.connection == connection) lose(handle);
    });
  } else if (up && !client.cut_up) {
    fell_silent(client);
  }
  client.cut_up = up;
  client.cut_down = down;
  const auto release = [&](std::vector<Schedule::Action>& held) {
    for (Schedule::Action& action : held) schedule_.in({}, std::move(action));
    held.clear();
  };
  if (!up) release(client.held_up);
  if (!down) release(client.held_down);
}

void ZooKeeperModel::break_connection(Handle handle) {
  const Client& client = clients_.at(handle);
  if (client.link != Link::up) return;
  // The server may notice at once, or take what is still on its way.
  const auto session = sessions_.find(client.session);
  if (session != sessions_.end() && rng_.chance(1, 2)) session->second.connection = 0;
  lose(handle);
}

void ZooKeeperModel::expire(Handle handle) {
  const std::uint64_t session = clients_.at(handle).session;
  if (session != 0) end_session(session);
}

void ZooKeeperModel::set_available(bool available) {
  if (available_ == available) return;
  available_ = available;
  if (available) {
    // A new leader of the ensemble gives every session its whole time-out.
    for (auto& [id, session] : sessions_) session.heard = schedule_.now();
    return;
  }
  for (auto& [handle, client] : clients_) {
    if (client.link != Link::up) continue;
    sessions_.at(client.session).connection = 0;
    lose(handle);
  }
}

zk::Reply ZooKeeperModel::by_hand(const zk::Change& change) {
  return commit(0, {change});
}

// -- connections

void ZooKeeperModel::give(Handle handle, EventBody body) {
  Client& client = clients_.at(handle);
  if (!client.deliver) return;
  client.undelivered.push_back(std::move(body));
  schedule_.in({}, [this, handle] { deliver(handle); });
}

void ZooKeeperModel::deliver(Handle handle) {
  Client& client = clients_.at(handle);
  while (!client.paused && client.deliver && !client.undelivered.empty()) {
    EventBody body = std::move(client.undelivered.front());
    client.undelivered.erase(client.undelivered.begin());
    const Deliver to = client.deliver;  // what it does may end this client
    to(std::move(body));
  }
}

void ZooKeeperModel::lose(Handle handle) {
  Client& client = clients_.at(handle);
  if (client.link != Link::up) return;
  fell_silent(client);
  client.link = Link::down;
  client.connection = 0;
  client.arrived.clear();
  client.data_watches.clear();
  client.child_watches.clear();
  const bool session_first = rng_.chance(1, 2);
  if (session_first) give(handle, coordination::SessionSuspended{client.number});
  for (const auto id : client.under_way) give(handle, Replied{id, {zk::Code::connection_loss}});
  client.under_way.clear();
  if (!session_first) give(handle, coordination::SessionSuspended{client.number});
  connect_later(handle);
}

void ZooKeeperModel::connect_later(Handle handle) {
  const Duration span{rng_.between(pace_.reconnect.ns / 10, pace_.reconnect.ns)};
  schedule_.in(span, [this, handle] { connect(handle); });
}

void ZooKeeperModel::connect(Handle handle) {
  Client& client = clients_.at(handle);
  if (client.link != Link::down) return;
  const std::size_t server = rng_.below(servers_.size());
  const bool behind = servers_[server].applied < client.seen;
  if (!available_ || client.paused || client.cut() || behind) {
    connect_later(handle);
    return;
  }
  if (refuse_credentials_) {
    client.link = Link::over;
    give(handle, coordination::AuthFailed{client.number});
    return;
  }
  if (client.session != 0 && sessions_.at(client.session).over) {
    client.link = Link::over;
    give(handle, coordination::SessionExpired{client.number});
    return;
  }
  greet(handle, server);
}

void ZooKeeperModel::greet(Handle handle, std::size_t server) {
  Client& client = clients_.at(handle);
  if (client.session == 0) {
    client.session = 0x1000 + ++sessions_made_;
    sessions_[client.session] = {client.timeout, schedule_.now(), 0, false};
    watch_session(client.session);
  }
  client.link = Link::up;
  client.connection = ++connections_made_;
  client.server = server;
  client.up_due = client.down_due = schedule_.now();
  Session& session = sessions_.at(client.session);
  session.connection = client.connection;
  session.heard = schedule_.now();
  give(handle, coordination::SessionConnected{client.number, client.session, client.timeout});
}

// -- requests at the server

void ZooKeeperModel::arrive(Handle handle, std::uint64_t connection, Fate fate,
                            coordination::ZkRequestId id, const zk::Request& request) {
  Client& client = clients_.at(handle);
  if (client.cut_up) {
    client.held_up.push_back([=, this] { arrive(handle, connection, fate, id, request); });
    return;
  }
  Session& session = sessions_.at(client.session);
  if (!available_ || session.connection != connection) return;
  if (session.over || fate == Fate::lost) {
    session.connection = 0;
    lose(handle);
    return;
  }
  session.heard = schedule_.now();
  std::optional<zk::Reply> reply;
  if (!is_read(request)) reply = write(client.session, request);
  if (client.connection != connection) return;  // nobody waits for the answer any more
  if (fate == Fate::done_unheard) {
    lose(handle);
    return;
  }
  client.arrived.push_back({id, request, std::move(reply), forgotten_ + order_.size()});
  pump(handle);
}

void ZooKeeperModel::pump(Handle handle) {
  Client& client = clients_.at(handle);
  while (!client.arrived.empty()) {
    Arrived& front = client.arrived.front();
    if (front.reply && servers_[client.server].applied < front.after) return;
    Replied answer{front.id, front.reply ? std::move(*front.reply) : read(handle, front.request)};
    client.arrived.pop_front();
    tell(handle, std::move(answer));
  }
}

void ZooKeeperModel::tell(Handle handle, EventBody body) {
  Client& client = clients_.at(handle);
  const std::uint64_t connection = client.connection;
  const std::uint64_t seen = servers_[client.server].applied;
  client.down_due = std::max(client.down_due, schedule_.now() + drawn());
  const Schedule::Action action = [this, handle, connection, seen, body = std::move(body)] {
    Client& then = clients_.at(handle);
    if (then.connection != connection) return;
    if (const auto* replied = std::get_if<Replied>(&body)) std::erase(then.under_way, replied->id);
    then.seen = std::max(then.seen, seen);
    give(handle, body);
  };
  schedule_.at(client.down_due, [this, handle, action] {
    Client& then = clients_.at(handle);
    if (then.cut_down) {
      then.held_down.push_back(action);
    } else {
      action();
    }
  });
}

zk::Reply ZooKeeperModel::read(Handle handle, const zk::Request& request) {
  Client& client = clients_.at(handle);
  const ZkTree& tree = servers_[client.server].tree;
  zk::Reply reply;
  const auto found = [&](const std::string& path) {
    const auto it = tree.find(path);
    if (is_forbidden(path)) reply.code = zk::Code::no_auth;
    if (it == tree.end()) reply.code = zk::Code::no_node;
    if (reply.code == zk::Code::ok) reply.stat = {it->second.version, it->second.owner};
    return it;
  };
  if (const auto* get = std::get_if<zk::Get>(&request)) {
    const auto it = found(get->path);
    if (reply.code != zk::Code::ok) return reply;
    reply.data = it->second.data;
    if (get->watch) client.data_watches.insert(get->path);
  } else if (const auto* exists = std::get_if<zk::Exists>(&request)) {
    found(exists->path);
    if (exists->watch) client.data_watches.insert(exists->path);
  } else if (const auto* children = std::get_if<zk::Children>(&request)) {
    found(children->path);
    if (reply.code != zk::Code::ok) return reply;
    reply.names = children_of(tree, children->path);
    if (children->watch) client.child_watches.insert(children->path);
  }
  return reply;
}

// -- the order of writes

zk::Reply ZooKeeperModel::write(std::uint64_t session, const zk::Request& request) {
  const std::vector<zk::Change> changes = changes_of(request);
  for (std::size_t i = 0; i < changes.size(); ++i) {
    const auto& path = std::visit(
        [](const auto& change) -> const std::string& { return change.path; }, changes[i]);
    if (!is_forbidden(path)) continue;
    append({});
    zk::Reply refused{zk::Code::no_auth};
    refused.failed = i;
    return refused;
  }
  return commit(session, changes);
}

zk::Reply ZooKeeperModel::commit(std::uint64_t session, const std::vector<zk::Change>& changes) {
  ZkDelta delta;
  zk::Reply reply = apply(tree_, session, changes, delta);
  if (reply.code == zk::Code::ok && on_commit) on_commit({session, changes, tree_});
  append(std::move(delta));  // what was refused has its place in the order too
  return reply;
}

void ZooKeeperModel::append(ZkDelta delta) {
  order_.push_back(std::move(delta));
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    Server& server = servers_[i];
    server.due = std::max(server.due, schedule_.now() + Duration{rng_.between(0, pace_.lag.ns)});
    schedule_.at(server.due, [this, i] { follow(i); });
  }
}

void ZooKeeperModel::follow(std::size_t index) {
  Server& server = servers_[index];
  const ZkDelta delta = order_[server.applied++ - forgotten_];
  for (const auto& [path, after] : delta) {
    const auto it = server.tree.find(path);
    std::optional<std::int32_t> before;
    if (it != server.tree.end()) before = it->second.version;
    if (after) {
      server.tree[path] = *after;
    } else {
      server.tree.erase(path);
    }
    const bool made_or_gone = before.has_value() != after.has_value();
    const bool changed = made_or_gone || (after && *before != after->version);
    if (changed) fire(index, path, made_or_gone);
  }
  for (auto& [handle, client] : clients_) {
    if (client.link == Link::up && client.server == index) pump(handle);
  }
  std::uint64_t all = server.applied;
  for (const Server& other : servers_) all = std::min(all, other.applied);
  for (; forgotten_ < all; ++forgotten_) order_.pop_front();
}

void ZooKeeperModel::fire(std::size_t server, const std::string& path, bool made_or_gone) {
  for (auto& [handle, client] : clients_) {
    if (client.link != Link::up || client.server != server) continue;
    if (client.data_watches.erase(path) > 0) {
      tell(handle, coordination::WatchFired{client.number, path});
    }
    const std::string parent = parent_of(path);
    if (made_or_gone && client.child_watches.erase(parent) > 0) {
      tell(handle, coordination::WatchFired{client.number, parent});
    }
  }
}

bool ZooKeeperModel::is_forbidden(const std::string& path) const {
  return !forbidden_.empty() && path.starts_with(forbidden_);
}

// -- sessions

// It last said that it lives up to a third of its time-out ago.
void ZooKeeperModel::fell_silent(const Client& client) {
  const auto it = sessions_.find(client.session);
  if (it == sessions_.end() || client.link != Link::up || client.paused || client.cut_up) return;
  const Duration ago{rng_.between(0, client.timeout.ns / 3)};
  it->second.heard = std::max(it->second.heard, schedule_.now() - ago);
}

bool ZooKeeperModel::speaks(std::uint64_t session) const {
  return std::any_of(clients_.begin(), clients_.end(), [&](const auto& row) {
    const Client& client = row.second;
    return client.session == session && client.link == Link::up && !client.paused && !client.cut_up;
  });
}

void ZooKeeperModel::watch_session(std::uint64_t id) {
  const Session& session = sessions_.at(id);
  const Duration span = session.heard + session.timeout - schedule_.now();
  schedule_.in(std::max(span, Duration::milliseconds(50)), [this, id] {
    Session& then = sessions_.at(id);
    if (then.over) return;
    if (speaks(id)) {
      // A client that speaks was heard within a third of its time-out.
      then.heard = std::max(then.heard, schedule_.now() - then.timeout / 3);
    }
    if (available_ && schedule_.now() >= then.heard + then.timeout) {
      end_session(id);
    } else {
      watch_session(id);
    }
  });
}

void ZooKeeperModel::end_session(std::uint64_t id) {
  Session& session = sessions_.at(id);
  if (session.over) return;
  session.over = true;
  std::vector<zk::Change> changes;
  for (const auto& [path, node] : tree_) {
    if (node.owner == id) changes.emplace_back(zk::Remove{path});
  }
  if (!changes.empty()) commit(id, changes);
  for (const auto& [handle, client] : clients_) {
    if (client.session != id || client.link != Link::up) continue;
    schedule_.in(drawn(), [this, handle = handle, connection = client.connection] {
      const Client& then = clients_.at(handle);
      if (then.connection == connection && !then.cut_down) lose(handle);
    });
  }
}

}  // namespace bourse::sim
