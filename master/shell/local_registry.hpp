// LocalRegistry: the registry in a SQLite file of the master's work directory, for a cluster with
// one master. Leads as soon as the file is read. The file is a log of commands; now and then it is
// written anew, so that it is bounded by what there is and not by what ever happened.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

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
  void append(const RegistryCommand& command, Stored stored);
  void on_written(const runtime::WriteResult& result, Stored& stored);
  void compact_if_due();
  void compact(const std::vector<RegistryCommand>& shortest);

  std::string path_;
  std::unique_ptr<runtime::RecordStore> store_;
  Registry stored_;
  std::deque<RegistryCommand> under_way_;
  std::size_t records_ = 0;     // in the file
  std::size_t compact_at_ = 0;  // worth asking how few would do
  bool gathering_ = false;      // the file is written anew when nothing is under way
  std::deque<std::pair<RegistryCommand, Stored>> waiting_;
};

}  // namespace bourse::master
