#include "examples/crawler/scheduler/dispatch.hpp"

#include <algorithm>

#include "examples/crawler/stages/limits.hpp"

namespace bourse::crawler {
namespace {

std::size_t place_of(Stage stage) {
  return static_cast<std::size_t>(stage);
}

batch::StreamLimits limits_of(Stage stage) {
  switch (stage) {
    case Stage::fetch:
      return fetch_limits();
    case Stage::extract:
      return extract_limits();
    case Stage::store:
      break;
  }
  return store_limits();
}

}  // namespace

Dispatch::Dispatch(runtime::Loop& loop, Configure base, DispatchHandlers handlers)
    : loop_(loop), base_(std::move(base)), handlers_(std::move(handlers)) {}

Dispatch::~Dispatch() = default;

std::unique_ptr<Dispatch::Link> Dispatch::open(const Worker& worker) {
  auto link = std::make_unique<Link>();
  link->stage = worker.stage;
  Link* const raw = link.get();
  batch::BatchClientHandlers handlers;
  handlers.on_ready = [this, raw] {
    if (raw->open_id == 0) configure(*raw, raw->sent);
    handlers_.on_room();
  };
  handlers.on_progress = [this, raw](std::uint64_t id, std::string_view payload) {
    take_progress(*raw, id, payload);
  };
  handlers.on_result = [this, raw](std::uint64_t id, bool ok, std::string_view payload) {
    take_result(*raw, id, ok, payload);
  };
  handlers.on_lost = [this, raw](std::vector<std::uint64_t> ids) {
    raw->open_id = 0;
    raw->heard = false;
    for (const std::uint64_t id : ids) {
      if (raw->out.erase(id) > 0) handlers_.on_lost(id);
    }
  };
  auto client = batch::BatchClient::open(loop_, worker.endpoint, "crawler", limits_of(worker.stage),
                                         std::move(handlers));
  if (client.ok()) link->client = std::move(client).value();
  return link;
}

// The open Configure carries the worker's load as progress; a new one closes the one before.
void Dispatch::configure(Link& link, const Configure& wanted) {
  link.sent = wanted;
  if (link.client == nullptr || link.client->credit() == 0) {
    link.open_id = 0;  // on_ready sends it
    return;
  }
  const std::uint64_t id = next_configure_++;
  if (link.client->submit(id, encode(wanted)).ok()) link.open_id = id;
}

void Dispatch::follow(const Crew& crew, const StageTable& stages) {
  for (const auto& [task_id, worker] : crew.workers()) {
    if (worker.endpoint.empty()) continue;
    std::unique_ptr<Link>& link = links_[task_id];
    if (link == nullptr) link = open(worker);
    link->leaving = worker.state == WorkerState::leaving;
  }
  for (auto it = links_.begin(); it != links_.end();) {
    if (crew.workers().contains(it->first)) {
      ++it;
      continue;
    }
    Link& link = *it->second;
    StageLoad& past = past_[place_of(link.stage)];
    past.done += link.load.done;
    past.failed += link.load.failed;
    // Closing a stream tells nobody: what it still had out is lost, and said so here. The loop
    // destroys the client, since this may be inside one of its callbacks.
    const std::set<OrderId> out = std::move(link.out);
    link.out.clear();
    loop_.post([gone = std::shared_ptr<Link>(std::move(it->second))] {});
    it = links_.erase(it);
    for (const OrderId id : out) handlers_.on_lost(id);
  }
  complete_ = true;
  for (const Stage stage : kStages) complete_ = complete_ && crew.running(stage) > 0;
  for (auto& [task_id, link] : links_) {
    Configure wanted = base_;
    wanted.paused = stages[place_of(link->stage)].paused;
    if (link->stage == Stage::fetch) wanted.peers = crew.endpoints(Stage::extract);
    if (link->stage == Stage::extract) wanted.peers = crew.endpoints(Stage::store);
    if (wanted == link->sent && link->open_id != 0) continue;
    configure(*link, wanted);
  }
}

bool Dispatch::usable(const Link& link) const {
  return link.stage == Stage::fetch && !link.leaving && link.open_id != 0 && link.heard &&
         link.client != nullptr;
}

std::uint64_t Dispatch::room() const {
  if (!complete_) return 0;
  std::uint64_t room = 0;
  for (const auto& [task_id, link] : links_) {
    if (!usable(*link)) continue;
    // One place stays free for the next Configure; and no worker holds more than twice what it can
    // have out at once (the other half: pages on their way to the store), so that an order is sent
    // when the frontier says so and not much later.
    const std::uint64_t credit = link->client->credit();
    const std::uint64_t held = link->client->in_flight();
    const std::uint64_t most = 2ULL * base_.in_flight;
    if (credit > 1 && held < most) room += std::min(credit - 1, most - held);
  }
  return room;
}

bool Dispatch::send(const FetchOrder& order) {
  Link* best = nullptr;
  for (const auto& [task_id, link] : links_) {
    if (!usable(*link) || link->client->credit() <= 1) continue;
    if (best == nullptr || link->client->in_flight() < best->client->in_flight()) {
      best = link.get();
    }
  }
  if (best == nullptr || !best->client->submit(order.id, encode(order)).ok()) return false;
  best->out.insert(order.id);
  return true;
}

void Dispatch::take_progress(Link& link, std::uint64_t id, std::string_view payload) {
  const Result<StageMessage> message = decode_stage_message(payload);
  if (!message.ok()) return;
  if (const auto* load = std::get_if<StageLoad>(&message.value())) {
    if (id != link.open_id) return;
    link.load = *load;
    if (!link.heard) {
      link.heard = true;
      handlers_.on_room();
    }
  } else if (const auto* report = std::get_if<FetchReport>(&message.value())) {
    if (report->id == id) handlers_.on_fetched(*report);
  } else if (const auto* began = std::get_if<AnswerBegan>(&message.value())) {
    if (began->id == id) handlers_.on_began(*began);
  }
}

void Dispatch::take_result(Link& link, std::uint64_t id, bool ok, std::string_view payload) {
  if (link.out.erase(id) == 0) return;  // a Configure that was replaced
  const Result<StageMessage> message = decode_stage_message(payload);
  if (ok && message.ok()) {
    if (const auto* report = std::get_if<FetchReport>(&message.value());
        report && report->id == id) {
      handlers_.on_fetched(*report);
      handlers_.on_room();
      return;
    }
    if (const auto* page = std::get_if<PageReport>(&message.value()); page && page->id == id) {
      handlers_.on_page(*page);
      handlers_.on_room();
      return;
    }
  }
  handlers_.on_lost(id);
  handlers_.on_room();
}

Dispatch::StageSum Dispatch::sum(Stage stage) const {
  StageSum sum;
  sum.done = past_[place_of(stage)].done;
  sum.failed = past_[place_of(stage)].failed;
  for (const auto& [task_id, link] : links_) {
    const auto before = static_cast<std::size_t>(link->stage) + 1;
    if (before == place_of(stage)) sum.queue += link->load.waiting_for_next;
    if (link->stage != stage) continue;
    sum.queue += link->load.queue;
    sum.in_flight += link->load.in_flight;
    sum.done += link->load.done;
    sum.failed += link->load.failed;
    if (sum.trouble.empty()) sum.trouble = link->load.trouble;
  }
  return sum;
}

bool Dispatch::is_idle(const std::string& task_id) const {
  const auto it = links_.find(task_id);
  if (it == links_.end() || it->second->client == nullptr) return true;
  const Link& link = *it->second;
  if (!link.client->connected()) return true;
  const StageLoad& load = link.load;
  const std::size_t open = link.open_id == 0 ? 0 : 1;
  return link.client->in_flight() <= open && load.queue == 0 && load.in_flight == 0 &&
         load.waiting_for_next == 0;
}

}  // namespace bourse::crawler
