// RegistryJudge: sees each transaction that the modelled ensemble commits and each answer that a
// master is given, and says when the registry's promises break: S3 (one writer an epoch, epochs
// grow, one leader acts), S4 (nothing is written by an epoch that is over), S5 (no write is lost,
// invented or reordered). Owned by the Judge; one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "coordination/core/effect.hpp"
#include "model/ids.hpp"
#include "sim/zookeeper_model.hpp"

namespace bourse::sim {

class Judge;

class RegistryJudge {
 public:
  using Changes = std::vector<std::pair<std::string, std::optional<std::string>>>;

  explicit RegistryJudge(Judge& judge) : judge_(judge) {}

  // -- at the ensemble
  void committed(const ZooKeeperModel::Commit& commit);
  // Somebody ended this session or removed its node by hand: its owner may act until it hears.
  void excuse(std::uint64_t session) { excused_.insert(session); }

  // -- at the masters
  void loaded(const coordination::BecameLeader& won);
  // The number of this write.
  std::uint64_t issued(Epoch epoch, const Changes& changes);
  void told(Epoch epoch, std::uint64_t write, const Changes& changes);
  // A leader decides, and its lease says that it may.
  void acts(Epoch epoch);
  Epoch latest() const { return latest_; }

 private:
  using Value = std::optional<std::string>;
  struct Issue {
    std::uint64_t write = 0;
    Value value;
  };

  void took(const ZooKeeperModel::Commit& commit, const std::string& path,
            const std::string& bytes);
  void wrote(const ZooKeeperModel::Commit& commit, const std::string& path,
             const std::string& bytes);
  void changed(Epoch epoch, const std::string& key, const Value& value);

  Judge& judge_;
  Epoch latest_ = 0;
  std::map<Epoch, std::uint64_t> owners_;  // session that took it
  std::set<std::uint64_t> excused_;
  std::map<std::string, std::map<std::string, std::string>> shards_;  // by path
  std::map<std::string, std::string> entries_;
  std::map<std::pair<Epoch, std::string>, std::deque<Issue>> issued_;  // not committed yet
  std::uint64_t writes_ = 0;
  std::set<Epoch> leaders_;
};

}  // namespace bourse::sim
