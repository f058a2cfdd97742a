#include "runtime/record_store.hpp"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>

#include "base/assert.hpp"
#include "runtime/record_file.hpp"

namespace bourse::runtime {
namespace {

constexpr int kCheckpointWhenIdle = 1000;  // pages: 4 MiB
constexpr int kCheckpointAlways = 16000;

}  // namespace

struct QueuedWrite {
  std::vector<std::string> records;
  bool replace_all = false;
  RecordStore::Completion done;
  std::size_t bytes = 0;
  std::optional<WriteResult> decided;  // refused when it was submitted; waits for its turn only
};

struct FinishedWrite {
  RecordStore::Completion done;
  WriteResult result;
  std::size_t bytes = 0;
};

struct RecordStore::Impl {
  Impl(Loop& loop_arg, RecordStoreOptions options_arg)
      : loop(loop_arg.ref()), options(options_arg) {}

  ~Impl() {
    *alive = false;
    {
      const std::lock_guard lock(mutex);
      stopping = true;
    }
    wake.notify_one();
    if (worker.joinable()) worker.join();
  }

  void submit(QueuedWrite job);
  void work();
  std::deque<QueuedWrite> take_group();
  void finish(std::deque<QueuedWrite> group);
  WriteResult commit(const std::vector<QueuedWrite*>& jobs);
  void report(std::vector<FinishedWrite> finished);

  const LoopRef loop;
  const RecordStoreOptions options;
  std::shared_ptr<bool> alive = std::make_shared<bool>(true);  // loop thread only
  std::size_t pending_bytes = 0;                               // loop thread only

  std::mutex mutex;  // guards queue and stopping
  std::condition_variable wake;
  std::deque<QueuedWrite> queue;
  bool stopping = false;

  std::atomic<std::uint64_t> durable_waits{0};
  std::atomic<std::uint64_t> stored_batches{0};
  std::atomic<std::uint64_t> stored_records{0};
  std::atomic<bool> failed{false};
  std::unique_ptr<RecordFile> file;  // the worker's, once it runs
  std::thread worker;
};

void RecordStore::Impl::submit(QueuedWrite job) {
  for (const std::string& record : job.records) {
    job.bytes += record.size() + sizeof(std::string);
    if (record.size() > options.max_record_bytes) {
      job.decided =
          WriteResult{WriteOutcome::rejected,
                      Error{ErrorCode::too_large,
                            "a record of " + std::to_string(record.size()) + " bytes; at most " +
                                std::to_string(options.max_record_bytes) + " can be stored"}};
    }
  }
  if (!job.decided && job.bytes + pending_bytes > options.max_pending_bytes) {
    job.decided =
        WriteResult{WriteOutcome::rejected,
                    Error{ErrorCode::full, "the disk is behind: " + std::to_string(pending_bytes) +
                                               " bytes wait to be stored, at most " +
                                               std::to_string(options.max_pending_bytes) + " may"}};
  }
  if (job.decided) {
    job.records.clear();
    job.bytes = 0;
  }
  pending_bytes += job.bytes;
  {
    const std::lock_guard lock(mutex);
    queue.push_back(std::move(job));
  }
  wake.notify_one();
}

std::deque<QueuedWrite> RecordStore::Impl::take_group() {
  std::unique_lock lock(mutex);
  if (queue.empty() && file->log_pages() >= kCheckpointWhenIdle) {
    lock.unlock();
    file->checkpoint();
    lock.lock();
  }
  wake.wait(lock, [this] { return stopping || !queue.empty(); });
  std::deque<QueuedWrite> group;
  std::size_t records = 0;
  while (!queue.empty() &&
         (group.empty() || records + queue.front().records.size() <= options.max_group_records)) {
    records += queue.front().records.size();
    group.push_back(std::move(queue.front()));
    queue.pop_front();
  }
  return group;
}

void RecordStore::Impl::work() {
  while (true) {
    std::deque<QueuedWrite> group = take_group();
    if (group.empty()) return;  // stopping, and everything submitted is done
    finish(std::move(group));
    if (file->log_pages() >= kCheckpointAlways) file->checkpoint();
  }
}

WriteResult RecordStore::Impl::commit(const std::vector<QueuedWrite*>& jobs) {
  if (failed.load()) {
    return {WriteOutcome::unknown,
            Error{ErrorCode::io, "the store failed before and takes nothing more"}};
  }
  std::vector<RecordFile::Batch> batches;
  for (const QueuedWrite* job : jobs) batches.push_back({&job->records, job->replace_all});
  ++durable_waits;
  WriteResult result = file->commit(batches);
  if (result.outcome == WriteOutcome::unknown) failed.store(true);
  if (result.outcome == WriteOutcome::stored) {
    for (const QueuedWrite* job : jobs) {
      ++stored_batches;
      stored_records += job->records.size();
    }
  }
  return result;
}

void RecordStore::Impl::finish(std::deque<QueuedWrite> group) {
  std::vector<QueuedWrite*> writes;
  for (QueuedWrite& job : group) {
    if (!job.decided && (job.replace_all || !job.records.empty())) writes.push_back(&job);
  }
  if (!writes.empty()) {
    const WriteResult together = commit(writes);
    for (QueuedWrite* job : writes) {
      // One batch that does not fit must not take its neighbours with it.
      const bool alone = writes.size() > 1 && together.outcome == WriteOutcome::rejected;
      job->decided = alone ? commit({job}) : together;
    }
  }
  std::vector<FinishedWrite> finished;
  for (QueuedWrite& job : group) {
    WriteResult result = job.decided ? std::move(*job.decided) : WriteResult{};
    finished.push_back({std::move(job.done), std::move(result), job.bytes});
  }
  report(std::move(finished));
}

void RecordStore::Impl::report(std::vector<FinishedWrite> finished) {
  loop.post([this, token = alive, finished = std::move(finished)]() mutable {
    for (FinishedWrite& one : finished) {
      if (!*token) return;  // a completion may have destroyed the store
      pending_bytes -= one.bytes;
      if (one.done) one.done(one.result);
    }
  });
}

RecordStore::RecordStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RecordStore::~RecordStore() = default;

Result<RecordStore::Opened> RecordStore::open(Loop& loop, const std::string& path,
                                              RecordStoreOptions options) {
  Opened opened;
  auto file = RecordFile::open(path, options.vfs, opened.records);
  if (!file.ok()) return file.error();
  auto impl = std::make_unique<Impl>(loop, options);
  impl->file = std::move(file).value();
  impl->worker = std::thread([raw = impl.get()] { raw->work(); });
  opened.store.reset(new RecordStore(std::move(impl)));
  return opened;
}

void RecordStore::append(std::vector<std::string> batch, Completion done) {
  QueuedWrite job;
  job.records = std::move(batch);
  job.done = std::move(done);
  impl_->submit(std::move(job));
}

void RecordStore::compact(std::vector<std::string> snapshot, Completion done) {
  QueuedWrite job;
  job.records = std::move(snapshot);
  job.replace_all = true;
  job.done = std::move(done);
  impl_->submit(std::move(job));
}

RecordStoreStats RecordStore::stats() const {
  RecordStoreStats stats;
  stats.durable_waits = impl_->durable_waits.load();
  stats.batches = impl_->stored_batches.load();
  stats.records = impl_->stored_records.load();
  stats.pending_bytes = impl_->pending_bytes;
  stats.failed = impl_->failed.load();
  return stats;
}

}  // namespace bourse::runtime
