#include "agent/shell/sandbox_collector.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "agent/shell/container_spec.hpp"
#include "runtime/clock.hpp"
#include "runtime/log.hpp"

namespace bourse::agent {

namespace fs = std::filesystem;

namespace {

// Entries removed per turn: some milliseconds, so that tasks do not notice.
constexpr std::size_t kEntriesPerTurn = 256;
constexpr Duration kBetweenTurns = Duration::milliseconds(2);
constexpr char kEnded[] = ".ended";

// Directories below `dir` by name; links are no directories here.
std::vector<fs::path> directories(const fs::path& dir) {
  std::vector<fs::path> out;
  std::error_code error;
  for (fs::directory_iterator it(dir, error), end; !error && it != end; it.increment(error)) {
    std::error_code ignored;
    if (it->is_directory(ignored) && !it->is_symlink(ignored)) out.push_back(it->path());
  }
  std::sort(out.begin(), out.end());
  return out;
}

// When it was left, as the file beside it says; made if it is not there. Without one (a full disk),
// now.
Duration age_of(const std::string& sandbox) {
  const std::string path = sandbox + kEnded;
  const int fd = ::open(path.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return {};
  struct stat known {};
  const bool read = ::fstat(fd, &known) == 0;
  ::close(fd);
  if (!read) return {};
  const std::int64_t ended_ns = known.st_mtim.tv_sec * 1'000'000'000LL + known.st_mtim.tv_nsec;
  return Duration{std::max<std::int64_t>(runtime::wall_now().ns - ended_ns, 0)};
}

}  // namespace

SandboxCollector::SandboxCollector(runtime::Loop& loop, std::string work_dir,
                                   RetentionConfig config, Duration look_every)
    : loop_(loop), work_dir_(std::move(work_dir)), look_every_(look_every), machine_(config) {}

void SandboxCollector::start(const std::set<ContainerId>& in_use) {
  auto opened = isolation::TreeRemover::open(work_dir_ + "/gc");
  if (!opened.ok()) {
    runtime::log_error("sandboxes are not removed", {{"reason", opened.error().message}});
    return;
  }
  remover_.emplace(std::move(opened).value());
  std::set<std::string> names;
  for (const ContainerId& id : in_use) names.insert(path_component(id.raw()));
  find(names);
  look();
  work();
}

void SandboxCollector::find(const std::set<std::string>& in_use) {
  for (const fs::path& agent : directories(work_dir_ + "/slaves")) {
    for (const fs::path& framework : directories(agent / "frameworks")) {
      for (const fs::path& executor : directories(framework / "executors")) {
        for (const fs::path& run : directories(executor / "runs")) {
          if (in_use.contains(run.filename().string())) {
            in_use_.emplace(run.filename().string(), run.string());
          } else {
            leave(run.string());
          }
        }
      }
    }
  }
}

void SandboxCollector::started(const ContainerId& container, const std::string& sandbox) {
  in_use_.insert_or_assign(path_component(container.raw()), sandbox);
}

void SandboxCollector::ended(const ContainerId& container) {
  const auto it = in_use_.find(path_component(container.raw()));
  if (it == in_use_.end()) return;
  const std::string sandbox = std::move(it->second);
  in_use_.erase(it);
  leave(sandbox);
}

void SandboxCollector::leave(const std::string& sandbox) {
  step(retention::Ended{sandbox, age_of(sandbox)});
}

void SandboxCollector::look() {
  struct statvfs disk {};
  if (::statvfs(work_dir_.c_str(), &disk) == 0) {
    const std::uint64_t total = disk.f_blocks * disk.f_frsize;
    step(retention::DiskLooked{
        total - std::min<std::uint64_t>(total, disk.f_bavail * disk.f_frsize), total});
  }
  look_timer_ = loop_.after(look_every_, [this] { look(); });
}

void SandboxCollector::step(decltype(RetentionEvent::body) body) {
  std::vector<std::string> due;
  machine_.step({runtime::monotonic_now(), std::move(body)}, due);
  for (const std::string& sandbox : due) remove(sandbox);
  if (!due.empty() && !work_timer_.armed()) work();
}

void SandboxCollector::remove(const std::string& sandbox) {
  if (!remover_) return;
  const Status taken = remover_->take(sandbox);
  if (!taken.ok() && taken.error().code != ErrorCode::not_found) {
    runtime::log_warning("sandbox not removed", {{"reason", taken.error().message}});
    return;
  }
  runtime::log_info("sandbox removed", {{"sandbox", sandbox}});
  ::unlink((sandbox + kEnded).c_str());
  const fs::path path(sandbox);
  const fs::path latest = path.parent_path() / "latest";
  std::error_code ignored;
  if (fs::read_symlink(latest, ignored) == path.filename()) fs::remove(latest, ignored);
  // What held only this goes too: runs, executor, executors, framework, frameworks.
  fs::path parent = path.parent_path();
  for (int i = 0; i < 5 && ::rmdir(parent.c_str()) == 0; ++i) parent = parent.parent_path();
}

void SandboxCollector::work() {
  if (!remover_) return;
  if (remover_->work(kEntriesPerTurn)) {
    work_timer_ = loop_.after(kBetweenTurns, [this] { work(); });
    return;
  }
  work_timer_.cancel();
  if (remover_->stuck() > 0) {
    runtime::log_warning(
        "some of removed sandboxes stays on the disk",
        {{"entries", std::to_string(remover_->stuck())}, {"in", work_dir_ + "/gc"}});
  }
}

}  // namespace bourse::agent
