#include "master/shell/local_registry.hpp"

#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "proto/codec/records.hpp"
#include "runtime/log.hpp"

namespace bourse::master {

namespace {

// The file is written anew once its log is this much longer than what it says, or twice as long:
// much is written anew only once as much has been written, a constant share of each write.
constexpr std::size_t kCompactSurplus = 1'000;

}  // namespace

Status LocalRegistry::start(runtime::Loop& loop, RegistryHandlers handlers) {
  auto opened = runtime::RecordStore::open(loop, path_);
  if (!opened.ok()) return opened.error();
  for (const std::string& bytes : opened->records) {
    auto command = codec::decode_registry_command(bytes);
    if (!command.ok()) {
      return Error{command.error().code, "registry '" + path_ + "': " + command.error().message};
    }
    if (const Status applied = bourse::apply(stored_, command.value()); !applied.ok()) {
      return Error{ErrorCode::corrupt, "registry '" + path_ + "': " + applied.error().message};
    }
  }
  store_ = std::move(opened->store);
  records_ = opened->records.size();
  compact_if_due();
  loop.post([registry = stored_, lead = std::move(handlers.on_lead)]() mutable {
    lead(std::move(registry), Epoch{});
  });
  return {};
}

void LocalRegistry::store(const RegistryCommand& command, Stored stored) {
  if (gathering_) {
    waiting_.emplace_back(command, std::move(stored));
  } else {
    append(command, std::move(stored));
  }
}

void LocalRegistry::append(const RegistryCommand& command, Stored stored) {
  std::vector<std::string> batch;
  batch.push_back(codec::encode_registry_command(command));
  under_way_.push_back(command);
  store_->append(std::move(batch),
                 [this, stored = std::move(stored)](const runtime::WriteResult& result) mutable {
                   on_written(result, stored);
                 });
}

// Answers come in the order of the writes.
void LocalRegistry::on_written(const runtime::WriteResult& result, Stored& stored) {
  const RegistryCommand command = std::move(under_way_.front());
  under_way_.pop_front();
  if (result.outcome == runtime::WriteOutcome::stored) {
    const Status applied = bourse::apply(stored_, command);
    ASSERT(applied.ok());  // the core checked it against the same state
    ++records_;
  }
  stored(result);
  compact_if_due();
}

// What is under way may be rejected, so it can be neither in the new file nor left out of it: till
// nothing is, what comes next waits.
void LocalRegistry::compact_if_due() {
  if (records_ < compact_at_) return;
  gathering_ = !under_way_.empty();
  if (gathering_) return;
  const std::vector<RegistryCommand> shortest = snapshot(stored_);
  compact_at_ = shortest.size() + std::max(shortest.size(), kCompactSurplus);
  if (records_ >= compact_at_) compact(shortest);
  for (auto& [command, stored] : std::exchange(waiting_, {})) append(command, std::move(stored));
}

void LocalRegistry::compact(const std::vector<RegistryCommand>& shortest) {
  std::vector<std::string> out;
  out.reserve(shortest.size());
  for (const RegistryCommand& command : shortest) {
    out.push_back(codec::encode_registry_command(command));
  }
  records_ = out.size();
  store_->compact(std::move(out), [](const runtime::WriteResult& result) {
    if (result.outcome == runtime::WriteOutcome::rejected) {
      runtime::log_warning("registry not compacted", {{"reason", result.status.error().message}});
    }
  });
}

}  // namespace bourse::master
