// The verbs of scenarios. A line is a verb, its objects, then key=value words:
//
//   lead [removals=10s] | lead again       a master starts (one agent given up in 10 s); anew, over
//                                          the same registry
//   agent A RESOURCES                      a machine registers for the first time
//   register A [incarnation=+1|-1] [total=R] [tasks=t1:RUNNING[:ending|:settled],t2:STAGING]
//              [as=B] [cluster=X]
//   break X                                the connection of an agent or framework is lost
//   leave A | lose A | heartbeat A         planned stop | a frame is lost | it says what it sent
//   framework F [roles=a,b] [failover=60s] [plain] [http] [budget=min_running:2]
//                                          subscribes for the first time
//   subscribe F | instance F [http]        again | from another connection, with its id
//   accept F OFFER[,OFFER] TASK[@A][/R][!E] ... [refuse=1s] [group=E] [operation=RESERVE]
//   decline F OFFER[,OFFER] [refuse=1s]
//   status A F TASK STATE [settled] [drained] | repeat A F TASK STATE [settled] [drained]
//                                          settled: it stored what led to this; drained: a drain
//                                          did
//   ack F TASK | kill F TASK [agent=A] [grace=1s] | reconcile F [TASK[@A]] ...
//   suppress F [roles=..] | revive F [roles=..] | teardown F | update F [name=N] [budget=..]
//   shutdown F A E | message F A E TEXT | answer A F E TEXT | publish F NAME TEXT
//   exited A F E STATUS | leaked A F E R | resolved A F E
//   operator teardown F | operator kill TASK | operator weight ROLE MILLI
//   operator drain A [grace=5s] [gone] [force] [wait=60s] | operator deactivate|reactivate|gone A
//   operator plan [from=100s] [for=60s] [A,B]       the machines of these agents and no others
//   operator start|stop A,B                they are down; up again
//   leaving|staying F OFFER[,OFFER] [refuse=1s]     its answer to inverse offers
//   hold | store | reject REASON           writes wait; the oldest is stored, or refused
//   advance 5s | pass 60s                  time passes; the same, and whoever can says so
//   ledger A | writes | changes            what is so; durable waits and Changes since last asked
#include <functional>

#include "tests/scenarios/line.hpp"
#include "tests/scenarios/world.hpp"

namespace bourse::master::scenario {

namespace {

TaskState state_of(const std::string& name) {
  return task_state_from("TASK_" + name).value();
}

struct Verbs {
  World& w;
  const Line& l;
  test::Harness& h = w.harness;

  FakeAgent& agent(std::size_t word) const { return *w.agents.at(l.words.at(word)); }
  FakeFramework& framework(std::size_t word = 0) const {
    return *w.frameworks.at(l.words.at(word));
  }
  AgentId agent_id(const std::string& name) const {
    const auto it = w.agents.find(name);
    return it == w.agents.end() ? AgentId(name) : it->second->id;
  }
  ExecutorId executor_id(std::size_t word) const { return ExecutorId(l.words.at(word)); }

  void lead() const {
    if (l.has("again")) {
      h.restart_master();
    } else {
      if (l.named.contains("removals")) {
        h.config.agent_removal_interval = duration_of(l.get("removals"));
        h.core = MasterCore(h.config);
      }
      h.lead();
    }
  }

  void new_agent() const {
    FakeAgent& made = h.agents.emplace_back();
    made.host = l.words.at(0);
    made.peer = PeerId(100 + h.agents.size());
    made.total = test::res(l.words.at(1));
    w.agents[made.host] = &made;
    w.name_connections();
    h.enroll(made);
  }

  void enroll() const {
    FakeAgent& who = agent(0);
    if (l.get("incarnation") == "+1") ++who.incarnation;
    if (l.get("incarnation") == "-1") --who.incarnation;
    if (!l.get("total").empty()) who.total = test::res(l.get("total"));
    if (!l.get("cluster").empty()) who.cluster_id = l.get("cluster");
    who.tasks.clear();
    for (const std::string& item : split(l.get("tasks"), ',')) {
      const Words parts = split(item, ':');
      auto known = h.known(who, parts.at(0), state_of(parts.at(1)));
      known.ending = parts.size() > 2 && parts[2] == "ending";
      known.end_settled = parts.size() > 2 && parts[2] == "settled";
      if (is_terminal(known.state)) {
        known.terminal_unacknowledged = true;
        TaskStatus status;
        status.task_id = TaskId(parts[0]);
        status.state = known.state;
        status.uuid = w.last_uuid[parts[0]];
        known.latest = status;
      }
      who.tasks.push_back(known);
    }
    const AgentId own = who.id;
    if (!l.get("as").empty()) who.id = agent_id(l.get("as"));
    h.enroll(who);
    if (!l.get("as").empty()) who.id = own;
  }

  void break_connection() const {
    if (w.agents.contains(l.words.at(0))) {
      h.break_connection(agent(0));
    } else {
      h.break_connection(framework());
    }
    w.name_connections();
  }

  void new_framework() const {
    const std::string roles = l.get("roles", "*");
    FakeFramework& made = h.add_framework(l.words.at(0), split(roles, ','));
    made.stream = PeerId(200 + h.frameworks.size());
    made.facet.failover_timeout = duration_of(l.get("failover", "60s"));
    if (l.has("plain")) made.facet.capabilities = {};
    set_budget(made, l);
    made.http = l.has("http");
    w.frameworks[l.words.at(0)] = &made;
    w.name_connections();
    h.subscribe(made);
  }

  void answer_inverse(bool accept) const {
    call(call::AnswerInverseOffers{
        accept, offer_ids(l.words.at(1)), {duration_of(l.get("refuse", "5s"))}});
  }

  void instance() const {
    FakeFramework& made = framework();
    made.stream = PeerId(made.stream.raw() + 1000);
    made.http = made.http || l.has("http");
    made.offers.clear();
    w.names[made.stream] = l.words.at(0) + "'";
    h.subscribe(made);
  }

  void call(decltype(SchedulerCall::body) body) const {
    FakeFramework& who = framework();
    if (who.http) {
      (void)h.http_call(who, std::move(body));
    } else {
      h.call(who, std::move(body));
    }
  }

  std::vector<OfferId> offer_ids(const std::string& word) const {
    std::vector<OfferId> ids;
    if (word == "none") return ids;
    for (const std::string& id : split(word, ',')) ids.emplace_back(id);
    return ids;
  }

  // TASK[@AGENT][/RESOURCES][!EXECUTOR]
  TaskFacet task(const std::string& word) const {
    std::string text = word;
    const auto cut = [&](char at) {
      const auto found = text.find(at);
      if (found == std::string::npos) return std::string();
      std::string tail = text.substr(found + 1);
      text.resize(found);
      return tail;
    };
    const std::string executor = cut('!');
    const std::string resources = cut('/');
    const std::string on = cut('@');
    FakeAgent nobody;
    nobody.id = agent_id(on.empty() ? w.agents.begin()->first : on);
    TaskFacet facet = h.task(text, nobody, resources.empty() ? "cpus:1;mem:64" : resources);
    if (!executor.empty()) {
      facet.has_command = false;
      const auto parts = split(executor, '=');
      facet.executor =
          test::Harness::executor(parts.at(0), parts.size() > 1 ? parts[1] : "cpus:0.1;mem:32");
    }
    return facet;
  }

  void accept() const {
    call::Accept body;
    body.offer_ids = offer_ids(l.words.at(1));
    std::vector<TaskFacet> tasks;
    for (std::size_t i = 2; i < l.words.size(); ++i) tasks.push_back(task(l.words[i]));
    if (!l.get("group").empty()) {
      const auto parts = split(l.get("group"), '/');
      body.operations.push_back(
          {{},
           LaunchGroupOperation{
               test::Harness::executor(parts.at(0),
                                       parts.size() > 1 ? parts[1] : "cpus:0.1;mem:32;disk:8"),
               std::move(tasks)}});
    } else {
      body.operations.push_back({{}, LaunchOperation{std::move(tasks)}});
    }
    if (!l.get("operation").empty()) {
      body.operations.push_back({{}, UnsupportedOperation{l.get("operation")}});
    }
    body.filters.refuse = duration_of(l.get("refuse", "5s"));
    call(std::move(body));
  }

  void decline() const {
    call(call::Decline{offer_ids(l.words.at(1)), {duration_of(l.get("refuse", "5s"))}});
  }

  void status(bool again) const {
    TaskStatus status;
    status.task_id = TaskId(l.words.at(2));
    status.state = state_of(l.words.at(3));
    status.source = StatusSource::executor;
    status.agent_id = agent(0).id;
    Uuid& uuid = w.last_uuid[l.words[2]];
    if (!again) uuid = make_uuid(77, ++w.uuids);
    status.uuid = uuid;
    if (l.has("drained")) status.reason = StatusReason::agent_draining;
    h.say(agent(0),
          to_master::StatusUpdate{framework(1).facet.id, status, status.state, l.has("settled")});
  }

  void acknowledge() const {
    const std::string& id = l.words.at(1);
    AgentId where;
    for (const TaskStatus& heard : framework().updates()) {
      if (heard.task_id.raw() == id && heard.uuid) where = heard.agent_id;
    }
    call(call::Acknowledge{where, TaskId(id), w.last_uuid[id]});
  }

  void kill() const {
    call::Kill body{TaskId(l.words.at(1)), {}, {}};
    if (!l.get("agent").empty()) body.agent_id = agent_id(l.get("agent"));
    if (!l.get("grace").empty()) body.grace = duration_of(l.get("grace"));
    call(std::move(body));
  }

  void reconcile() const {
    call::Reconcile body;
    for (std::size_t i = 1; i < l.words.size(); ++i) {
      const Words parts = split(l.words[i], '@');
      body.tasks.push_back(
          {TaskId(parts.at(0)), parts.size() > 1 ? agent_id(parts[1]) : AgentId()});
    }
    call(std::move(body));
  }

  void update() const {
    if (l.named.contains("name")) framework().facet.name = l.get("name");
    set_budget(framework(), l);
    call(call::UpdateFramework{framework().facet, {}});
  }

  void operate() const {
    const RequestId request(5000 + h.answers.size());
    const std::string& what = l.words.at(0);
    if (what == "teardown") {
      const auto it = w.frameworks.find(l.words.at(1));
      const FrameworkId id =
          it == w.frameworks.end() ? FrameworkId(l.words[1]) : it->second->facet.id;
      h.step(FromOperator{request, {}, operation::TeardownFramework{id}});
    } else if (what == "kill") {
      h.step(FromOperator{request, {}, operation::KillTask{{}, TaskId(l.words.at(1)), {}}});
    } else if (!operate_on_machines(w, l, request)) {
      h.step(FromOperator{
          request, {}, operation::SetWeight{l.words.at(1), std::stoll(l.words.at(2))}});
    }
  }

  void store() const {
    if (h.writes.empty()) {
      w.out << "nothing to store\n";
      return;
    }
    h.store_one();
  }

  // Everybody who is connected says so every few seconds.
  void pass() const {
    Duration left = duration_of(l.words.at(0));
    while (left > Duration{}) {
      const Duration now = std::min(left, Duration::seconds(5));
      h.advance(now);
      left = left - now;
      for (FakeAgent& who : h.agents) {
        if (h.row(who).session.peer != who.peer) continue;
        h.say_unsequenced(who, to_master::Heartbeat{who.sender.last()});
      }
      for (FakeFramework& who : h.frameworks) {
        if (who.http || !h.core.state().framework_of_stream.contains(who.stream)) continue;
        h.step(FromFramework{who.stream, {}, {{who.session, who.sender.last(), 0}, {}}, {}});
      }
    }
  }

  void ledger() const {
    const Ledger& ledger = h.ledger(agent(0));
    const auto line = [&](const char* name, const Resources& term) {
      if (!term.empty()) w.out << name << " " << term.to_text() << "\n";
    };
    line("free", ledger.free());
    line("offered", ledger.offered());
    line("used", ledger.used());
    line("held", ledger.held());
    line("deficit", ledger.deficit());
    line("total", ledger.total());
  }

  void changes() const {
    for (; w.changes_seen < h.changes.size(); ++w.changes_seen) {
      w.out << render(h.changes[w.changes_seen]) << "\n";
    }
  }
};

using VerbTable = std::map<std::string, std::function<void(const Verbs&)>>;

// What becomes of executors' containers.
VerbTable container_verbs() {
  return {
      {"exited",
       [](const Verbs& v) {
         v.h.say(v.agent(0), to_master::ExecutorExited{v.framework(1).facet.id, v.executor_id(2),
                                                       std::stoi(v.l.words.at(3))});
       }},
      {"leaked",
       [](const Verbs& v) {
         v.h.say(v.agent(0), to_master::ContainerLeaked{v.framework(1).facet.id, v.executor_id(2),
                                                        test::res(v.l.words.at(3)), false});
       }},
      {"resolved",
       [](const Verbs& v) {
         v.h.say(v.agent(0),
                 to_master::ContainerLeaked{v.framework(1).facet.id, v.executor_id(2), {}, true});
       }},
  };
}

VerbTable other_verbs() {
  return {
      {"lead", [](const Verbs& v) { v.lead(); }},
      {"agent", [](const Verbs& v) { v.new_agent(); }},
      {"register", [](const Verbs& v) { v.enroll(); }},
      {"break", [](const Verbs& v) { v.break_connection(); }},
      {"leave", [](const Verbs& v) { v.h.say(v.agent(0), to_master::Leaving{}); }},
      {"lose", [](const Verbs& v) { (void)v.agent(0).sender.next(); }},
      {"heartbeat",
       [](const Verbs& v) {
         v.h.say_unsequenced(v.agent(0), to_master::Heartbeat{v.agent(0).sender.last()});
       }},
      {"framework", [](const Verbs& v) { v.new_framework(); }},
      {"subscribe", [](const Verbs& v) { v.h.subscribe(v.framework()); }},
      {"instance", [](const Verbs& v) { v.instance(); }},
      {"accept", [](const Verbs& v) { v.accept(); }},
      {"decline", [](const Verbs& v) { v.decline(); }},
      {"leaving", [](const Verbs& v) { v.answer_inverse(true); }},
      {"staying", [](const Verbs& v) { v.answer_inverse(false); }},
      {"status", [](const Verbs& v) { v.status(false); }},
      {"repeat", [](const Verbs& v) { v.status(true); }},
      {"ack", [](const Verbs& v) { v.acknowledge(); }},
      {"kill", [](const Verbs& v) { v.kill(); }},
      {"reconcile", [](const Verbs& v) { v.reconcile(); }},
      {"suppress", [](const Verbs& v) { v.call(call::Suppress{split(v.l.get("roles"), ',')}); }},
      {"revive", [](const Verbs& v) { v.call(call::Revive{split(v.l.get("roles"), ',')}); }},
      {"teardown", [](const Verbs& v) { v.call(call::Teardown{}); }},
      {"update", [](const Verbs& v) { v.update(); }},
      {"shutdown",
       [](const Verbs& v) {
         v.call(call::Shutdown{v.executor_id(2), v.agent(1).id});
       }},
      {"message",
       [](const Verbs& v) {
         v.call(call::Message{v.agent(1).id, v.executor_id(2), v.l.rest(3)});
       }},
      {"answer",
       [](const Verbs& v) {
         v.h.say(v.agent(0), to_master::ExecutorMessage{v.framework(1).facet.id, v.executor_id(2),
                                                        v.l.rest(3)});
       }},
      {"publish",
       [](const Verbs& v) {
         v.call(call::Publish{v.l.words.at(1), v.l.rest(2)});
       }},
      {"operator", [](const Verbs& v) { v.operate(); }},
      {"hold", [](const Verbs& v) { v.h.hold_writes = true; }},
      {"store", [](const Verbs& v) { v.store(); }},
      {"reject", [](const Verbs& v) { v.h.reject_one(v.l.rest(0)); }},
      {"advance", [](const Verbs& v) { v.h.advance(duration_of(v.l.words.at(0))); }},
      {"pass", [](const Verbs& v) { v.pass(); }},
      {"ledger", [](const Verbs& v) { v.ledger(); }},
      {"writes",
       [](const Verbs& v) {
         v.w.out << v.h.persists - v.w.persists_seen << "\n";
         v.w.persists_seen = v.h.persists;
       }},
      {"changes", [](const Verbs& v) { v.changes(); }},
  };
}

const VerbTable& verbs() {
  static const VerbTable kVerbs = [] {
    VerbTable all = container_verbs();
    all.merge(other_verbs());
    return all;
  }();
  return kVerbs;
}

}  // namespace

World::World() {
  harness.on_effect = [this](const Effect& effect) {
    // Heartbeats every few seconds would bury what a scenario is about.
    if (const auto* e = std::get_if<SendToAgent>(&effect.body);
        e && std::holds_alternative<to_agent::Heartbeat>(e->message.body)) {
      return;
    }
    if (const auto* e = std::get_if<SendToFramework>(&effect.body);
        e && std::holds_alternative<event::Heartbeat>(e->message.body) &&
        e->message.header.sequence != ~std::uint64_t{0}) {
      return;
    }
    out << render(*this, effect) << "\n";
  };
  harness.on_note = [this](const Note& note) {
    if (note.level >= Note::Level::warning) out << "note " << render(note) << "\n";
  };
}

void World::name_connections() {
  for (const auto& [name, agent] : agents) names[agent->peer] = name;
  for (const auto& [name, framework] : frameworks) names[framework->stream] = name;
}

std::string run_line(World& world, const std::string& line) {
  std::istringstream stream(line);
  std::string verb;
  stream >> verb;
  Line parsed;
  for (std::string word; stream >> word;) {
    const auto equals = word.find('=');
    const bool named = equals != std::string::npos && word.find_first_of("/!@:") > equals;
    if (named) {
      parsed.named[word.substr(0, equals)] = word.substr(equals + 1);
    } else {
      parsed.words.push_back(word);
    }
  }
  const auto it = verbs().find(verb);
  if (it == verbs().end()) return "there is no verb '" + verb + "'";
  try {
    it->second(Verbs{world, parsed});
    world.name_connections();
  } catch (const std::exception& error) {
    return "'" + line + "' is missing something: " + error.what();
  }
  return "";
}

}  // namespace bourse::master::scenario
