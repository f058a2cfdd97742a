// bourse-crawl-worker STAGE: the executor that hosts a stage of the crawler. Started by an agent
// for each task; see executors/batch/batch_executor.hpp for what happens between the two.
#include <malloc.h>

#include <cstdio>
#include <string>

#include "examples/crawler/stages/extract_stage.hpp"
#include "examples/crawler/stages/fetch_stage.hpp"
#include "examples/crawler/stages/limits.hpp"
#include "examples/crawler/stages/store_stage.hpp"
#include "executors/batch/batch_executor.hpp"

namespace {

using namespace bourse;
using namespace bourse::crawler;

template <typename Stage>
int run(batch::StreamLimits limits) {
  return batch::run_batch_executor(
      [](const batch::WorkerContext& context) -> Result<std::unique_ptr<batch::WorkHandler>> {
        if constexpr (std::is_constructible_v<Stage, runtime::Loop&, std::string>) {
          return std::unique_ptr<batch::WorkHandler>(
              std::make_unique<Stage>(context.loop, context.task.id));
        } else {
          return std::unique_ptr<batch::WorkHandler>(std::make_unique<Stage>(context.loop));
        }
      },
      limits, batch::BatchLife::while_it_has_a_task);
}

}  // namespace

int main(int argc, char** argv) {
  // Pages come and go by the thousand. Memory that goes back to the kernel after each of them comes
  // again page by page, cleared; the windows of the streams bound what is kept.
  mallopt(M_MMAP_THRESHOLD, 8 << 20);
  mallopt(M_TRIM_THRESHOLD, 64 << 20);
  const std::string stage = argc == 2 ? argv[1] : "";
  if (stage == "fetch") return run<FetchStage>(fetch_limits());
  if (stage == "extract") return run<ExtractStage>(extract_limits());
  if (stage == "store") return run<StoreStage>(store_limits());
  std::fprintf(stderr, "usage: bourse-crawl-worker fetch|extract|store (started by an agent)\n");
  return 2;
}
