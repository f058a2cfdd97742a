#include "bench/real_cluster.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <climits>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

extern char** environ;

namespace bourse::bench {

namespace {

constexpr int kReadyMs = 20'000;

std::string beside(const char* name) {
  char path[PATH_MAX] = {};
  const ssize_t length = ::readlink("/proc/self/exe", path, sizeof path - 1);
  const std::string self(path, length > 0 ? static_cast<std::size_t>(length) : 0);
  return self.substr(0, self.rfind('/') + 1) + name;
}

// Starts a daemon and waits for its "ready" line, which is returned.
Result<std::string> spawn(std::vector<std::string> words, pid_t& pid) {
  int out[2];
  if (::pipe2(out, O_CLOEXEC) != 0) return Error{ErrorCode::io, "pipe: no descriptors"};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, out[1], 1);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const int error = ::posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(out[1]);
  std::string line;
  while (error == 0 && line.find('\n') == std::string::npos) {
    pollfd wait{out[0], POLLIN, 0};
    char buffer[256];
    if (::poll(&wait, 1, kReadyMs) <= 0) break;
    const ssize_t got = ::read(out[0], buffer, sizeof buffer);
    if (got <= 0) break;
    line.append(buffer, static_cast<std::size_t>(got));
  }
  ::close(out[0]);
  if (line.rfind("ready", 0) == 0) return line;
  return Error{ErrorCode::unavailable, words.front() + " did not get ready"};
}

std::string value_of(const std::string& line, const std::string& name) {
  const std::size_t at = line.find(name + "=");
  if (at == std::string::npos) return {};
  const std::size_t begin = at + name.size() + 1;
  return line.substr(begin, line.find_first_of(" \n", begin) - begin);
}

void end(pid_t pid) {
  if (pid <= 0) return;
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}

}  // namespace

Result<RealCluster> RealCluster::start_instead(const std::string& program,
                                               const std::vector<std::string>& flags,
                                               const std::string& dir) {
  RealCluster cluster;
  cluster.dir_ = dir;
  std::filesystem::create_directories(dir);
  std::vector<std::string> words{beside(program.c_str())};
  words.insert(words.end(), flags.begin(), flags.end());
  auto master = spawn(std::move(words), cluster.master_);
  if (!master.ok()) return master.error();
  cluster.link_ = value_of(master.value(), "link");
  cluster.http_ = value_of(master.value(), "http");
  return cluster;
}

Result<RealCluster> RealCluster::start_master(const std::string& dir) {
  return start_instead("bourse-master",
                       {"--port=0", "--agent-port=0", "--work-dir=" + dir + "/master"}, dir);
}

Result<RealCluster> RealCluster::start(const std::string& dir,
                                       const std::vector<std::string>& agent_flags) {
  auto started = start_master(dir);
  if (!started.ok()) return started;
  RealCluster& cluster = started.value();
  std::vector<std::string>& words = cluster.agent_words_;
  words = {beside("bourse-agent"),
           "--master=" + cluster.link_,
           "--port=0",
           "--work-dir=" + dir + "/agent",
           "--run-dir=" + dir + "/run",
           "--resources=cpus:64;mem:65536;disk:65536"};
  words.insert(words.end(), agent_flags.begin(), agent_flags.end());
  if (Status agent = cluster.start_agent(); !agent.ok()) return agent.error();
  return started;
}

Result<pid_t> RealCluster::add(const std::string& program, const std::vector<std::string>& flags) {
  std::vector<std::string> words{beside(program.c_str())};
  words.insert(words.end(), flags.begin(), flags.end());
  pid_t pid = 0;
  auto ready = spawn(words, pid);
  if (pid > 0) others_.push_back(pid);
  if (!ready.ok()) return ready.error();
  return pid;
}

void RealCluster::kill_agent() {
  end(std::exchange(agent_, 0));
}

Status RealCluster::start_agent() {
  auto agent = spawn(agent_words_, agent_);
  return agent.ok() ? Status() : Status(agent.error());
}

RealCluster::RealCluster(RealCluster&& other) noexcept
    : dir_(std::move(other.dir_)),
      link_(std::move(other.link_)),
      http_(std::move(other.http_)),
      agent_words_(std::move(other.agent_words_)),
      master_(std::exchange(other.master_, 0)),
      agent_(std::exchange(other.agent_, 0)),
      others_(std::exchange(other.others_, {})) {
  other.dir_.clear();
}

RealCluster::~RealCluster() {
  if (dir_.empty()) return;
  for (const pid_t other : others_) end(other);
  end(agent_);
  end(master_);
  // Shims outlive an agent by design; a bench's end is theirs too.
  for (const pid_t pid : processes_with(dir_)) ::kill(pid, SIGKILL);
  std::error_code ignored;
  std::filesystem::remove_all(dir_, ignored);
}

Memory memory_of(pid_t pid) {
  Memory out;
  std::ifstream file("/proc/" + std::to_string(pid) + "/smaps_rollup");
  std::string name;
  double kilobytes = 0;
  std::string line;
  while (std::getline(file, line)) {
    char key[64] = {};
    if (std::sscanf(line.c_str(), "%63s %lf", key, &kilobytes) != 2) continue;
    if (std::strcmp(key, "Rss:") == 0) out.rss_bytes = kilobytes * 1024;
    if (std::strncmp(key, "Private_", 8) == 0) out.private_bytes += kilobytes * 1024;
  }
  return out;
}

double cpu_ns_of(pid_t pid) {
  // The scheduler's own count; the ticks of /proc/PID/stat are too coarse for one launch.
  double sum = 0;
  std::error_code gone;
  const std::filesystem::path tasks = "/proc/" + std::to_string(pid) + "/task";
  for (const auto& task : std::filesystem::directory_iterator(tasks, gone)) {
    double spent = 0;
    std::ifstream(task.path() / "schedstat") >> spent;
    sum += spent;
  }
  return sum;
}

std::vector<pid_t> processes_with(const std::string& mark) {
  std::vector<pid_t> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::ifstream file(entry.path() / "cmdline", std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    if (text.find(mark) != std::string::npos && std::stoi(name) != ::getpid()) {
      found.push_back(std::stoi(name));
    }
  }
  return found;
}

}  // namespace bourse::bench
