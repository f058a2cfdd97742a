// http-calls: what the scheduler API over HTTP carries, and what its JSON costs.
//
// A hundred schedulers are connected to a real master over real sockets: each has its stream open
// and one more connection, on which it makes a call, waits for 202 and makes the next. Floor: the
// same HTTP server, in a process of its own, which answers 202 to the same bytes and does nothing
// else.
//   calls_per_second        eight acknowledgements, a decline and a suppress in turn; the task and
//                           the offer that they name are not there, so a call takes its whole way
//                           and finds nothing at its end
//   real_calls_per_second   each scheduler has a task that runs on a real agent: four reconciles of
//                           it, each answered on the stream, which is read and counted; four
//                           acknowledgements of its last update, each passed on to the agent; a
//                           decline of the offer that it was launched from; a suppress
//
// JSON: recorded OFFERS events written and read. Floors: the same by hand with RapidJSON and
// simdjson (json_floors.hpp).
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <memory>

#include "bench/harness.hpp"
#include "bench/json_calls.hpp"
#include "bench/real_cluster.hpp"
#include "runtime/http_server.hpp"
#include "runtime/loop.hpp"

namespace {

using namespace bourse;

constexpr int kSchedulers = 100;
constexpr char kPath[] = "/api/v1/scheduler";

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "http-calls: %s\n", what.c_str());
  std::exit(1);
}

// Answers 202 to everything, until it is killed.
int serve_floor() {
  runtime::Loop loop;
  auto server = runtime::HttpServer::listen(
      loop, {}, [](runtime::HttpRequest, runtime::HttpResponder responder) {
        runtime::HttpResponse answer;
        answer.status = 202;
        responder.respond(std::move(answer));
      });
  if (!server.ok()) fail(server.error().message);
  std::printf("ready http=127.0.0.1:%u link=\n", server.value()->port());
  std::fflush(stdout);
  loop.run();
  return 0;
}

std::string post(const std::string& body, const std::string& stream_id) {
  std::string text = std::string("POST ") + kPath + " HTTP/1.1\r\nHost: localhost\r\n";
  text += "Content-Type: application/json\r\n";
  if (!stream_id.empty()) text += "Mesos-Stream-Id: " + stream_id + "\r\n";
  return text + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

int connect_to(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (fd < 0 || ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    fail(std::string("connect: ") + std::strerror(errno));
  }
  return fd;
}

void write_all(int fd, const std::string& text) {
  if (::send(fd, text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size())) {
    fail("a connection takes no more");
  }
}

// What stands between two marks of a text; empty if it is not there yet.
std::string between(const std::string& text, const std::string& begin, const std::string& end) {
  const std::size_t from = text.find(begin);
  if (from == std::string::npos) return {};
  const std::size_t to = text.find(end, from + begin.size());
  if (to == std::string::npos) return {};
  return text.substr(from + begin.size(), to - from - begin.size());
}

struct Scheduler {
  int stream = -1;
  int calls = -1;
  std::size_t made = 0;
  std::array<std::string, 4> texts;  // acknowledge, decline, suppress, reconcile
  bool real = false;
  std::string received;
  std::string told;  // of the stream: what may be the beginning of a mark
  std::uint64_t reconciles = 0, answers = 0;
  std::string id, framework;

  const std::string& next() {
    const std::size_t turn = made++ % 10;
    if (real && turn < 4) {
      ++reconciles;
      return texts[3];
    }
    return texts[turn < 8 ? 0 : turn - 7];
  }
};

void subscribe(Scheduler& scheduler, std::uint16_t port) {
  scheduler.stream = connect_to(port);
  write_all(scheduler.stream, post(R"({"type":"SUBSCRIBE","subscribe":{"framework_info":)"
                                   R"({"user":"root","name":"bench"}}})",
                                   ""));
  std::string text, id, framework;
  while (framework.empty()) {
    char buffer[4096];
    const ssize_t got = ::read(scheduler.stream, buffer, sizeof buffer);
    if (got <= 0) fail("the stream ended before SUBSCRIBED");
    text.append(buffer, static_cast<std::size_t>(got));
    id = between(text, "Mesos-Stream-Id: ", "\r\n");
    framework = between(text, R"("framework_id":{"value":")", "\"");
  }
  scheduler.id = id;
  scheduler.framework = framework;
  scheduler.told = text;
  const std::string head = R"({"framework_id":{"value":")" + framework + R"("},)";
  scheduler.texts = {
      post(head + R"("type":"ACKNOWLEDGE","acknowledge":{"agent_id":{"value":"agent-S0"},)"
                  R"("task_id":{"value":"task-1"},"uuid":"AAAAAAAAAAAAAAAAAAAAAA=="}})",
           id),
      post(head + R"("type":"DECLINE","decline":{"offer_ids":[{"value":"offer-O1"}],)"
                  R"("filters":{"refuse_seconds":5.0}}})",
           id),
      post(head + R"("type":"SUPPRESS","suppress":{}})", id)};
}

// What stands between two marks of what the stream says next.
std::string wait_told(Scheduler& scheduler, const std::string& begin, const std::string& end) {
  while (true) {
    std::string found = between(scheduler.told, begin, end);
    if (!found.empty()) return found;
    char buffer[16'384];
    const ssize_t got = ::read(scheduler.stream, buffer, sizeof buffer);
    if (got <= 0) fail("a stream ended before " + begin);
    scheduler.told.append(buffer, static_cast<std::size_t>(got));
  }
}

void call_once(Scheduler& scheduler, const std::string& text) {
  write_all(scheduler.calls, text);
  char buffer[2048];
  const ssize_t got = ::read(scheduler.calls, buffer, sizeof buffer);
  const std::string answer(buffer, static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  if (answer.compare(0, 12, "HTTP/1.1 202") != 0) fail(answer);
}

// A task of its own, running and acknowledged; and calls that name it.
void get_real(Scheduler& scheduler) {
  const std::string offer = wait_told(scheduler, R"("offers":[{"id":{"value":")", "\"");
  const std::string agent = wait_told(scheduler, R"("agent_id":{"value":")", "\"");
  const std::string head = R"({"framework_id":{"value":")" + scheduler.framework + R"("},)";
  const std::string task = R"("agent_id":{"value":")" + agent + R"("},"task_id":{"value":"t"})";
  const auto resource = [](const std::string& name, const std::string& value) {
    return R"({"name":")" + name + R"(","type":"SCALAR","scalar":{"value":)" + value + "}}";
  };
  call_once(scheduler,
            post(head + R"("type":"ACCEPT","accept":{"offer_ids":[{"value":")" + offer +
                     R"("}],"operations":[{"type":"LAUNCH","launch":{"task_infos":[{"name":"t",)" +
                     task + R"(,"command":{"value":"exec sleep 1000"},"resources":[)" +
                     resource("cpus", "0.1") + "," + resource("mem", "32") + "]}]}}]}}",
                 scheduler.id));
  const auto acknowledge = [&](const std::string& state) {
    // Of this state, which stands before its uuid.
    const std::string told =
        wait_told(scheduler, R"("state":")" + state + "\"", R"("container_status")");
    const std::string uuid = between(told + "\"", R"("uuid":")", "\"");
    return post(
        head + R"("type":"ACKNOWLEDGE","acknowledge":{)" + task + R"(,"uuid":")" + uuid + "\"}}",
        scheduler.id);
  };
  call_once(scheduler, acknowledge("TASK_STARTING"));
  scheduler.texts[0] = acknowledge("TASK_RUNNING");
  call_once(scheduler, scheduler.texts[0]);
  call_once(scheduler, scheduler.texts[2]);
  scheduler.texts[1] =
      post(head + R"("type":"DECLINE","decline":{"offer_ids":[{"value":")" + offer + R"("}]}})",
           scheduler.id);
  scheduler.texts[3] =
      post(head + R"("type":"RECONCILE","reconcile":{"tasks":[{)" + task + "}]}}", scheduler.id);
  scheduler.real = true;
  scheduler.told.clear();
}

// Counts the answers to reconciles in what has come on a stream.
void read_stream(Scheduler& scheduler) {
  static const std::string kMark = "REASON_RECONCILIATION";
  char buffer[65'536];
  const ssize_t got = ::recv(scheduler.stream, buffer, sizeof buffer, MSG_DONTWAIT);
  if (got <= 0) fail("a stream was closed");
  scheduler.told.append(buffer, static_cast<std::size_t>(got));
  std::size_t from = 0;
  for (std::size_t at = scheduler.told.find(kMark); at != std::string::npos;
       at = scheduler.told.find(kMark, from)) {
    ++scheduler.answers;
    from = at + kMark.size();
  }
  from = std::max(from, scheduler.told.size() - std::min(scheduler.told.size(), kMark.size() - 1));
  scheduler.told.erase(0, from);
}

// Calls in this time, over every connection at once; what was sent is answered before it returns.
double calls_per_second(std::vector<Scheduler>& schedulers, double seconds) {
  const int poll = ::epoll_create1(EPOLL_CLOEXEC);
  for (Scheduler& scheduler : schedulers) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &scheduler;
    ::epoll_ctl(poll, EPOLL_CTL_ADD, scheduler.calls, &event);
    if (scheduler.real) {
      event.data.u64 |= 1;  // the same scheduler's stream
      ::epoll_ctl(poll, EPOLL_CTL_ADD, scheduler.stream, &event);
    }
    write_all(scheduler.calls, scheduler.next());
  }
  const auto start = std::chrono::steady_clock::now();
  const auto elapsed = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  std::uint64_t answered = 0;
  std::size_t waiting = schedulers.size();
  double at_end = 0;
  while (waiting > 0) {
    std::array<epoll_event, 128> events;
    const int count = ::epoll_wait(poll, events.data(), events.size(), 10'000);
    if (count <= 0) fail("calls are not answered");
    const bool more = elapsed() < seconds;
    for (int i = 0; i < count; ++i) {
      const std::uint64_t whose = events[static_cast<std::size_t>(i)].data.u64;
      auto& scheduler = *reinterpret_cast<Scheduler*>(whose & ~std::uint64_t{1});
      if ((whose & 1) != 0) {
        read_stream(scheduler);
        continue;
      }
      char buffer[2048];
      const ssize_t got = ::read(scheduler.calls, buffer, sizeof buffer);
      if (got <= 0) fail("a connection for calls was closed");
      scheduler.received.append(buffer, static_cast<std::size_t>(got));
      if (scheduler.received.find("\r\n\r\n") == std::string::npos) continue;
      if (scheduler.received.compare(0, 12, "HTTP/1.1 202") != 0) fail(scheduler.received);
      scheduler.received.clear();
      ++answered;
      if (more) {
        write_all(scheduler.calls, scheduler.next());
      } else {
        --waiting;
      }
    }
    at_end = elapsed();
  }
  ::close(poll);
  return static_cast<double>(answered) / at_end;
}

std::uint16_t port_of(const bench::RealCluster& cluster) {
  return static_cast<std::uint16_t>(std::stoi(cluster.http().substr(cluster.http().find(':') + 1)));
}

// Each reconcile is answered, and nothing else: what was counted is work that was done.
void await_answers(std::vector<Scheduler>& schedulers) {
  const auto begun = std::chrono::steady_clock::now();
  for (Scheduler& scheduler : schedulers) {
    while (scheduler.answers < scheduler.reconciles) {
      pollfd ready{scheduler.stream, POLLIN, 0};
      if (::poll(&ready, 1, 1'000) == 1) read_stream(scheduler);
      if (std::chrono::steady_clock::now() - begun > std::chrono::seconds(20)) {
        fail(std::to_string(scheduler.answers) + " answers to " +
             std::to_string(scheduler.reconciles) + " reconciles");
      }
    }
  }
}

double calls_made(const std::vector<Scheduler>& schedulers) {
  double made = 0;
  for (const Scheduler& scheduler : schedulers) made += static_cast<double>(scheduler.made);
  return made;
}

void measure_real_calls(bench::Report& report) {
  const std::string dir = "/tmp/bourse-bench-real-" + std::to_string(::getpid());
  auto cluster = bench::RealCluster::start(dir, {"--resources=cpus:1000;mem:1000000"});
  if (!cluster.ok()) fail(cluster.error().message);
  auto floor = bench::RealCluster::start_instead("bench-http-calls", {"--serve"}, dir + "-floor");
  if (!floor.ok()) fail(floor.error().message);
  report.progress("connecting 100 schedulers, each with a task");
  std::vector<Scheduler> schedulers(kSchedulers);
  for (Scheduler& scheduler : schedulers) {
    subscribe(scheduler, port_of(*cluster));
    scheduler.calls = connect_to(port_of(*cluster));
    get_real(scheduler);
  }
  std::vector<Scheduler> on_floor = schedulers;
  for (Scheduler& scheduler : on_floor) {
    scheduler.calls = connect_to(port_of(*floor));
    scheduler.real = false;
    scheduler.texts[0] = scheduler.texts[3];  // the longest
  }
  const int rounds = report.quick() ? 3 : 7;
  double best = 0, best_floor = 0, cpu_ns = 0, calls = 0;
  for (int round = 0; round < rounds; ++round) {
    report.progress("real calls, round " + std::to_string(round + 1));
    best_floor = std::max(best_floor, calls_per_second(on_floor, 1));
    const double before = bench::cpu_ns_of(cluster->master_pid());
    const double made = calls_made(schedulers);
    best = std::max(best, calls_per_second(schedulers, 2));
    await_answers(schedulers);
    cpu_ns += bench::cpu_ns_of(cluster->master_pid()) - before;
    calls += calls_made(schedulers) - made;
  }
  const bench::Params params = {{"schedulers", "100"}};
  report.add({"real_calls_per_second", best, "1/s", best_floor, params});
  report.add({"real_master_cpu_per_call", cpu_ns / calls / 1e3, "us", {}, params});
}

void measure_calls(bench::Report& report) {
  const std::string dir = "/tmp/bourse-bench-" + std::to_string(::getpid());
  auto master = bench::RealCluster::start_master(dir);
  if (!master.ok()) fail(master.error().message);
  auto floor = bench::RealCluster::start_instead("bench-http-calls", {"--serve"}, dir + "-floor");
  if (!floor.ok()) fail(floor.error().message);
  report.progress("connecting 100 schedulers");
  std::vector<Scheduler> schedulers(kSchedulers);
  for (Scheduler& scheduler : schedulers) subscribe(scheduler, port_of(*master));
  std::vector<Scheduler> on_floor = schedulers;
  for (Scheduler& scheduler : schedulers) scheduler.calls = connect_to(port_of(*master));
  for (Scheduler& scheduler : on_floor) scheduler.calls = connect_to(port_of(*floor));
  // In turn, so that other work of the machine meets both.
  const int rounds = report.quick() ? 3 : 7;
  double best = 0, best_floor = 0, cpu_ns = 0, calls = 0;
  for (int round = 0; round < rounds; ++round) {
    report.progress("calls, round " + std::to_string(round + 1));
    best_floor = std::max(best_floor, calls_per_second(on_floor, 1));
    const double before = bench::cpu_ns_of(master->master_pid());
    const double made = calls_made(schedulers);
    best = std::max(best, calls_per_second(schedulers, 2));
    cpu_ns += bench::cpu_ns_of(master->master_pid()) - before;
    calls += calls_made(schedulers) - made;
  }
  const bench::Params params = {{"schedulers", "100"}};
  report.add({"calls_per_second", best, "1/s", best_floor, params});
  report.add({"master_cpu_per_call", cpu_ns / calls / 1e3, "us", {}, params});
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], "--serve") == 0) return serve_floor();
  bench::Report report("http-calls", argc, argv);
  measure_calls(report);
  measure_real_calls(report);
  if (!bench::measure_json(report)) fail("the recorded offer does not parse");
  return report.finish();
}
