// Holdings: what an agent or framework holds, by the role that it is held in. Under the empty name
// stands what its agent could not say. Value; one owner.
#pragma once

#include <map>
#include <string>

#include "model/resources.hpp"

namespace bourse::master {

class Holdings {
 public:
  void add(const std::string& role, const Resources& resources) { by_role_[role].add(resources); }
  // As far as it is there.
  void take(const std::string& role, const Resources& resources) {
    const auto it = by_role_.find(role);
    if (it == by_role_.end()) return;
    it->second.subtract_up_to(resources);
    if (it->second.empty()) by_role_.erase(it);
  }
  bool empty() const { return by_role_.empty(); }
  const std::map<std::string, Resources>& by_role() const { return by_role_; }
  Resources all() const {
    Resources out;
    for (const auto& [role, resources] : by_role_) out.add(resources);
    return out;
  }

 private:
  std::map<std::string, Resources> by_role_;
};

}  // namespace bourse::master
