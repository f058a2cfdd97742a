// Where a master's registry may stand, for a command that reads it whole or replaces it: a SQLite
// file of a master's work directory, the nodes of an ensemble, or an export. Reading changes
// nothing and takes no leadership. Main thread; errors are sentences for a person.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "cli/ensemble.hpp"
#include "coordination/core/record.hpp"
#include "model/registry_command.hpp"

namespace bourse::cli {

// What was found, and what is wrong with it: a sentence each, naming the file or znode.
struct StoredRegistry {
  std::string name;  // of the place, for people
  Registry registry;
  std::vector<std::string> problems;
};

// -- a file

// "DIR" means DIR/registry.db.
std::string registry_file(const std::string& place);
// Of a SQLite file or an export. conflict: a master runs on it.
Result<StoredRegistry> read_registry_file(const std::string& place);
// The registry's epoch is raised above that of both. Gives it as stored.
Result<Registry> write_registry_file(const std::string& place, Registry registry, bool replace);

// -- an ensemble

// A node as it was read; version -1: it is not there.
struct ReadNode {
  std::int32_t version = -1;
  std::string data = {};

  bool operator==(const ReadNode&) const = default;
};

// Everything below PATH.bourse at one moment, undecoded.
struct EnsembleNodes {
  ReadNode epoch;
  ReadNode description;
  std::map<std::string, ReadNode> shards;  // by the node's name

  bool empty() const { return epoch.version < 0 && description.version < 0 && shards.empty(); }
  bool operator==(const EnsembleNodes&) const = default;
};

Result<EnsembleNodes> read_nodes(Ensemble& ensemble);
// Pure.
StoredRegistry judge_nodes(const EnsembleNodes& nodes, const std::string& path);
Result<Registry> write_ensemble(Ensemble& ensemble, Registry registry, bool replace);

// -- both

// Above what the export and the target have seen.
Epoch raised_epoch(Epoch exported, Epoch present);

}  // namespace bourse::cli
