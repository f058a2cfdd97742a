// CheckRunner: the loop around one check machine: one check of the container's task, if it asks for
// one. Touches the world through its prober, decides nothing. Owner: the shim; one thread.
#pragma once

#include "executors/core/check_machine.hpp"
#include "executors/shim/prober.hpp"

namespace bourse::shim {

class CheckRunner {
 public:
  CheckRunner(const isolation::LaunchRecord& record, const isolation::CheckSpec& spec, bool judges,
              const ContainerTree& tree);

  bool wanted() const { return spec_.kind != isolation::CheckSpec::Kind::none; }
  void begin(Instant now);
  void halt(Instant now);
  // Whatever is due.
  void turn(Instant now);
  pollfd polled() const { return prober_.wanted(); }
  void on_ready(Instant now);
  void on_reaped(Instant now, pid_t pid, std::int32_t wait_status);
  Instant next_deadline() const { return machine_.next_deadline(); }

  const executor::CheckMachine& machine() const { return machine_; }
  // Whether what the machine knows changed since this was asked last.
  bool take_news();
  // Whether the task is to be ended for it; true once.
  bool take_verdict();

 private:
  void step(Instant now, decltype(executor::CheckEvent::kind) kind);
  void ended(Instant now, const std::optional<Look>& look);

  const isolation::CheckSpec& spec_;
  const ContainerTree& tree_;
  executor::CheckMachine machine_;
  Prober prober_;
  bool news_ = false;
  bool verdict_ = false;
};

}  // namespace bourse::shim
