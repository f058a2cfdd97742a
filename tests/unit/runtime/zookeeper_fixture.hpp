// Test support: real ZooKeeper servers in a temporary directory, and a client that notes what it
// was told. Servers end with their fixture, and with the test program if that dies.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "runtime/zookeeper.hpp"
#include "tests/unit/runtime/wait_for.hpp"

namespace bourse::runtime::test {

// `count` servers that know each other, or one alone.
class ZookeeperServers {
 public:
  explicit ZookeeperServers(int count = 1, std::vector<std::string> java_options = {});
  ~ZookeeperServers();
  ZookeeperServers(const ZookeeperServers&) = delete;
  ZookeeperServers& operator=(const ZookeeperServers&) = delete;

  int count() const { return static_cast<int>(servers_.size()); }
  std::string address(int index = 0) const;
  std::vector<std::string> addresses() const;

  void start(int index = 0);
  void kill(int index = 0);  // -9, and waited for
  void pause(int index = 0);
  void resume(int index = 0);
  // Which of them says that it leads; -1 if none does.
  int leader() const;
  // The server's answer to a four-letter word; empty if it does not answer at once.
  std::string ask(int index, const std::string& word) const;
  void wait_until_serving(int index) const;

 private:
  struct Server {
    int client_port = 0;
    int quorum_port = 0;
    int election_port = 0;
    pid_t pid = -1;
  };
  void configure();
  void spawn(Server& server, int index);

  TempDir directory_;
  std::vector<std::string> java_options_;
  std::vector<Server> servers_;
};

// The server that the cases of a program share; nobody kills or pauses it.
ZookeeperServers& shared_server();

// A session that notes what it is told. Answers are noted by the number of their request.
struct ZkClient {
  struct Noted {
    int number = 0;
    ZkCode code = ZkCode::other;
    std::string text;
    ZkStat stat;
    std::vector<std::string> names;
    std::vector<ZkOpResult> results;
  };

  explicit ZkClient(Loop& loop_arg) : loop(loop_arg) {}

  void open(ZookeeperOptions options);
  // Opens, and waits until connected.
  void connect(ZookeeperOptions options);

  // Each asks, waits for the answer and returns it.
  Noted create(const std::string& path, const std::string& data = {}, ZkCreate how = {});
  Noted get(const std::string& path, bool watch = false);
  Noted exists(const std::string& path, bool watch = false);
  Noted children(const std::string& path, bool watch = false);
  Noted set(const std::string& path, const std::string& data, std::int32_t version = kZkAnyVersion);
  Noted remove(const std::string& path, std::int32_t version = kZkAnyVersion);
  Noted multi(std::vector<ZkOp> ops);

  // Asks and returns the number; the answer comes when the loop runs.
  int ask_set(const std::string& path, const std::string& data);
  int ask_get(const std::string& path);
  int ask_multi(std::vector<ZkOp> ops);

  bool until(ZkPhase phase, Duration limit = Duration::seconds(20));
  std::size_t answers() const { return noted.size(); }
  std::vector<int> times_answered() const;  // by number

  Loop& loop;
  std::unique_ptr<ZookeeperSession> session;
  std::vector<ZkState> states;
  std::vector<ZkWatch> watches;
  std::vector<Noted> noted;
  std::vector<std::string> order;  // "suspended", "answer 3", ...
  int asked = 0;

 private:
  Noted wait(int number);
  void note(Noted answer);
};

// A name nobody else in this program uses.
std::string fresh_path(const std::string& name);
ZookeeperOptions options_for(const std::vector<std::string>& servers,
                             Duration timeout = Duration::seconds(30));

}  // namespace bourse::runtime::test
