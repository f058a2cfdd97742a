#include "examples/crawler/frontier/journal.hpp"

#include "examples/crawler/sqlite/sqlite.hpp"

namespace bourse::crawler {
namespace {

constexpr std::int64_t kVersion = 2;

constexpr const char* kJournalSchema =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
    "CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value INTEGER) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS host(id INTEGER PRIMARY KEY, name TEXT NOT NULL, robots TEXT,"
    "  has_pace INTEGER NOT NULL DEFAULT 0, pace_requests INTEGER NOT NULL DEFAULT 0,"
    "  pace_window_ns INTEGER NOT NULL DEFAULT 0, drained INTEGER NOT NULL DEFAULT 0);"
    "CREATE TABLE IF NOT EXISTS url(id INTEGER PRIMARY KEY, host INTEGER NOT NULL,"
    "  url TEXT NOT NULL, kind INTEGER NOT NULL, priority INTEGER NOT NULL, hops INTEGER NOT NULL,"
    "  depth INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,"
    "  faults INTEGER NOT NULL DEFAULT 0, outcome INTEGER, item INTEGER NOT NULL DEFAULT 0);"
    "CREATE TABLE IF NOT EXISTS content(host INTEGER, high INTEGER, low INTEGER,"
    "  PRIMARY KEY(host, high, low)) WITHOUT ROWID;"
    "INSERT OR IGNORE INTO meta VALUES('version', 2);";

Error damaged(const std::string& what) {
  return {ErrorCode::corrupt,
          "the crawl journal is damaged: " + what + "; start a new crawl or restore a copy"};
}

}  // namespace

struct Journal::State {
  explicit State(Database opened) : database(std::move(opened)) {}

  Database database;
  Statement begin, commit, rollback;
  Statement add_host, set_robots, set_orders, add_url, fail_url, end_url, add_content;
  Records pending;

  Status prepare() {
    const auto make = [&](Statement& statement, const char* sql) -> Status {
      Result<Statement> made = database.prepare(sql);
      if (!made.ok()) return made.error();
      statement = std::move(made).value();
      return {};
    };
    const std::pair<Statement*, const char*> all[] = {
        {&begin, "BEGIN IMMEDIATE"},
        {&commit, "COMMIT"},
        {&rollback, "ROLLBACK"},
        {&add_host, "INSERT INTO host(id, name) VALUES(?, ?)"},
        {&set_robots, "UPDATE host SET robots = ? WHERE id = ?"},
        {&set_orders,
         "UPDATE host SET has_pace = ?, pace_requests = ?, pace_window_ns = ?, drained = ?"
         " WHERE id = ?"},
        {&add_url,
         "INSERT INTO url(id, host, url, kind, priority, hops, depth) VALUES(?, ?, ?, ?, ?, ?, ?)"},
        {&fail_url, "UPDATE url SET attempts = ?, faults = ? WHERE id = ?"},
        {&end_url, "UPDATE url SET outcome = ?, item = ? WHERE id = ?"},
        {&add_content, "INSERT OR IGNORE INTO content VALUES(?, ?, ?)"},
    };
    for (const auto& [statement, sql] : all) {
      if (const Status status = make(*statement, sql); !status.ok()) return status;
    }
    return {};
  }

  int write(const HostAdded& r) {
    return add_host.bind(1, std::int64_t{r.id}).bind(2, r.name).step();
  }
  int write(const HostRobots& r) {
    return set_robots.bind(1, r.text).bind(2, std::int64_t{r.id}).step();
  }
  int write(const HostOrders& r) {
    return set_orders.bind(1, std::int64_t{r.has_pace})
        .bind(2, std::int64_t{r.pace.requests})
        .bind(3, r.pace.window.ns)
        .bind(4, std::int64_t{r.drained})
        .bind(5, std::int64_t{r.id})
        .step();
  }
  int write(const UrlAdded& r) {
    return add_url.bind(1, static_cast<std::int64_t>(r.id))
        .bind(2, std::int64_t{r.host})
        .bind(3, r.url)
        .bind(4, static_cast<std::int64_t>(r.kind))
        .bind(5, std::int64_t{r.priority})
        .bind(6, std::int64_t{r.hops})
        .bind(7, std::int64_t{r.depth})
        .step();
  }
  int write(const UrlFailed& r) {
    return fail_url.bind(1, std::int64_t{r.attempts})
        .bind(2, std::int64_t{r.faults})
        .bind(3, static_cast<std::int64_t>(r.id))
        .step();
  }
  int write(const UrlDone& r) {
    return end_url.bind(1, static_cast<std::int64_t>(r.outcome))
        .bind(2, std::int64_t{r.item})
        .bind(3, static_cast<std::int64_t>(r.id))
        .step();
  }
  int write(const ContentSeen& r) {
    return add_content.bind(1, std::int64_t{r.host})
        .bind(2, static_cast<std::int64_t>(r.content.high))
        .bind(3, static_cast<std::int64_t>(r.content.low))
        .step();
  }
};

Journal::Journal(std::unique_ptr<State> state) : state_(std::move(state)) {}
Journal::~Journal() = default;

Result<std::unique_ptr<Journal>> Journal::open(const std::string& path) {
  Result<Database> database = Database::open(path, true);
  if (!database.ok()) return database.error();
  auto state = std::make_unique<State>(std::move(database).value());
  if (const Status status = state->database.run(kJournalSchema); !status.ok())
    return status.error();
  {
    Result<Statement> version =
        state->database.prepare("SELECT value FROM meta WHERE name = 'version'");
    if (!version.ok()) return version.error();
    if (version->step() != SQLITE_ROW || version->number(0) != kVersion) {
      return Error{ErrorCode::unsupported, path + " was written by another version of the crawler"};
    }
  }
  if (const Status status = state->prepare(); !status.ok()) return status.error();
  return std::unique_ptr<Journal>(new Journal(std::move(state)));
}

Result<Records> Journal::load() {
  Records records;
  Result<Statement> hosts = state_->database.prepare(
      "SELECT id, name, robots, has_pace, pace_requests, pace_window_ns, drained, robots IS NULL"
      " FROM host ORDER BY id");
  if (!hosts.ok()) return hosts.error();
  HostId host_count = 0;
  int code = SQLITE_ROW;
  while ((code = hosts->step()) == SQLITE_ROW) {
    const HostId id = host_count++;
    if (hosts->number(0) != id) return damaged("host " + std::to_string(id) + " is missing");
    records.push_back(HostAdded{id, hosts->text(1)});
    if (hosts->number(7) == 0) records.push_back(HostRobots{id, hosts->text(2)});
    const Pace pace{static_cast<std::uint32_t>(hosts->number(4)), Duration{hosts->number(5)}};
    const HostOrders orders{id, hosts->number(3) != 0, pace, hosts->number(6) != 0};
    if (orders.has_pace || orders.drained) records.push_back(orders);
  }
  if (code != SQLITE_DONE) return state_->database.error("reading hosts");
  Result<Statement> urls = state_->database.prepare(
      "SELECT id, host, url, kind, priority, hops, depth, attempts, outcome, outcome IS NULL, "
      "faults, item"
      " FROM url ORDER BY id");
  if (!urls.ok()) return urls.error();
  std::int64_t url_count = 0;
  while ((code = urls->step()) == SQLITE_ROW) {
    const std::int64_t id = url_count++;
    if (urls->number(0) != id || urls->number(1) >= host_count || urls->number(1) < 0 ||
        urls->number(3) > 2 || urls->number(4) > 2 ||
        urls->number(8) >= static_cast<std::int64_t>(kOutcomes)) {
      return damaged("address " + std::to_string(id) + " is missing or makes no sense");
    }
    const auto url = static_cast<UrlId>(id);
    records.push_back(UrlAdded{
        url, static_cast<HostId>(urls->number(1)), urls->text(2),
        static_cast<PageKind>(urls->number(3)), static_cast<std::uint8_t>(urls->number(4)),
        static_cast<std::uint8_t>(urls->number(5)), static_cast<std::uint16_t>(urls->number(6))});
    if (urls->number(7) > 0) {
      records.push_back(UrlFailed{url, static_cast<std::uint32_t>(urls->number(7)),
                                  static_cast<std::uint32_t>(urls->number(10))});
    }
    if (urls->number(9) == 0) {
      records.push_back(UrlDone{url, static_cast<Outcome>(urls->number(8)), urls->number(11) != 0});
    }
  }
  if (code != SQLITE_DONE) return state_->database.error("reading addresses");
  Result<Statement> contents = state_->database.prepare("SELECT host, high, low FROM content");
  if (!contents.ok()) return contents.error();
  while ((code = contents->step()) == SQLITE_ROW) {
    if (contents->number(0) < 0 || contents->number(0) >= host_count) continue;
    records.push_back(ContentSeen{static_cast<HostId>(contents->number(0)),
                                  {static_cast<std::uint64_t>(contents->number(1)),
                                   static_cast<std::uint64_t>(contents->number(2))}});
  }
  if (code != SQLITE_DONE) return state_->database.error("reading contents");
  return records;
}

void Journal::append(const Records& records) {
  state_->pending.insert(state_->pending.end(), records.begin(), records.end());
}

std::size_t Journal::pending() const {
  return state_->pending.size();
}

Status Journal::commit() {
  State& state = *state_;
  if (state.pending.empty()) return {};
  if (state.begin.step() != SQLITE_DONE) return state.database.error("beginning a group");
  for (const Record& record : state.pending) {
    const int code = std::visit([&](const auto& r) { return state.write(r); }, record);
    if (code != SQLITE_DONE) {
      const Error error = state.database.error("writing a group");
      state.rollback.step();
      return error;
    }
  }
  if (state.commit.step() != SQLITE_DONE) {
    const Error error = state.database.error("committing a group");
    state.rollback.step();
    return error;
  }
  state.pending.clear();
  return {};
}

}  // namespace bourse::crawler
