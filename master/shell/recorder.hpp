// Recorder: writes down what a leading master's core is given, so that it can be replayed. The
// core's thread hands each event over once it is done with it; a thread of the recorder's own does
// the rest (master/record/scribe.hpp) and writes it out some times a second. The master never waits
// for it: a recorder that falls too far behind, or whose disk fails, stops with a sentence in the
// log and a metric, and the master goes on.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "master/core/master_core.hpp"
#include "master/record/scribe.hpp"
#include "master/shell/recording_files.hpp"
#include "runtime/daemon.hpp"

namespace bourse::master {

// Less would not hold a state and what follows it.
inline constexpr std::uint64_t kLeastRecorderBytes = 1u << 20;

struct RecorderOptions {
  std::string directory;
  std::uint64_t most_bytes = 1u << 30;
  std::string build;
};

struct RecorderStats {
  bool running = false;
  std::uint64_t events = 0;  // written
  std::uint64_t bytes = 0;   // of all segments there are
  std::uint64_t segments = 0;
  std::uint64_t marks = 0;  // fingerprints of the leader that the shadow had too
  std::uint64_t waiting = 0;
};

class Recorder {
 public:
  static Result<std::unique_ptr<Recorder>> open(RecorderOptions options);
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  // -- the core's thread
  // This master leads from now on, with a core made of this; the next event is its first.
  void begin(const MasterConfig& config);
  void take(Event&& event);
  // What was taken is handed over; now and then with the core's fingerprint.
  void flush(const MasterCore& core);

  // Writes what there is to write and ends. The core's thread has ended.
  void stop(const std::string& reason);
  // Any thread.
  RecorderStats stats() const;

 private:
  struct Fingerprint {
    std::uint64_t value = 0;
  };
  using Item = std::variant<Event, Fingerprint>;

  Recorder(RecorderOptions options, RecordingFiles files, runtime::PidFile pid_file);
  void run();
  void work_off(std::vector<Item>& items);
  Status work_off(Item& item);
  Status write_out();
  void fail(const std::string& reason);
  void end_scribe(const std::string& reason);

  const RecorderOptions options_;
  runtime::PidFile pid_file_;
  std::thread thread_;

  // The core's thread.
  std::vector<Item> taken_;
  std::size_t taken_bytes_ = 0;
  std::uint64_t events_to_mark_ = 0;

  // The recorder's thread, once it runs.
  RecordingFiles files_;
  std::uint64_t run_ = 0;
  std::unique_ptr<Scribe> scribe_;
  std::size_t pending_bytes_ = 0;
  bool gap_ = false;  // something was not written: an end after it would tell of events not there

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Item> queue_;      // guarded by mutex_, as are these
  std::size_t queue_bytes_ = 0;  // about
  bool stopping_ = false;
  std::string stop_reason_;
  RecorderStats stats_;
  std::atomic<bool> dead_{false};  // nothing is taken any more
};

}  // namespace bourse::master
