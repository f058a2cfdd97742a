// AppOwner: whoever defines the apps of a simulated service scheduler, changes them under faults
// and takes them away in the end. Owned by the World; one thread.
#pragma once

#include <memory>
#include <vector>

#include "base/prng.hpp"
#include "sim/env.hpp"
#include "sim/service_node.hpp"

namespace bourse::sim {

class AppOwner {
 public:
  AppOwner(Env& env, const std::vector<std::unique_ptr<ServiceNode>>& schedulers)
      : env_(env), schedulers_(schedulers) {}

  // Defines each app, and again whenever it is gone, until remove_all.
  void start();
  // Something about one of them, asked once.
  void change(Prng& dice);
  void remove_all();
  // What is not defined as it should be; empty: nothing.
  std::string missing() const;

 private:
  void look_around();
  void ask(service::AppChange change);
  service::AppDefinition definition_of(std::size_t app) const;

  Env& env_;
  const std::vector<std::unique_ptr<ServiceNode>>& schedulers_;
  bool removing_ = false;
};

}  // namespace bourse::sim
