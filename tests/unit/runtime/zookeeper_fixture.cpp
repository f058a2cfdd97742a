#include "tests/unit/runtime/zookeeper_fixture.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <fstream>
#include <thread>

#include "runtime/entropy.hpp"

namespace bourse::runtime::test {

namespace {

constexpr Duration kStartLimit = Duration::seconds(40);
constexpr Duration kTick = Duration::milliseconds(100);

// Below the range that the kernel gives to clients: a client that tries again and again to reach a
// dead server of that range ends up connected to itself.
int free_port() {
  int lowest = 32768;
  std::ifstream("/proc/sys/net/ipv4/ip_local_port_range") >> lowest;
  const int top = lowest > 12000 ? lowest : 32768;
  for (;;) {
    const int port =
        10000 + static_cast<int>(random_u64() % static_cast<std::uint64_t>(top - 10000));
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool taken = ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0;
    ::close(fd);
    if (!taken) return port;
  }
}

template <typename Condition>
bool poll_until(Condition condition, Duration limit) {
  const Instant deadline = monotonic_now() + limit;
  while (!condition()) {
    if (monotonic_now() >= deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));  // between two looks
  }
  return true;
}

}  // namespace

ZookeeperServers::ZookeeperServers(int count, std::vector<std::string> java_options)
    : java_options_(std::move(java_options)), servers_(static_cast<std::size_t>(count)) {
  for (Server& server : servers_) {
    server.client_port = free_port();
    server.quorum_port = free_port();
    server.election_port = free_port();
  }
  configure();
  for (int i = 0; i < count; ++i) start(i);
  for (int i = 0; i < count; ++i) wait_until_serving(i);
}

ZookeeperServers::~ZookeeperServers() {
  for (int i = 0; i < count(); ++i) kill(i);
}

void ZookeeperServers::configure() {
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    const std::string home = directory_.file(std::to_string(i));
    std::filesystem::create_directories(home);
    std::ofstream config(home + "/zoo.cfg");
    config << "tickTime=" << kTick.ms() << "\ninitLimit=200\nsyncLimit=30\n"
           << "minSessionTimeout=200\nmaxSessionTimeout=60000\nmaxClientCnxns=0\n"
           << "admin.enableServer=false\n4lw.commands.whitelist=ruok,srvr\n"
           << "dataDir=" << home << "/data\nclientPort=" << servers_[i].client_port
           << "\nclientPortAddress=127.0.0.1\n";
    std::filesystem::create_directories(home + "/data");
    if (servers_.size() == 1) continue;
    std::ofstream(home + "/data/myid") << i + 1 << "\n";
    for (std::size_t k = 0; k < servers_.size(); ++k) {
      config << "server." << k + 1 << "=127.0.0.1:" << servers_[k].quorum_port << ":"
             << servers_[k].election_port << "\n";
    }
  }
}

std::string ZookeeperServers::address(int index) const {
  return "127.0.0.1:" + std::to_string(servers_[static_cast<std::size_t>(index)].client_port);
}

std::vector<std::string> ZookeeperServers::addresses() const {
  std::vector<std::string> out;
  for (int i = 0; i < count(); ++i) out.push_back(address(i));
  return out;
}

void ZookeeperServers::spawn(Server& server, int index) {
  const std::string home = directory_.file(std::to_string(index));
  const std::string config = home + "/zoo.cfg";
  const std::string log = home + "/log";
  std::vector<std::string> words = {"java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC",
                                    "-Xmx128m",
                                    // What is tested is not the disk.
                                    "-Dzookeeper.forceSync=no", "-Dzookeeper.preAllocSize=1024"};
  words.insert(words.end(), java_options_.begin(), java_options_.end());
  words.insert(words.end(),
               {"-cp", "/usr/share/java/zookeeper.jar:/usr/share/java/slf4j-simple.jar",
                "org.apache.zookeeper.server.quorum.QuorumPeerMain", config});
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const pid_t parent = ::getpid();
  server.pid = ::fork();
  if (server.pid != 0) return;
  // In the child of a program that has threads: system calls only.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (::getppid() != parent) ::_exit(1);
  const int out = ::open(log.c_str(), O_CREAT | O_APPEND | O_WRONLY | O_CLOEXEC, 0644);
  ::dup2(out, 1);
  ::dup2(out, 2);
  ::execvp(argv[0], argv.data());
  ::_exit(127);
}

void ZookeeperServers::start(int index) {
  Server& server = servers_[static_cast<std::size_t>(index)];
  REQUIRE(server.pid == -1);
  spawn(server, index);
  REQUIRE(server.pid > 0);
}

void ZookeeperServers::kill(int index) {
  Server& server = servers_[static_cast<std::size_t>(index)];
  if (server.pid <= 0) return;
  ::kill(server.pid, SIGKILL);
  ::waitpid(server.pid, nullptr, 0);
  server.pid = -1;
}

void ZookeeperServers::pause(int index) {
  const pid_t pid = servers_[static_cast<std::size_t>(index)].pid;
  REQUIRE(::kill(pid, SIGSTOP) == 0);
  int status = 0;
  REQUIRE(::waitpid(pid, &status, WUNTRACED) == pid);
  REQUIRE(WIFSTOPPED(status));
}

void ZookeeperServers::resume(int index) {
  REQUIRE(::kill(servers_[static_cast<std::size_t>(index)].pid, SIGCONT) == 0);
}

std::string ZookeeperServers::ask(int index, const std::string& word) const {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  timeval limit = {1, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port =
      htons(static_cast<std::uint16_t>(servers_[static_cast<std::size_t>(index)].client_port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string answer;
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0 &&
      ::send(fd, word.data(), word.size(), MSG_NOSIGNAL) > 0) {
    char block[4096];
    for (ssize_t n = 0; (n = ::recv(fd, block, sizeof(block), 0)) > 0;) {
      answer.append(block, static_cast<std::size_t>(n));
    }
  }
  ::close(fd);
  return answer;
}

int ZookeeperServers::leader() const {
  for (int i = 0; i < count(); ++i) {
    if (servers_[static_cast<std::size_t>(i)].pid > 0 &&
        ask(i, "srvr").find("Mode: leader") != std::string::npos) {
      return i;
    }
  }
  return -1;
}

void ZookeeperServers::wait_until_serving(int index) const {
  const bool serving = poll_until(
      [&] { return ask(index, "srvr").find("Mode: ") != std::string::npos; }, kStartLimit);
  if (serving) return;
  std::ifstream log(directory_.file(std::to_string(index)) + "/log");
  const std::string words((std::istreambuf_iterator<char>(log)), std::istreambuf_iterator<char>());
  FAIL("ZooKeeper server " << index << " does not serve; it said: "
                           << words.substr(words.size() -
                                           std::min<std::size_t>(words.size(), 3000)));
}

ZookeeperServers& shared_server() {
  static ZookeeperServers server;
  return server;
}

// ---- ZkClient -----------------------------------------------------------------------------------

void ZkClient::open(ZookeeperOptions options) {
  auto opened = ZookeeperSession::open(
      loop, std::move(options),
      [this](const ZkState& state) {
        states.push_back(state);
        order.emplace_back(name_of(state.phase));
      },
      [this](const ZkWatch& watch) { watches.push_back(watch); });
  REQUIRE(opened.ok());
  session = std::move(opened).value();
}

void ZkClient::connect(ZookeeperOptions options) {
  open(std::move(options));
  REQUIRE(until(ZkPhase::connected));
}

bool ZkClient::until(ZkPhase phase, Duration limit) {
  const ZookeeperStats before = session->stats();
  if (run_until(
          loop, [&] { return !states.empty() && states.back().phase == phase; }, limit)) {
    return true;
  }
  const ZookeeperStats after = session->stats();
  UNSCOPED_INFO("the session is " << name_of(session->state().phase) << ", "
                                  << after.attempts - before.attempts << " attempts, "
                                  << after.wakeups - before.wakeups
                                  << " wakeups, last error: " << session->last_error());
  return false;
}

void ZkClient::note(Noted answer) {
  order.push_back("answer " + std::to_string(answer.number));
  noted.push_back(std::move(answer));
}

std::vector<int> ZkClient::times_answered() const {
  std::vector<int> times(static_cast<std::size_t>(asked));
  for (const Noted& answer : noted) ++times[static_cast<std::size_t>(answer.number)];
  return times;
}

ZkClient::Noted ZkClient::wait(int number) {
  const Noted* found = nullptr;
  run_until(
      loop,
      [&] {
        for (const Noted& answer : noted) {
          if (answer.number == number) found = &answer;
        }
        return found != nullptr;
      },
      Duration::seconds(20));
  REQUIRE(found != nullptr);
  return *found;
}

ZkClient::Noted ZkClient::create(const std::string& path, const std::string& data, ZkCreate how) {
  const int number = asked++;
  session->create(path, data, how, [this, number](ZkCode code, const std::string& created) {
    note({number, code, created, {}, {}, {}});
  });
  return wait(number);
}

int ZkClient::ask_get(const std::string& path) {
  const int number = asked++;
  session->get(path, false,
               [this, number](ZkCode code, const std::string& data, const ZkStat& stat) {
                 note({number, code, data, stat, {}, {}});
               });
  return number;
}

ZkClient::Noted ZkClient::get(const std::string& path, bool watch) {
  const int number = asked++;
  session->get(path, watch,
               [this, number](ZkCode code, const std::string& data, const ZkStat& stat) {
                 note({number, code, data, stat, {}, {}});
               });
  return wait(number);
}

ZkClient::Noted ZkClient::exists(const std::string& path, bool watch) {
  const int number = asked++;
  session->exists(path, watch, [this, number](ZkCode code, const ZkStat& stat) {
    note({number, code, {}, stat, {}, {}});
  });
  return wait(number);
}

ZkClient::Noted ZkClient::children(const std::string& path, bool watch) {
  const int number = asked++;
  session->children(path, watch,
                    [this, number](ZkCode code, const std::vector<std::string>& names) {
                      note({number, code, {}, {}, names, {}});
                    });
  return wait(number);
}

int ZkClient::ask_set(const std::string& path, const std::string& data) {
  const int number = asked++;
  session->set(path, data, kZkAnyVersion, [this, number](ZkCode code, const ZkStat& stat) {
    note({number, code, {}, stat, {}, {}});
  });
  return number;
}

ZkClient::Noted ZkClient::set(const std::string& path, const std::string& data,
                              std::int32_t version) {
  const int number = asked++;
  session->set(path, data, version, [this, number](ZkCode code, const ZkStat& stat) {
    note({number, code, {}, stat, {}, {}});
  });
  return wait(number);
}

ZkClient::Noted ZkClient::remove(const std::string& path, std::int32_t version) {
  const int number = asked++;
  session->remove(path, version, [this, number](ZkCode code) {
    note({number, code, {}, {}, {}, {}});
  });
  return wait(number);
}

int ZkClient::ask_multi(std::vector<ZkOp> ops) {
  const int number = asked++;
  session->multi(std::move(ops),
                 [this, number](ZkCode code, const std::vector<ZkOpResult>& results) {
                   note({number, code, {}, {}, {}, results});
                 });
  return number;
}

ZkClient::Noted ZkClient::multi(std::vector<ZkOp> ops) {
  return wait(ask_multi(std::move(ops)));
}

std::string fresh_path(const std::string& name) {
  static int count = 0;
  return "/" + name + "-" + std::to_string(count++);
}

ZookeeperOptions options_for(const std::vector<std::string>& servers, Duration timeout) {
  ZookeeperOptions options;
  options.servers = servers;
  options.session_timeout = timeout;
  return options;
}

}  // namespace bourse::runtime::test
