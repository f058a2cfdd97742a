#include "sim/service_judge.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "proto/codec/service_entries.hpp"
#include "sim/judge.hpp"

namespace bourse::sim {

namespace {

// More than this at once hardly ever happens, and is judged as if stored in the order of issue.
constexpr std::size_t kMostBooks = 64;

// Each book, and each with this write.
void with_and_without(std::vector<service::Book>& books, const ServiceJudge::Commands& commands) {
  for (std::size_t i = books.size(); i-- > 0 && books.size() < kMostBooks;) {
    service::Book with = books[i];
    const bool fits = std::all_of(commands.begin(), commands.end(), [&](const auto& command) {
      return service::apply(with, command).ok();
    });
    if (fits) books.push_back(std::move(with));
  }
}

}  // namespace

std::uint64_t ServiceJudge::loaded(const service::Book& book, bool shards) {
  // Of each entry: what was stored, or one of the values that the leader before had under way.
  // Transactions over different shards are stored or not each by itself.
  std::map<std::string, std::set<std::string>> allowed;
  const auto allow = [&](const service::Book& stored) {
    for (auto& [key, value] : codec::encode_service_book(stored)) allowed[key].insert(value);
  };
  const auto had = codec::encode_service_book(book_);
  std::map<std::string, std::string> stored(had.begin(), had.end());
  allow(book_);
  std::vector<service::Book> books = {book_};
  std::set<std::string> may_go;
  for (; !under_way_.empty(); under_way_.pop_front()) {
    const Write& write = under_way_.front();
    if (write.refused) continue;
    if (shards) with_and_without(books, write.commands);
    for (const auto& [key, value] : codec::apply_service_commands(book_, write.commands)) {
      if (!value) may_go.insert(key);
    }
    allow(book_);
  }
  for (const service::Book& one : books) allow(one);
  for (const auto& [key, value] : codec::encode_service_book(book)) {
    stored.erase(key);
    if (allowed.contains(key) && allowed[key].contains(value)) continue;
    judge_.violate("S5", "a service scheduler begins with '" + key + "' as nobody stored it");
  }
  for (const auto& [key, value] : stored) {
    if (may_go.contains(key)) continue;
    judge_.violate("S5", "a service scheduler begins without '" + key + "', which was stored");
  }
  book_ = book;
  return ++leader_;
}

void ServiceJudge::issued(std::uint64_t leader, Commands commands) {
  if (leader == leader_) under_way_.push_back({std::move(commands)});
}

void ServiceJudge::decided(bool stored) {
  const auto write = std::find_if(under_way_.begin(), under_way_.end(),
                                  [](const Write& one) { return !one.decided; });
  if (write == under_way_.end()) return;
  write->decided = true;
  write->refused = !stored;
}

void ServiceJudge::told(std::uint64_t leader, const Status& status) {
  if (leader != leader_) return;
  const Commands commands = std::move(under_way_.front().commands);
  under_way_.pop_front();
  if (status.ok()) apply(commands);
}

void ServiceJudge::apply(const Commands& commands) {
  for (const ServiceCommand& command : commands) {
    if (const Status applied = service::apply(book_, command); !applied.ok()) {
      judge_.violate("S5", "a service scheduler's write does not fit: " + applied.error().message);
    }
  }
}

// Wanted: of the present version, and no more of them are recorded than are defined.
void ServiceJudge::kills(const TaskId& task) {
  service::InstanceName name;
  if (!service::parse_task_id(task.raw(), name)) return;
  const auto it = book_.apps.find(name.app);
  if (it == book_.apps.end() || it->second.removing) return;
  const service::AppRecord& app = it->second;
  if (app.incarnation != name.incarnation || name.version < app.current.task_version) return;
  if (!app.instances.contains(name.number)) return;
  if (app.instances.size() > app.current.definition.policy.instances) return;
  judge_.violate("O6", task.raw() + " is ended by its scheduler, and is wanted");
}

std::string ServiceJudge::missing() const {
  std::map<AppId, std::uint32_t> right;
  for (const FrameworkId& framework : frameworks_) {
    for (const TaskId& task : judge_.running_of(framework)) {
      service::InstanceName name;
      if (!service::parse_task_id(task.raw(), name)) continue;
      const auto it = book_.apps.find(name.app);
      const bool wanted = it != book_.apps.end() && !it->second.removing &&
                          it->second.incarnation == name.incarnation &&
                          it->second.current.task_version == name.version;
      if (!wanted) return task.raw() + " runs and is not defined any more";
      ++right[name.app];
    }
  }
  for (const auto& [id, app] : book_.apps) {
    const std::uint32_t wanted = app.removing ? 0 : app.current.definition.policy.instances;
    if (right[id] == wanted) continue;
    return "of " + id.raw() + " run " + std::to_string(right[id]) + " of " + std::to_string(wanted);
  }
  return {};
}

}  // namespace bourse::sim
