// Who stands and who leads. There is one way to learn it: look at the whole list, read what is new
// in it, conclude. Every doubt (a lost answer, a watch, a new connection) is answered by looking
// again; so an own node whose creation was lost is found by its owner, our session.
#include <algorithm>

#include "base/assert.hpp"
#include "base/probe.hpp"
#include "coordination/core/context.hpp"
#include "coordination/core/names.hpp"
#include "model/limits.hpp"

namespace bourse::coordination {

namespace {

bool stands_earlier(const std::string& a, const std::string& b) {
  const std::int32_t first = sequence_of(a).value_or(0);
  const std::int32_t second = sequence_of(b).value_or(0);
  return first == second ? a < b : stood_before(first, second);
}

void stand(Context& c) {
  Election& election = c.state.election;
  election.creating = true;
  const std::string path = candidate_prefix_path(c.config.path);
  c.ask(zk::Create{path, c.config.candidate_info, true, true, zk::Access::readable_by_all},
        {Ask::stand, path, 0, {}});
}

// A node under the election path that is not ephemeral was made by hand, and would lead for ever.
bool is_stranger(Context& c, const std::string& name, const Candidate& candidate) {
  if (candidate.owner != 0) return false;
  if (c.state.election.strangers.insert(name).second) {
    c.note(Note::Level::warning, "coordination.stranger",
           {{"path", candidate_path(c.config.path, name)},
            {"reason",
             "this node is not ephemeral, so no master made it: it is passed over, but "
             "clients take it for a leader: remove it"}});
  }
  return true;
}

void lead_or_follow(Context& c, bool first) {
  const std::string& own = c.state.election.own;
  switch (c.state.phase) {
    case Phase::leading:
      if (own.empty()) {
        step_down(c, "our candidate's node was removed: another master may lead");
      } else if (!first) {
        step_down(c, "another candidate stands before " + own);
      }
      return;
    case Phase::taking:
    case Phase::loading:
      if (!first) give_up_taking(c);
      return;
    case Phase::following:
      if (first) {
        ++c.state.election.takings;
        c.state.phase = Phase::taking;
        take(c);
      }
      return;
    case Phase::withdrawn:
    case Phase::stopped:
      return;
  }
}

void conclude(Context& c) {
  Election& election = c.state.election;
  election.looking = false;
  if (election.look_again) {
    election.look_again = false;
    look(c);
    return;
  }
  std::string own;
  const std::string* lowest = nullptr;
  for (const std::string& name : election.listed) {
    const Candidate& candidate = election.known.at(name);
    if (is_stranger(c, name, candidate)) continue;
    const bool ours = candidate.owner == c.state.session.id;
    const bool keep = ours && own.empty() && c.state.phase != Phase::withdrawn;
    if (ours && !keep) {
      // Made twice, because the first answer was lost, or of a candidacy that was given up.
      PROBE("coordination.removes_own_surplus");
      const std::string path = candidate_path(c.config.path, name);
      c.ask(zk::Remove{path}, {Ask::remove, path, 0, {}});
      continue;
    }
    if (keep) own = name;
    if (lowest == nullptr) lowest = &name;
  }
  election.own = own;
  const bool first = lowest != nullptr && *lowest == own && !own.empty();
  tell_leader(c,
              lowest == nullptr ? std::nullopt
                                : std::optional<std::string>(election.known.at(*lowest).info),
              first);
  lead_or_follow(c, first);
  const bool may_stand = c.state.phase == Phase::following && c.config.stand && !election.crowded;
  if (may_stand && election.own.empty() && !election.creating) stand(c);
}

}  // namespace

void look(Context& c) {
  if (!c.connected()) return;
  Election& election = c.state.election;
  if (election.looking) {
    election.look_again = true;
    return;
  }
  election.looking = true;
  c.ask(zk::Children{c.config.path, true}, {Ask::list, c.config.path, 0, {}});
}

void on_list(Context& c, const zk::Reply& reply, const Asked& asked) {
  if (reply.code != zk::Code::ok && reply.code != zk::Code::no_node) {
    retry_later(c, asked, reply);
    return;
  }
  Election& election = c.state.election;
  election.listed.clear();
  for (const std::string& name : reply.names) {
    if (sequence_of(name)) election.listed.push_back(name);
  }
  std::sort(election.listed.begin(), election.listed.end(), stands_earlier);
  election.crowded = election.listed.size() > limits::kMaxCandidates;
  if (election.crowded) {
    c.note(Note::Level::warning, "coordination.crowded",
           {{"path", c.config.path}, {"candidates", std::to_string(election.listed.size())}});
    election.listed.resize(limits::kMaxCandidates);
  }
  std::erase_if(election.known, [&](const auto& row) {
    return std::find(election.listed.begin(), election.listed.end(), row.first) ==
           election.listed.end();
  });
  std::erase_if(election.strangers,
                [&](const std::string& name) { return !election.known.contains(name); });
  election.unread = 0;
  for (const std::string& name : election.listed) {
    if (election.known.contains(name)) continue;
    ++election.unread;
    c.ask(zk::Get{candidate_path(c.config.path, name)}, {Ask::candidate, name, 0, {}});
  }
  if (reply.code == zk::Code::no_node && !c.config.stand) {
    // Nobody stood yet, and a node that is not there has no list to watch.
    c.arm(Timer::retry, c.backoff(c.config.retry_max, c.config.retry_max, 0));
  }
  if (election.unread == 0) conclude(c);
}

void on_candidate(Context& c, const zk::Reply& reply, const Asked& asked) {
  Election& election = c.state.election;
  if (reply.code == zk::Code::ok) {
    election.known[asked.name] = {reply.stat.ephemeral_owner, reply.data};
  } else if (reply.code == zk::Code::no_node) {
    election.look_again = true;  // it left between the list and its turn
  } else {
    retry_later(c, asked, reply);
    return;
  }
  if (--election.unread == 0) conclude(c);
}

void on_stand(Context& c, const zk::Reply& reply, const Asked& asked) {
  Election& election = c.state.election;
  switch (reply.code) {
    case zk::Code::ok:
      election.creating = false;
      look(c);
      return;
    case zk::Code::no_node: {
      const std::vector<std::string> parents = with_parents(c.config.path);
      c.ask(zk::Create{parents.front(), {}, false, false, zk::Access::readable_by_all},
            {Ask::parent, parents.front(), 0, {}});
      return;
    }
    default:
      if (reply.code == zk::Code::connection_loss) PROBE("coordination.stand_in_doubt");
      retry_later(c, asked, reply);
      return;
  }
}

void on_parent(Context& c, const zk::Reply& reply, const Asked& asked) {
  // A path above ours may be another's: that it exists is all we need.
  const std::vector<std::string> parents = with_parents(c.config.path);
  const std::uint64_t next = asked.number + 1;
  const bool passed = reply.code == zk::Code::ok || reply.code == zk::Code::node_exists ||
                      (reply.code == zk::Code::no_auth && next < parents.size());
  if (!passed) {
    retry_later(c, asked, reply);
    return;
  }
  if (next == parents.size()) {
    c.state.election.creating = false;
    look(c);
    return;
  }
  c.ask(zk::Create{parents[next], {}, false, false, zk::Access::readable_by_all},
        {Ask::parent, parents[next], next, {}});
}

void tell_leader(Context& c, std::optional<std::string> info, bool ours) {
  Election& election = c.state.election;
  if (election.told && election.leader == info && election.leader_ours == ours) return;
  election.told = true;
  election.leader = info;
  election.leader_ours = ours;
  c.emit(Leader{std::move(info), ours});
}

void withdraw(Context& c, const std::string& reason) {
  PROBE("coordination.withdraws");
  give_up_taking(c);
  c.note(Note::Level::error, "coordination.cannot_lead", {{"reason", reason}});
  c.state.phase = Phase::withdrawn;
  c.state.reason = reason;
  c.arm(Timer::stand_again,
        c.backoff(c.config.stand_again, c.config.stand_again_max, c.state.election.withdrawals++));
  look(c);  // which removes our node: the next in line may be able to
}

// Nothing was done in the leadership's name: so it ends as if the loading had failed.
void on_declined(Context& c, const Declined& event) {
  if (c.state.phase != Phase::leading) return;
  ASSERT(c.state.store.outcomes.empty());
  c.forget(Ask::heartbeat);
  c.disarm(Timer::heartbeat);
  c.disarm(Timer::lease);
  c.state.phase = Phase::loading;
  withdraw(c, event.reason);
}

}  // namespace bourse::coordination
