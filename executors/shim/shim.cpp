#include "executors/shim/shim.hpp"

#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "agent/isolation/process_identity.hpp"

namespace bourse::shim {

using namespace executor;
using isolation::Frame;
using isolation::FrameType;
using isolation::LaunchRecord;
using isolation::LaunchStep;

namespace {

Instant now() {
  timespec time{};
  ::clock_gettime(CLOCK_BOOTTIME, &time);
  return {static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec};
}

CommandOptions options_of(const LaunchRecord& record) {
  CommandOptions options;
  if (record.destroy_limit_ms > 0) {
    options.destroy_limit = Duration::milliseconds(record.destroy_limit_ms);
  }
  return options;
}

}  // namespace

Shim::Shim(LaunchRecord record, int run_dir_fd, int signal_fd)
    : record_(std::move(record)),
      run_dir_fd_(run_dir_fd),
      signal_fd_(signal_fd),
      self_(isolation::identify(::getpid())),
      machine_(options_of(record_)),
      tree_(record_),
      health_(record_, record_.health, true, tree_),
      check_(record_, record_.check, false, tree_),
      link_(record_.socket_dir) {}

void Shim::push(decltype(CommandEvent::kind) kind) {
  events_.push_back({now(), kind});
}

void Shim::drain() {
  CommandEffects effects;
  while (!events_.empty()) {
    const CommandEvent event = events_.front();
    events_.pop_front();
    effects.clear();
    machine_.step(event, effects);
    for (const CommandEffect& effect : effects) apply(effect);
  }
}

void Shim::run() {
  connect_if_due();
  start();
  drain();
  while (!finished_) wait_and_dispatch();
}

void Shim::fail_launch(const SetupReport& report) {
  push(LaunchFailed{report.step, report.error});
}

void Shim::start() {
  isolation::reserve_state(run_dir_fd_, isolation::kExitFile);
  const int sandbox =
      ::open(record_.sandbox_dir.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  if (sandbox < 0) {
    return fail_launch({static_cast<std::int32_t>(LaunchStep::sandbox), errno});
  }
  const auto open_log = [&](OutputLog& log, const char* name) {
    return log.open(sandbox, name, record_.output_cap_bytes, record_.switch_user, record_.uid,
                    record_.gid);
  };
  int error = open_log(stdout_log_, "stdout");
  if (error == 0) error = open_log(stderr_log_, "stderr");
  if (error != 0) return fail_launch({static_cast<std::int32_t>(LaunchStep::output), error});
  SetupReport report = tree_.prepare(record_);
  if (report.step == 0) {
    report = tree_.start_task(record_, stdout_log_.write_end(), stderr_log_.write_end());
  }
  stdout_log_.close_write_end();
  stderr_log_.close_write_end();
  if (report.step != 0) fail_launch(report);
  // Only the child needed them; the environment may be large, and may hold secrets.
  record_.argv = {};
  record_.env = {};
  ::malloc_trim(0);
}

int Shim::poll_timeout_ms() const {
  const Instant next = std::min({machine_.next_deadline(), link_.next_attempt(),
                                 health_.next_deadline(), check_.next_deadline()});
  if (next == Instant::max()) return -1;
  const Duration left = next - now();
  // Rounded up: waking early only to find that nothing is due would spin.
  return static_cast<int>(std::clamp<std::int64_t>((left.ns + 999'999) / 1'000'000, 0, 60'000));
}

void Shim::wait_and_dispatch() {
  pollfd fds[] = {{signal_fd_, POLLIN, 0},
                  {link_.fd(), POLLIN, 0},
                  {tree_.report_fd(), POLLIN, 0},
                  {stdout_log_.read_end(), POLLIN, 0},
                  {stderr_log_.read_end(), POLLIN, 0},
                  {tree_.oom_watch(), POLLIN, 0},
                  health_.polled(),
                  check_.polled()};
  if (::poll(fds, std::size(fds), poll_timeout_ms()) < 0 && errno != EINTR) return;
  // The setup report before the signals: a task that is already dead was started first.
  if (fds[2].revents != 0) on_setup_report();
  if (fds[3].revents != 0) stdout_log_.pump();
  if (fds[4].revents != 0) stderr_log_.pump();
  // Likewise the reason before the death.
  if (fds[5].revents != 0 && tree_.oom_watch() >= 0 && tree_.oom_happened()) push(OomHit{});
  if (fds[0].revents != 0) on_signals();
  if (fds[1].revents != 0) on_agent_frame();
  turn_checks(fds[6], fds[7]);
  connect_if_due();
  if (now() >= machine_.next_deadline()) push(Ticked{});
  drain();
}

void Shim::turn_checks(const pollfd& health, const pollfd& check) {
  // Signals come before: a descriptor may have been closed since it was polled.
  if (health.revents != 0 && health.fd == health_.polled().fd) health_.on_ready(now());
  if (check.revents != 0 && check.fd == check_.polled().fd) check_.on_ready(now());
  for (CheckRunner* runner : {&health_, &check_}) {
    if (machine_.phase() > CommandPhase::running) runner->halt(now());
    runner->turn(now());
  }
  const bool ends = health_.take_verdict();
  if (ends) unhealthy_ = true;
  const bool told = health_.take_news();
  if (check_.take_news() || told || ends) report_checks();
  if (ends) push(KillRequested{Duration::milliseconds(record_.kill_grace_ms)});
}

void Shim::connect_if_due() {
  if (!link_.try_connect(now())) return;
  Frame hello = isolation::make_frame(FrameType::hello);
  record_.token.copy(hello.token, sizeof hello.token);
  hello.pid = self_.pid;
  hello.start_time = self_.start_time;
  if (link_.send(hello, now())) push(AgentConnected{});
}

void Shim::on_agent_frame() {
  Frame frame;
  const int got = link_.receive(frame, now());
  if (got < 0) push(AgentLost{});
  if (got <= 0) return;
  switch (static_cast<FrameType>(frame.type)) {
    case FrameType::kill:
      push(KillRequested{Duration::milliseconds(frame.grace_ms)});
      break;
    case FrameType::signal:
      push(SignalRequested{frame.signal});
      break;
    case FrameType::acknowledge:
      push(ExitAcknowledged{});
      break;
    default:  // of a newer agent
      break;
  }
}

void Shim::on_signals() {
  signalfd_siginfo info{};
  while (::read(signal_fd_, &info, sizeof info) == sizeof info) {
    if (info.ssi_signo == SIGUSR1) link_.poke(now());
    if (info.ssi_signo == SIGTERM) {
      push(KillRequested{Duration::milliseconds(record_.term_grace_ms)});
    }
  }
  tree_.reap(reaped_);
  push_reaped();
}

void Shim::push_reaped() {
  for (const ContainerTree::Reaped& one : reaped_) {
    if (one.task) {
      // The watch is asynchronous to the death; the counter is not.
      if (tree_.usage().oom_kills > 0) push(OomHit{});
      push(TaskExited{one.wait_status});
    } else {
      health_.on_reaped(now(), one.pid, one.wait_status);
      check_.on_reaped(now(), one.pid, one.wait_status);
      push(ProcessReaped{});
    }
  }
  reaped_.clear();
}

void Shim::on_setup_report() {
  SetupReport report;
  if (!tree_.read_report(report)) return;
  if (report.step != 0) {
    fail_launch(report);
    return;
  }
  task_start_time_ = isolation::identify(tree_.task_pid()).start_time;
  push(TaskStarted{});
  drain();
  health_.begin(now());
  check_.begin(now());
  note_task();  // after the report: nobody waits for it
}

void Shim::note_task() {
  // Needed only by an agent that finds this shim dead; without it that agent merely knows less.
  const Status noted = isolation::write_state(
      run_dir_fd_, isolation::kTaskFile,
      {{"pid", std::to_string(tree_.task_pid())}, {"start_time", std::to_string(task_start_time_)}},
      isolation::Durability::process_crash);
  (void)noted.ok();
}

void Shim::apply(const CommandEffect& effect) {
  if (const auto* signal = std::get_if<SignalTask>(&effect)) {
    tree_.signal_task(signal->signal);
  } else if (std::holds_alternative<DestroyPass>(effect)) {
    const bool empty = tree_.destroy_pass(reaped_);
    push_reaped();
    push(DestroyPassed{empty});
  } else if (std::holds_alternative<StoreExit>(effect)) {
    if (store_exit()) {
      push(ExitStored{});
    } else {
      push(ExitNotStored{});
      // A run directory that was removed will never be read: whoever is connected has the status
      // now, and to wait for anybody else would be to wait for ever.
      struct stat info {};
      if (::fstat(run_dir_fd_, &info) == 0 && info.st_nlink == 0) push(ExitAcknowledged{});
    }
  } else if (std::holds_alternative<ReportStarted>(effect)) {
    report_started();
  } else if (std::holds_alternative<ReportOom>(effect)) {
    if (!link_.send(isolation::make_frame(FrameType::oom), now())) push(AgentLost{});
  } else if (std::holds_alternative<ReportExited>(effect)) {
    Frame frame = isolation::make_frame(FrameType::exited);
    isolation::put_exit_record(exit_record(), frame);
    if (!link_.send(frame, now())) push(AgentLost{});
  } else {
    finished_ = true;
  }
}

void Shim::report_checks() {
  if (!health_.wanted() && !check_.wanted()) return;
  Frame frame = isolation::make_frame(FrameType::checked);
  const CheckMachine& health = health_.machine();
  if (health.health()) frame.flags |= isolation::kFlagHealthKnown;
  if (health.health() == true) frame.flags |= isolation::kFlagHealthy;
  if (unhealthy_) frame.flags |= isolation::kFlagUnhealthy;
  frame.signal = static_cast<std::int32_t>(health.failures());
  frame.launch_step = static_cast<std::int32_t>(record_.check.kind);
  const CheckMachine& check = check_.machine();
  if (check.value()) frame.flags |= isolation::kFlagCheckKnown;
  frame.wait_status = check.value().value_or(0);
  if (!link_.send(frame, now())) push(AgentLost{});
}

void Shim::report_started() {
  report_checks();
  Frame frame = isolation::make_frame(FrameType::started);
  frame.pid = tree_.task_pid();
  frame.start_time = task_start_time_;
  if (!link_.send(frame, now())) push(AgentLost{});
}

isolation::ExitRecord Shim::exit_record() const {
  const CommandOutcome& outcome = machine_.outcome();
  const isolation::CgroupUsage usage = tree_.usage();
  isolation::ExitRecord record;
  record.launched = outcome.launched;
  record.wait_status = outcome.wait_status;
  record.launch_step = static_cast<LaunchStep>(outcome.launch_step);
  record.launch_errno = outcome.launch_errno;
  record.oom = outcome.oom;
  record.killed = outcome.killed;
  record.leaked = outcome.leaked;
  record.durable = outcome.durable;
  record.unhealthy = unhealthy_;
  record.cpu_ns = usage.cpu_ns;
  record.memory_peak_bytes = usage.memory_peak_bytes;
  record.oom_kills = usage.oom_kills;
  record.output_dropped_bytes = stdout_log_.dropped_bytes() + stderr_log_.dropped_bytes();
  return record;
}

bool Shim::store_exit() {
  // The tree is gone, so what the pipes hold is all there will ever be. A leaked process could
  // write on for ever: a bounded number of pieces.
  for (int piece = 0; piece < 256 && stdout_log_.pump(); ++piece) continue;
  for (int piece = 0; piece < 256 && stderr_log_.pump(); ++piece) continue;
  return isolation::write_state(run_dir_fd_, isolation::kExitFile,
                                isolation::fields_of(exit_record()),
                                isolation::Durability::power_loss)
      .ok();
}

void detach_stdio() {
  const int null = ::open("/dev/null", O_RDWR);
  for (int fd = 0; fd < 3; ++fd) ::dup2(null, fd);
  if (null > 2) ::close(null);
}

namespace {

// All signals are blocked for good: the few that matter are read from the descriptor, at our time.
int open_signal_fd() {
  sigset_t all;
  ::sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, nullptr);
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  ::sigaction(SIGCHLD, &standard, nullptr);  // the launcher ignores it, and that is inherited
  sigset_t wanted;
  ::sigemptyset(&wanted);
  ::sigaddset(&wanted, SIGCHLD);
  ::sigaddset(&wanted, SIGUSR1);
  ::sigaddset(&wanted, SIGTERM);
  return ::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
}

std::string read_record(int fd) {
  struct stat info {};
  std::string bytes;
  if (::fstat(fd, &info) != 0 || info.st_size <= 0 ||
      static_cast<std::size_t>(info.st_size) > isolation::kMostLaunchRecordBytes) {
    return bytes;
  }
  bytes.resize(static_cast<std::size_t>(info.st_size));
  if (::pread(fd, bytes.data(), bytes.size(), 0) != info.st_size) bytes.clear();
  ::close(fd);
  return bytes;
}

}  // namespace

int run_shim(const std::string& container_id) {
  const int signal_fd = open_signal_fd();
  detach_stdio();
  ::setsid();
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  ::prctl(PR_SET_NAME, "bourse-shim", 0, 0, 0);
  // A task of the same user must not be able to look into or steer its shim.
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  ::umask(022);
  if (::chdir("/") != 0 || signal_fd < 0) return 1;
  Result<LaunchRecord> record = isolation::decode_launch_record(read_record(3));
  if (!record.ok() || record->container_id != container_id) return 1;
  const int run_dir = ::open(record->run_dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (run_dir < 0) return 1;
  const isolation::ProcessIdentity self = isolation::identify(::getpid());
  // Whoever has the name of the shim file has the container. If the agent has given this launch up,
  // or another shim came first, nothing was touched yet: leave.
  const Status claimed = isolation::claim_state(run_dir, isolation::kShimFile,
                                                {{"state", "running"},
                                                 {"boot_id", isolation::boot_id()},
                                                 {"pid", std::to_string(self.pid)},
                                                 {"start_time", std::to_string(self.start_time)}});
  if (!claimed.ok()) return 1;
  Shim shim(std::move(*record), run_dir, signal_fd);
  shim.run();
  return 0;
}

}  // namespace bourse::shim
