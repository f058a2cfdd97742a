// Checks of a task, made by a real shim of a real container.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "agent/isolation/state_file.hpp"
#include "tests/unit/executors/shim/container_world.hpp"

namespace bourse::isolation::testing {

namespace {

CheckSpec command(const std::string& line) {
  CheckSpec check;
  check.kind = CheckSpec::Kind::command;
  check.argv = {"/bin/sh", "-c", line};
  check.env = {"PATH=/usr/bin:/bin", "ASKED=yes"};
  check.interval_ms = 100;
  check.timeout_ms = 10'000;
  check.failures_most = 3;
  return check;
}

CheckSpec port_check(CheckSpec::Kind kind, std::uint16_t port) {
  CheckSpec check = command("");
  check.kind = kind;
  check.argv.clear();
  check.env.clear();
  check.port = port;
  return check;
}

// A port of this machine that answers each connection with the same text, or with nothing.
class Port {
 public:
  explicit Port(std::string answer) : answer_(std::move(answer)) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(::bind(fd_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::listen(fd_, 16) == 0);
    REQUIRE(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    number = ntohs(address.sin_port);
    if (!answer_.empty()) thread_ = std::thread([this] { serve(); });
  }
  ~Port() { close(); }
  void close() {
    if (fd_ >= 0) ::shutdown(fd_, SHUT_RDWR);
    if (thread_.joinable()) thread_.join();
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

  std::uint16_t number = 0;
  std::string asked;  // once closed

 private:
  void serve() {
    for (int one = ::accept(fd_, nullptr, nullptr); one >= 0;
         one = ::accept(fd_, nullptr, nullptr)) {
      char bytes[1024];
      const ssize_t got = ::read(one, bytes, sizeof bytes);
      if (got > 0) asked.assign(bytes, static_cast<std::size_t>(got));
      [[maybe_unused]] const ssize_t sent =
          ::send(one, answer_.data(), answer_.size(), MSG_NOSIGNAL);
      ::close(one);
    }
  }

  std::string answer_;
  int fd_ = -1;
  std::thread thread_;
};

// Until its checks say so.
ContainerChecked wait_checked(ContainerWorld& world, const std::string& name,
                              const std::function<bool(const ContainerChecked&)>& wanted) {
  const ContainerChecked* found = nullptr;
  const bool came = world.turn_until([&] {
    for (const ContainerEvent& event : world.events) {
      const auto* checked = std::get_if<ContainerChecked>(&event);
      if (checked != nullptr && checked->container_id == world.id(name) && wanted(*checked)) {
        found = checked;
      }
    }
    return found != nullptr;
  });
  INFO(world.describe_events());
  REQUIRE(came);
  return *found;
}

bool is_well(const ContainerChecked& checked) {
  return checked.healthy == true;
}

bool is_unwell(const ContainerChecked& checked) {
  return checked.healthy == false;
}

}  // namespace

TEST_CASE("a command that looks after a task runs beside it, with its user, files and processes") {
  ContainerWorld world;
  ContainerSpec spec = world.shell("a", "echo up > state; exec sleep 1000");
  if (is_root()) spec.user = "nobody";
  spec.health = command(
      "[ \"$ASKED\" = yes ] && grep -q up state && id -un > who && "
      "tr '\\0' ' ' < /proc/$(pgrep -x sleep | head -1)/cmdline > seen");
  spec.health.grace_ms = 20'000;
  world.launch(spec);
  wait_checked(world, "a", is_well);
  if (is_root()) {
    CHECK(contents_of(world.sandbox("a") + "/who") == "nobody\n");
    CHECK(contents_of(world.sandbox("a") + "/seen") == "sleep 1000 ");
  }
  CHECK(world.runtime().kill(world.id("a"), Duration{}).ok());
  CHECK_FALSE(world.wait_exit("a").unhealthy);
}

TEST_CASE("a task whose health check fails too often in a row is ended with its grace") {
  ContainerWorld world;
  ContainerSpec spec =
      world.shell("a", "trap 'echo heard; exit 0' TERM; touch well; while :; do sleep 0.05; done");
  spec.health = command("[ -e well ]");
  spec.health.delay_ms = 100;
  spec.kill_grace = Duration::seconds(20);
  world.launch(spec);
  wait_checked(world, "a", is_well);
  REQUIRE(::unlink((world.sandbox("a") + "/well").c_str()) == 0);
  wait_checked(world, "a", is_unwell);
  const ContainerChecked last =
      wait_checked(world, "a", [](const ContainerChecked& checked) { return checked.unhealthy; });
  CHECK(last.failures == 3);
  const ExitRecord record = world.wait_exit("a");
  CHECK(record.unhealthy);
  CHECK(record.killed);
  CHECK(contents_of(world.sandbox("a") + "/stdout") == "heard\n");
}

TEST_CASE("a task is ended for its health while no agent is there, and the next one learns it") {
  ContainerWorld world;
  ContainerSpec spec = world.shell("a", "touch well; exec sleep 1000");
  spec.health = command("[ -e well ]");
  world.launch(spec);
  wait_checked(world, "a", is_well);
  const std::string exit_file = world.run_dir("a") + "/exit";
  world.agent_dies();
  REQUIRE(::unlink((world.sandbox("a") + "/well").c_str()) == 0);
  REQUIRE(eventually([&] { return decode_state(contents_of(exit_file)).ok(); }));
  world.agent_returns();
  REQUIRE(world.recovered.size() == 1);
  REQUIRE(world.recovered[0].exit);
  CHECK(world.recovered[0].exit->unhealthy);
  world.release("a");
}

TEST_CASE("an agent that returns hears what checks say now") {
  ContainerWorld world;
  ContainerSpec spec = world.shell("a", "exec sleep 1000");
  spec.health = command("true");
  spec.check = command("[ -e four ] && exit 4; exit 3");
  world.launch(spec);
  wait_checked(world, "a", is_well);
  wait_checked(world, "a", [](const ContainerChecked& checked) { return checked.value == 3; });
  world.agent_dies();
  ::close(::creat((world.sandbox("a") + "/four").c_str(), 0644));
  world.agent_returns();
  const ContainerChecked now =
      wait_checked(world, "a", [](const ContainerChecked& checked) { return checked.value == 4; });
  CHECK(now.healthy == true);
  CHECK(now.check == CheckSpec::Kind::command);
  CHECK(world.runtime().kill(world.id("a"), Duration{}).ok());
  world.wait_exit("a");
}

TEST_CASE("a port that takes connections is well, and one that does not is not") {
  ContainerWorld world;
  Port port("");
  ContainerSpec spec = world.shell("a", "exec sleep 1000");
  spec.health = port_check(CheckSpec::Kind::tcp, port.number);
  spec.check = spec.health;
  world.launch(spec);
  wait_checked(world, "a", is_well);
  wait_checked(world, "a", [](const ContainerChecked& checked) { return checked.value == 1; });
  port.close();
  wait_checked(world, "a", is_unwell);
  CHECK(world.wait_exit("a").unhealthy);
}

TEST_CASE("a page answered with 200 to 399 is well, with another code or none it is not") {
  for (const auto& [answer, well] : {std::pair<std::string, bool>{"HTTP/1.1 200 OK\r\n\r\n", true},
                                     {"HTTP/1.0 302 Found\r\n\r\n", true},
                                     {"HTTP/1.1 503 Busy\r\n\r\n", false},
                                     {"SSH-2.0-OpenSSH_9\r\n", false}}) {
    CAPTURE(answer);
    ContainerWorld world;
    Port port(answer);
    ContainerSpec spec = world.shell("a", "exec sleep 1000");
    spec.health = port_check(CheckSpec::Kind::http, port.number);
    spec.health.path = "/well?now";
    spec.check = spec.health;
    world.launch(spec);
    wait_checked(world, "a", well ? is_well : is_unwell);
    if (answer[0] == 'H') {
      wait_checked(world, "a", [code = std::stoi(answer.substr(9, 3))](const ContainerChecked& c) {
        return c.value == code;
      });
    }
    CHECK(world.runtime().kill(world.id("a"), Duration{}).ok());
    world.wait_exit("a");
    port.close();
    CHECK(port.asked.substr(0, port.asked.find('\r')) == "GET /well?now HTTP/1.1");
  }
}

TEST_CASE("a look that hangs is given up after its timeout, processes and all") {
  ContainerWorld world;
  ContainerSpec spec = world.shell("a", "exec sleep 1000");
  spec.health = command("sleep 4242 & sleep 4242");
  spec.health.timeout_ms = 100;
  spec.health.failures_most = 1000;
  world.launch(spec);
  wait_checked(world, "a", is_unwell);
  CHECK(world.turn_until([&] { return processes_with("sleep 4242").size() <= 2; }));
  CHECK(world.runtime().kill(world.id("a"), Duration{}).ok());
  CHECK_FALSE(world.wait_exit("a").unhealthy);
}

}  // namespace bourse::isolation::testing
