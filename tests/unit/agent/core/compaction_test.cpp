#include "agent/core/compaction.hpp"

#include "harness.hpp"

using namespace bourse;
using namespace bourse::agent;
using bourse::agent::test::World;

namespace {

// A disk as the shell keeps it.
struct Kept {
  World w;
  Compaction compaction;
  std::size_t seen = 0;
  std::size_t most = 0;
  int rewritten = 0;

  void look() {
    compaction.wrote(w.disk.size() - seen);
    most = std::max(most, w.disk.size());
    if (compaction.due()) {
      auto live = w.core->snapshot();
      if (compaction.pays(live.size())) {
        w.disk = std::move(live);
        ++rewritten;
      }
    }
    seen = w.disk.size();
    w.done.clear();
    w.notes.clear();
  }
  void run_to_its_end(const char* id) {
    w.run_command(id);
    w.exited(id, 0);
    w.acknowledge(w.update());
    look();
  }
};

}  // namespace

TEST_CASE("what an agent reads at its start is bounded by what lives, not by what it ever ran") {
  Kept kept;
  kept.w.boot_and_register();
  for (int i = 0; i < 5'000; ++i) kept.run_to_its_end(("t" + std::to_string(i)).c_str());
  CHECK(kept.rewritten > 0);
  CHECK(kept.most < Compaction::kLeastRecords + 100);
  kept.w.crash();
  kept.w.start();
  const AgentState& state = kept.w.core->state();
  CHECK(state.tasks.empty());
  CHECK(state.executors.empty());
  CHECK(state.frameworks.empty());
  CHECK(kept.w.core->snapshot().size() == 2);  // who it is, and which life this is
}

TEST_CASE("a checkpoint of much that lives is written anew as well, once it has doubled") {
  Compaction compaction;
  const std::uint64_t live = 3 * Compaction::kLeastRecords;
  std::uint64_t on_disk = live;
  std::uint64_t most = 0;
  std::uint64_t rewritten = 0;
  for (int i = 0; i < 1'000'000; ++i) {
    compaction.wrote(1);
    most = std::max(most, ++on_disk);
    if (!compaction.due() || !compaction.pays(live)) continue;
    on_disk = live;
    ++rewritten;
  }
  CHECK(most == 2 * live);
  CHECK(rewritten == 1'000'000 / live);
}
