// LocalRegistry: the registry in a SQLite file of the master's work directory, for a cluster with
// one master. Leads as soon as the file is read.
#pragma once

#include <memory>
#include <string>

#include "master/shell/registry_backend.hpp"

namespace bourse::master {

class LocalRegistry final : public RegistryBackend {
 public:
  explicit LocalRegistry(std::string path) : path_(std::move(path)) {}

  Status start(runtime::Loop& loop, RegistryHandlers handlers) override;
  void announce(std::string) override {}
  void store(const RegistryCommand& command, Stored stored) override;
  bool may_act(Instant) const override { return true; }

 private:
  void compact(const Registry& registry, std::size_t records);

  std::string path_;
  std::unique_ptr<runtime::RecordStore> store_;
};

}  // namespace bourse::master
