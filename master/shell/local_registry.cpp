#include "master/shell/local_registry.hpp"

#include "proto/codec/records.hpp"
#include "runtime/log.hpp"

namespace bourse::master {

namespace {

// The file is rewritten at start once its log is this much longer than what it says.
constexpr std::size_t kCompactSurplus = 1'000;

}  // namespace

Status LocalRegistry::start(runtime::Loop& loop, RegistryHandlers handlers) {
  auto opened = runtime::RecordStore::open(loop, path_);
  if (!opened.ok()) return opened.error();
  Registry registry;
  for (const std::string& bytes : opened->records) {
    auto command = codec::decode_registry_command(bytes);
    if (!command.ok()) {
      return Error{command.error().code, "registry '" + path_ + "': " + command.error().message};
    }
    if (const Status applied = bourse::apply(registry, command.value()); !applied.ok()) {
      return Error{ErrorCode::corrupt, "registry '" + path_ + "': " + applied.error().message};
    }
  }
  store_ = std::move(opened->store);
  compact(registry, opened->records.size());
  loop.post([registry = std::move(registry), lead = std::move(handlers.on_lead)]() mutable {
    lead(std::move(registry), Epoch{});
  });
  return {};
}

void LocalRegistry::compact(const Registry& registry, std::size_t records) {
  const std::vector<RegistryCommand> shortest = snapshot(registry);
  if (records < shortest.size() + kCompactSurplus) return;
  std::vector<std::string> out;
  for (const RegistryCommand& command : shortest) {
    out.push_back(codec::encode_registry_command(command));
  }
  store_->compact(std::move(out), [](const runtime::WriteResult& result) {
    if (result.outcome == runtime::WriteOutcome::rejected) {
      runtime::log_warning("registry not compacted", {{"reason", result.status.error().message}});
    }
  });
}

void LocalRegistry::store(const RegistryCommand& command, Stored stored) {
  std::vector<std::string> batch;
  batch.push_back(codec::encode_registry_command(command));
  store_->append(std::move(batch), std::move(stored));
}

}  // namespace bourse::master
