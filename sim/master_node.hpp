// MasterNode: the real MasterCore on a modelled disk and modelled links. One owner, one thread.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "master/core/master_core.hpp"
#include "sim/disk.hpp"
#include "sim/env.hpp"
#include "sim/wire.hpp"

namespace bourse::sim {

class MasterNode {
 public:
  MasterNode(Env& env, Hub& hub);

  void start();
  void crash();
  void crash_and_return(Duration away);
  bool up() const { return core_ != nullptr; }
  const master::MasterCore& core() const { return *core_; }

 private:
  void on_bytes(PeerId peer, Hub::Kind kind, std::string_view bytes);
  template <typename Body>
  void step(Body body);
  void perform(master::Effect& effect);
  void persist(master::Persist& write);
  void arm();
  void check_old_instance(const master::Event& event, PeerId current,
                          const master::Effects& effects);
  void plant_leak(const master::Event& event);

  Env& env_;
  Hub& hub_;
  Disk disk_;
  std::unique_ptr<master::MasterCore> core_;
  std::uint64_t life_ = 0;
  Instant armed_ = Instant::max();
};

}  // namespace bourse::sim
