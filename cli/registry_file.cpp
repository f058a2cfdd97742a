// A registry in a file: SQLite or an export.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>

#include "cli/registry_store.hpp"
#include "proto/codec/records.hpp"
#include "proto/codec/registry_export.hpp"
#include "runtime/record_store.hpp"

namespace bourse::cli {

namespace {

constexpr std::string_view kSqliteMagic = "SQLite format 3";

Result<std::string> read_whole(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string out((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (!in.good() && !in.eof()) return Error{ErrorCode::io, path + ": cannot be read"};
  return out;
}

bool is_database(const std::string& path) {
  if (path.ends_with(".db")) return true;
  std::ifstream in(path, std::ios::binary);
  std::string head(kSqliteMagic.size(), '\0');
  in.read(head.data(), static_cast<std::streamsize>(head.size()));
  return head == kSqliteMagic;
}

Error in_use(const std::string& path, const Error& error) {
  if (error.code != ErrorCode::conflict) return error;
  return {error.code, path + ": another process uses it: stop the master that runs on it first"};
}

// Folds records; the first that does not fit ends the fold.
Registry fold(const std::string& path, const std::vector<std::string>& records,
              std::vector<std::string>& problems) {
  Registry registry;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const std::string at =
        path + ": record " + std::to_string(i + 1) + " of " + std::to_string(records.size()) + ": ";
    const auto command = codec::decode_registry_command(records[i]);
    if (!command.ok()) {
      problems.push_back(at + command.error().message);
    } else if (const Status applied = apply(registry, *command); !applied.ok()) {
      problems.push_back(at + applied.error().message);
    }
  }
  if (problems.empty() && registry.cluster_id.empty()) {
    problems.push_back(path + ": holds no registry: no master has led with it");
  }
  return registry;
}

}  // namespace

std::string registry_file(const std::string& place) {
  std::error_code ignored;
  return std::filesystem::is_directory(place, ignored) ? place + "/registry.db" : place;
}

Result<StoredRegistry> read_registry_file(const std::string& place) {
  const std::string path = registry_file(place);
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) {
    return Error{ErrorCode::not_found,
                 path +
                     ": there is no such file: give a master's work directory, its registry.db, "
                     "an export, or zk://host:port/path"};
  }
  StoredRegistry out{path, {}, {}};
  if (is_database(path)) {
    runtime::Loop loop;
    const auto opened = runtime::RecordStore::open(loop, path);
    if (!opened.ok() && opened.error().code != ErrorCode::corrupt) {
      return in_use(path, opened.error());
    }
    if (!opened.ok()) {
      out.problems.push_back(opened.error().message);
      return out;
    }
    out.registry = fold(path, opened->records, out.problems);
    return out;
  }
  const auto text = read_whole(path);
  if (!text.ok()) return text.error();
  auto registry = codec::read_registry_export(*text);
  if (registry.ok()) {
    out.registry = std::move(registry).value();
  } else {
    out.problems.push_back(path + ": " + registry.error().message);
  }
  return out;
}

Result<Registry> write_registry_file(const std::string& place, Registry registry, bool replace) {
  const std::string path = registry_file(place);
  runtime::Loop loop;
  auto opened = runtime::RecordStore::open(loop, path);
  if (!opened.ok() && opened.error().code == ErrorCode::corrupt) {
    return Error{ErrorCode::corrupt, opened.error().message +
                                         ", or move it and what lies beside it away and import "
                                         "again"};
  }
  if (!opened.ok()) return in_use(path, opened.error());
  std::vector<std::string> problems;
  const Registry present = fold(path, opened->records, problems);
  if (!opened->records.empty() && !replace) {
    return Error{ErrorCode::conflict, path + ": holds a registry already (" +
                                          codec::describe_counts(present) + " of cluster " +
                                          present.cluster_id + "): --replace takes its place"};
  }
  registry.epoch = raised_epoch(registry.epoch, present.epoch);
  std::vector<std::string> records;
  for (const RegistryCommand& command : snapshot(registry)) {
    records.push_back(codec::encode_registry_command(command));
  }
  std::optional<Status> stored;
  opened->store->compact(std::move(records), [&](const runtime::WriteResult& result) {
    stored = result.status;
    loop.stop();
  });
  while (!stored) loop.run();
  if (!stored->ok()) return stored->error();
  return registry;
}

Epoch raised_epoch(Epoch exported, Epoch present) {
  return std::max(exported, present) + codec::kImportEpochRaise;
}

}  // namespace bourse::cli
