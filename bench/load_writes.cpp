// load-writes: durable writes, one kind a run, for durable_writes.py.
// Usage: load-writes floor|registry|checkpoint PATH IN_FLIGHT SECONDS, or with registry an ensemble
// (zk://...) instead of the path. Prints writes a second.
#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>

#include "master/shell/local_registry.hpp"
#include "master/shell/zookeeper_registry.hpp"
#include "proto/codec/records.hpp"
#include "runtime/clock.hpp"
#include "runtime/daemon.hpp"
#include "runtime/entropy.hpp"
#include "runtime/record_store.hpp"
#include "runtime/zookeeper_url.hpp"

namespace {

using namespace bourse;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kFloorBytes = 300;  // about what a record here has

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

int fail(const std::string& why) {
  std::fprintf(stderr, "load-writes: %s\n", why.c_str());
  return 1;
}

int tell(double writes, double seconds) {
  std::printf("%.1f\n", writes / seconds);
  return 0;
}

int run_floor(const std::string& path, double seconds) {
  const int fd = ::open(path.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return fail(path + " cannot be opened");
  const std::string bytes(kFloorBytes, 'x');
  double writes = 0;
  const auto begun = Clock::now();
  for (; seconds_since(begun) < seconds; ++writes) {
    if (::write(fd, bytes.data(), bytes.size()) < 0 || ::fdatasync(fd) != 0) {
      return fail(path + " cannot be written");
    }
  }
  const int told = tell(writes, seconds_since(begun));
  ::close(fd);
  return told;
}

// Keeps so many writes under way until the time is over.
class Pump {
 public:
  using Done = runtime::RecordStore::Completion;
  using Write = std::function<void(std::uint64_t number, Done done)>;

  Pump(runtime::Loop& loop, int in_flight, double seconds, Write write)
      : loop_(loop), in_flight_(in_flight), seconds_(seconds), write_(std::move(write)) {}

  void begin() {
    begun_ = Clock::now();
    for (int i = 0; i < in_flight_; ++i) next();
  }
  int tell_rate() const { return failed_ ? 1 : tell(static_cast<double>(stored_), took_); }

 private:
  void next() {
    write_(++issued_, [this](const runtime::WriteResult& result) {
      if (result.outcome != runtime::WriteOutcome::stored) {
        failed_ = fail(result.status.error().message) != 0;
        return loop_.stop();
      }
      ++stored_;
      took_ = seconds_since(begun_);
      if (took_ > seconds_) return loop_.stop();
      next();
    });
  }

  runtime::Loop& loop_;
  const int in_flight_;
  const double seconds_;
  Write write_;
  Clock::time_point begun_;
  std::uint64_t issued_ = 0;
  std::uint64_t stored_ = 0;
  double took_ = 0;
  bool failed_ = false;
};

RegistryCommand admission(std::uint64_t number) {
  registry::AdmitAgent out;
  out.agent.id = AgentId("0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9-1-S" + std::to_string(number));
  out.agent.hostname = "node-" + std::to_string(number) + ".example";
  out.agent.http = {out.agent.hostname, "127.0.0.1", 5051};
  out.agent.total = Resources::parse("cpus:16;mem:65536;disk:65536;ports:[31000-32000]").value();
  out.agent.version = "1";
  out.at = runtime::wall_now();
  return out;
}

int run_registry(const std::string& where, int in_flight, double seconds) {
  runtime::Loop loop;
  std::unique_ptr<master::RegistryBackend> registry;
  if (where.starts_with("zk://")) {
    auto url = runtime::parse_zookeeper_url(where);
    if (!url.ok()) return fail(url.error().message);
    runtime::ZookeeperOptions zookeeper;
    zookeeper.servers = url->servers;
    coordination::CoordinationConfig config;
    config.path = url->path;
    config.seed = runtime::random_u64();
    registry = std::make_unique<master::ZookeeperRegistry>(std::move(zookeeper), config);
  } else {
    registry = std::make_unique<master::LocalRegistry>(where);
  }
  registry->announce("{}");
  Pump pump(loop, in_flight, seconds, [&](std::uint64_t number, Pump::Done done) {
    registry->store(admission(number), std::move(done));
  });
  master::RegistryHandlers handlers;
  handlers.on_lead = [&](Registry, Epoch) { pump.begin(); };
  handlers.on_leader = [](const std::string&) {};
  handlers.on_end = [&](const std::string& why) {
    fail(why);
    loop.stop();
  };
  if (const Status started = registry->start(loop, std::move(handlers)); !started.ok()) {
    return fail(started.error().message);
  }
  loop.run();
  return pump.tell_rate();
}

// What an agent writes of one status update.
std::string checkpoint_record(std::uint64_t number) {
  checkpoint::UpdateStored record;
  record.framework_id = FrameworkId("0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9-1-0000");
  TaskStatus status;
  status.task_id = TaskId("t" + std::to_string(number));
  status.state = TaskState::running;
  status.source = StatusSource::executor;
  status.agent_id = AgentId("0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9-1-S123");
  status.executor_id = ExecutorId(status.task_id.raw());
  status.container_id = ContainerId("0e9a5d1c-6d7c-4f6e-9a55-2f6f4c9b7a10");
  status.uuid = make_uuid(1, number);
  status.timestamp = runtime::wall_now();
  record.status = std::move(status);
  return codec::encode_checkpoint_record(record);
}

int run_checkpoint(const std::string& path, int in_flight, double seconds) {
  runtime::Loop loop;
  auto opened = runtime::RecordStore::open(loop, path);
  if (!opened.ok()) return fail(opened.error().message);
  Pump pump(loop, in_flight, seconds, [&](std::uint64_t number, Pump::Done done) {
    opened->store->append({checkpoint_record(number)}, std::move(done));
  });
  loop.post([&] { pump.begin(); });
  loop.run();
  return pump.tell_rate();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return fail("usage: load-writes KIND WHERE IN_FLIGHT SECONDS");
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // never outlives the bench
  const std::string kind = argv[1];
  const int in_flight = std::atoi(argv[3]);
  const double seconds = std::atof(argv[4]);
  if (kind == "floor") return run_floor(argv[2], seconds);
  if (kind == "registry") return run_registry(argv[2], in_flight, seconds);
  if (kind == "checkpoint") return run_checkpoint(argv[2], in_flight, seconds);
  return fail("no such kind: " + kind);
}
