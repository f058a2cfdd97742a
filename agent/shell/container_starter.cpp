#include "agent/shell/container_starter.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "agent/isolation/sandbox_files.hpp"
#include "agent/isolation/user.hpp"
#include "base/overloaded.hpp"
#include "runtime/daemon.hpp"
#include "runtime/log.hpp"

namespace bourse::agent {

namespace {

namespace fs = std::filesystem;

constexpr char kFetch[] = ".fetch";
constexpr std::int64_t kReasonBytes = 2048;
// A fetcher unpacks, whatever little the command asked for itself.
constexpr std::int64_t kLeastFetchMemory = 256LL << 20;

std::string id_of(const isolation::ContainerEvent& event) {
  return std::visit([](const auto& e) { return e.container_id; }, event);
}

// What the fetcher said last: its own words stand at the end of the sandbox's stderr.
std::string last_words(const std::string& sandbox) {
  constexpr std::string_view kMark = "bourse-fetch: ";
  auto files = isolation::SandboxFiles::open(sandbox);
  if (!files.ok()) return {};
  const auto size = files->read("stderr", 0, 0);
  if (!size.ok()) return {};
  const std::int64_t from = std::max<std::int64_t>(size->size_bytes - kReasonBytes, 0);
  const auto tail = files->read("stderr", from, kReasonBytes);
  if (!tail.ok()) return {};
  const std::size_t at = tail->bytes.rfind(kMark);
  if (at == std::string::npos) return {};
  const std::string words = tail->bytes.substr(at + kMark.size());
  return words.substr(0, words.find('\n'));
}

// Of the command's user, who alone may look into it.
Status make_cache_dir(const std::string& path, const std::string& user) {
  if (Status made = runtime::make_directories(fs::path(path).parent_path().string()); !made.ok()) {
    return made;
  }
  if (::mkdir(path.c_str(), 0700) != 0) {
    if (errno == EEXIST) return {};
    return Error{ErrorCode::io, "cannot make " + path};
  }
  if (user.empty() || ::geteuid() != 0) return {};
  const auto ids = isolation::resolve_user(user);
  if (!ids.ok()) return ids.error();
  if (::lchown(path.c_str(), ids->uid, ids->gid) == 0) return {};
  return Error{ErrorCode::io, "cannot give " + path + " to its user"};
}

bool is_open_to_all(const fs::path& program) {
  for (fs::path path = program; !path.empty(); path = path.parent_path()) {
    std::error_code error;
    if ((fs::status(path, error).permissions() & fs::perms::others_exec) == fs::perms::none) {
      return false;
    }
    if (path == path.root_path()) return true;
  }
  return false;
}

isolation::ContainerSpec fetch_spec(const isolation::ContainerSpec& command,
                                    const std::vector<FetchItem>& files, const std::string& cache,
                                    const SpecContext& context) {
  isolation::ContainerSpec spec = command;
  spec.container_id += kFetch;
  spec.volumes.clear();
  spec.health = {};
  spec.check = {};
  spec.shell_command.clear();
  spec.argv = {context.fetcher, cache};
  for (std::string& argument : fetch_arguments(files)) spec.argv.push_back(std::move(argument));
  // Not the command's own, which may hold what is none of a fetcher's business (LD_PRELOAD).
  spec.env = {{"PATH", "/usr/local/bin:/usr/bin:/bin"}, {"HOME", command.sandbox_dir}};
  if (spec.limits.memory_bytes > 0) {
    spec.limits.memory_bytes = std::max(spec.limits.memory_bytes, kLeastFetchMemory);
  }
  return spec;
}

}  // namespace

std::string place_fetcher(const std::string& program, const std::string& run_dir) {
  if (is_open_to_all(program)) return program;
  const std::string placed = run_dir + "/bourse-fetch";
  const std::string fresh = placed + ".new";  // a fetch of the agent before may still run the old
  std::error_code error;
  fs::copy_file(program, fresh, fs::copy_options::overwrite_existing, error);
  if (!error) {
    fs::permissions(fresh, fs::perms(0755), error);
  }
  if (!error) fs::rename(fresh, placed, error);
  if (!error) return placed;
  runtime::log_warning("fetcher not copied", {{"program", program}, {"reason", error.message()}});
  return program;
}

void ContainerStarter::start(const StartContainer& start, const SpecContext& context) {
  auto spec = container_spec(start, context);
  if (!spec.ok()) return fail(start.container_id.raw(), spec.error().message);
  auto mounts = volumes_.mounts(start.resources);
  if (!mounts.ok()) return fail(start.container_id.raw(), mounts.error().message);
  spec->volumes = std::move(mounts).value();
  const auto files = files_of(start);
  if (!files.ok()) return fail(start.container_id.raw(), files.error().message);
  const std::string runs = fs::path(spec->sandbox_dir).parent_path().string();
  if (Status made = runtime::make_directories(runs); !made.ok()) {
    return fail(start.container_id.raw(), made.error().message);
  }
  std::error_code ignored;  // a convenience for people: the newest run of an executor
  fs::remove(runs + "/latest", ignored);
  fs::create_directory_symlink(path_component(start.container_id.raw()), runs + "/latest", ignored);
  if (files->empty()) return launch(spec.value());
  if (Status begun = launch_fetch(spec.value(), files.value(), context); !begun.ok()) {
    fail(start.container_id.raw(), begun.error().message);
  }
}

Status ContainerStarter::launch_fetch(const isolation::ContainerSpec& spec,
                                      const std::vector<FetchItem>& files,
                                      const SpecContext& context) {
  std::string cache;
  if (std::any_of(files.begin(), files.end(), [](const FetchItem& item) { return item.cache; })) {
    cache = context.work_dir + "/fetch/" + path_component(spec.user.empty() ? "agent" : spec.user);
    if (Status made = make_cache_dir(cache, spec.user); !made.ok()) return made;
  }
  const isolation::ContainerSpec fetch = fetch_spec(spec, files, cache, context);
  if (Status launched = containers_.launch(fetch); !launched.ok()) return launched;
  sandboxes_.started(ContainerId(spec.container_id), spec.sandbox_dir);
  fetching_.emplace(fetch.container_id, Fetching{spec});
  return {};
}

void ContainerStarter::launch(const isolation::ContainerSpec& spec) {
  const Status launched = containers_.launch(spec);
  if (!launched.ok()) return fail(spec.container_id, launched.error().message);
  sandboxes_.started(ContainerId(spec.container_id), spec.sandbox_dir);
}

void ContainerStarter::fail(const std::string& container_id, const std::string& reason) {
  failed_({ContainerId(container_id), reason});
}

void ContainerStarter::resize(const ResizeContainer& resize, const SpecContext& context) {
  const isolation::ResourceLimits limits = limits_of(resize.resources, context);
  const auto fetching = fetching_.find(resize.container_id.raw() + kFetch);
  if (fetching != fetching_.end()) {
    fetching->second.spec.limits = limits;
    return;
  }
  const Status done = containers_.resize(resize.container_id.raw(), limits);
  if (!done.ok() && done.error().code != ErrorCode::not_found) {
    runtime::log_warning("container not resized", {{"container_id", resize.container_id.raw()},
                                                   {"reason", done.error().message}});
  }
}

void ContainerStarter::kill(const KillContainer& kill) {
  const std::string& id = kill.container_id.raw();
  const auto fetching = fetching_.find(id + kFetch);
  if (fetching != fetching_.end()) {
    fetching->second.killed = true;
    (void)containers_.destroy(fetching->first);
    return;
  }
  // A container that has ended already reports so by itself.
  (void)(kill.grace == Duration{} ? containers_.destroy(id) : containers_.kill(id, kill.grace));
}

bool ContainerStarter::on_event(const isolation::ContainerEvent& event) {
  const std::string id = id_of(event);
  const auto it = fetching_.find(id);
  if (it == fetching_.end()) return false;
  const auto* exited = std::get_if<isolation::ContainerExited>(&event);
  const auto* lost = std::get_if<isolation::ContainerLost>(&event);
  const auto* failed = std::get_if<isolation::ContainerFailed>(&event);
  if (exited == nullptr && lost == nullptr && failed == nullptr) return true;  // not over yet
  const Fetching fetching = std::move(it->second);
  fetching_.erase(it);
  // One that is leaked goes later: it is not known any more then, and released so.
  (void)containers_.release(id);
  const std::string& command = fetching.spec.container_id;
  if (fetching.killed) {
    fail(command, "it was killed while its files were fetched");
  } else if (exited != nullptr && exited->record.succeeded()) {
    launch(fetching.spec);
  } else {
    std::string reason = last_words(fetching.spec.sandbox_dir);
    if (failed != nullptr) reason = failed->reason;
    if (lost != nullptr) reason = lost->reason;
    if (reason.empty() && exited != nullptr) reason = isolation::describe_exit(exited->record);
    fail(command, "its files could not be fetched: " + reason);
  }
  return true;
}

}  // namespace bourse::agent
