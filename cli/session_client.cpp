#include "cli/session_client.hpp"

#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "proto/codec/record_io.hpp"
#include "proto/v1/agent_response.pb.h"
#include "runtime/entropy.hpp"
#include "runtime/http_client.hpp"
#include "runtime/loop.hpp"

namespace bourse::cli {

namespace {

using mesos::v1::agent::Call;
using mesos::v1::agent::ProcessIO;
using AgentResponse = mesos::v1::agent::Response;
using Input = Call::AttachContainerInput;

constexpr char kProtobuf[] = "application/x-protobuf";
constexpr char kRecords[] = "application/recordio";
constexpr std::size_t kMostWaiting = 256u << 10;  // of input that the network has not taken
constexpr Duration kHeartbeat = Duration::seconds(30);
constexpr Duration kAskForMoreAfter = Duration::milliseconds(5);

// The local terminal, handed through: what is typed is the program's, Ctrl-C included.
class RawTerminal {
 public:
  void begin() {
    if (::tcgetattr(STDIN_FILENO, &before_) != 0) return;
    termios raw = before_;
    ::cfmakeraw(&raw);
    changed_ = ::tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
  }
  void end() {
    if (changed_) ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
    changed_ = false;
  }
  ~RawTerminal() { end(); }

 private:
  termios before_{};
  bool changed_ = false;
};

std::optional<winsize> window() {
  winsize size{};
  const bool known = ::ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0 ||
                     ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;
  if (!known || size.ws_row == 0 || size.ws_col == 0) return std::nullopt;
  return size;
}

void write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;  // nobody reads us
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

// Reads stdin, whatever it is, on a thread: one piece at a time, the next when it is asked for. The
// thread may sit in read() when the process ends; it owns what it touches.
class StdinReader {
 public:
  using OnPiece = std::function<void(std::string)>;

  StdinReader(runtime::Loop& loop, OnPiece on_piece) : state_(std::make_shared<State>()) {
    state_->on_piece = std::move(on_piece);
    std::thread([state = state_, loop = loop.ref()] { read(state, loop); }).detach();
  }
  ~StdinReader() { state_->on_piece = nullptr; }
  void next() {
    const std::lock_guard lock(state_->mutex);
    state_->wanted = true;
    state_->changed.notify_one();
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    bool wanted = false;
    OnPiece on_piece;  // of the main thread
  };

  static void read(const std::shared_ptr<State>& state, const runtime::LoopRef& loop) {
    while (true) {
      {
        std::unique_lock lock(state->mutex);
        state->changed.wait(lock, [&] { return state->wanted; });
        state->wanted = false;
      }
      std::string piece(32u << 10, '\0');
      ssize_t got = 0;
      do {
        got = ::read(STDIN_FILENO, piece.data(), piece.size());
      } while (got < 0 && errno == EINTR);
      piece.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
      const bool end = piece.empty();
      const bool alive = loop.post([state, piece = std::move(piece)]() mutable {
        if (state->on_piece) state->on_piece(std::move(piece));
      });
      if (end || !alive) return;
    }
  }

  std::shared_ptr<State> state_;
};

class SessionClient {
 public:
  explicit SessionClient(const SessionRequest& request) : request_(request) {}
  Result<std::int32_t> run();

 private:
  mesos::v1::ContainerID id() const;
  Call launch_call() const;
  runtime::HttpClientRequest post(const Call& call, bool streamed_answer) const;
  void launch();
  void on_output(std::string_view bytes);
  void begin_input();
  void send_input(const Input& input);
  void send_bytes(std::string bytes);
  void send_window();
  void ask_for_more();
  Result<AgentResponse> ask(const Call& call);
  Result<std::int32_t> how_it_ended();
  void stop(Error error);

  const SessionRequest& request_;
  const std::string name_ = "exec-" + runtime::random_hex(8);
  runtime::Loop loop_;
  RawTerminal terminal_;
  codec::RecordDecoder decoder_;
  int status_ = 0;  // of the answer to the launch
  std::string refusal_;
  std::optional<Error> error_;
  runtime::HttpCall output_;
  runtime::HttpCall input_;
  std::unique_ptr<StdinReader> stdin_;
  runtime::SignalWatch signals_;
  runtime::Timer heartbeat_;
  runtime::Timer look_again_;
};

mesos::v1::ContainerID SessionClient::id() const {
  mesos::v1::ContainerID out;
  out.set_value(name_);
  out.mutable_parent()->set_value(request_.container);
  return out;
}

Call SessionClient::launch_call() const {
  Call call;
  call.set_type(Call::LAUNCH_NESTED_CONTAINER_SESSION);
  auto& launch = *call.mutable_launch_nested_container_session();
  *launch.mutable_container_id() = id();
  auto& command = *launch.mutable_command();
  command.set_shell(false);
  command.set_value(request_.command.front());
  for (const std::string& word : request_.command) command.add_arguments(word);
  if (!request_.tty) return call;
  launch.mutable_container()->set_type(mesos::v1::ContainerInfo::MESOS);
  auto& tty = *launch.mutable_container()->mutable_tty_info();
  if (const auto size = window()) {
    tty.mutable_window_size()->set_rows(size->ws_row);
    tty.mutable_window_size()->set_columns(size->ws_col);
  }
  const char* const kind = std::getenv("TERM");
  auto& variable = *command.mutable_environment()->add_variables();
  variable.set_name("TERM");
  variable.set_value(kind != nullptr ? kind : "xterm");
  return call;
}

runtime::HttpClientRequest SessionClient::post(const Call& call, bool streamed_answer) const {
  runtime::HttpClientRequest out;
  out.method = "POST";
  out.url = "http://" + request_.agent + "/api/v1";
  if (!request_.authorization.empty()) out.headers.add("Authorization", request_.authorization);
  out.headers.add("Content-Type", kProtobuf);
  out.headers.add("Accept", streamed_answer ? kRecords : kProtobuf);
  if (streamed_answer) out.headers.add("Message-Accept", kProtobuf);
  out.body = call.SerializeAsString();
  return out;
}

void SessionClient::stop(Error error) {
  if (!error_) error_ = std::move(error);
  loop_.stop();
}

void SessionClient::launch() {
  runtime::HttpClientCallbacks callbacks;
  callbacks.on_head = [this](const runtime::HttpResponse& head) {
    status_ = head.status;
    if (status_ == 200) begin_input();
  };
  callbacks.on_data = [this](std::string_view bytes) {
    if (status_ == 200) return on_output(bytes);
    refusal_ += bytes.substr(0, 4096 - std::min<std::size_t>(refusal_.size(), 4096));
  };
  callbacks.on_response = [this](const runtime::HttpResponse&) {
    if (status_ == 200) return loop_.stop();
    while (refusal_.ends_with('\n')) refusal_.pop_back();
    stop({ErrorCode::invalid,
          refusal_.empty() ? "the agent answered " + std::to_string(status_) : refusal_});
  };
  callbacks.on_error = [this](const Error& error) {
    stop({error.code, "agent " + request_.agent + ": " + error.message});
  };
  output_ = runtime::http_request(loop_, post(launch_call(), true), std::move(callbacks));
}

void SessionClient::on_output(std::string_view bytes) {
  std::vector<std::string> records;
  if (const Status fed = decoder_.feed(bytes, records); !fed.ok()) return stop(fed.error());
  for (const std::string& record : records) {
    ProcessIO io;
    if (!io.ParseFromString(record)) {
      return stop({ErrorCode::invalid, "the agent sent output that does not parse"});
    }
    if (io.type() != ProcessIO::DATA) continue;
    const bool error = io.data().type() == ProcessIO::Data::STDERR;
    write_all(error ? STDERR_FILENO : STDOUT_FILENO, io.data().data());
  }
}

void SessionClient::begin_input() {
  runtime::HttpClientRequest out;
  out.method = "POST";
  out.url = "http://" + request_.agent + "/api/v1";
  if (!request_.authorization.empty()) out.headers.add("Authorization", request_.authorization);
  out.headers.add("Content-Type", kRecords);
  out.headers.add("Message-Content-Type", kProtobuf);
  out.headers.add("Accept", kProtobuf);
  out.open_body = true;
  runtime::HttpClientCallbacks callbacks;
  // Its end says nothing that the end of the output does not say better, unless it is refused.
  callbacks.on_response = [this](const runtime::HttpResponse& answer) {
    if (answer.status / 100 == 2 || answer.status == 404 || answer.status == 409) return;
    stop({ErrorCode::invalid, std::string(answer.bytes())});
  };
  callbacks.on_error = [](const Error&) {};
  input_ = runtime::http_request(loop_, std::move(out), std::move(callbacks));
  Input first;
  first.set_type(Input::CONTAINER_ID);
  *first.mutable_container_id() = id();
  send_input(first);
  if (request_.tty) {
    terminal_.begin();
    signals_ = loop_.on_signals({SIGWINCH, SIGTERM, SIGHUP}, [this](int signal) {
      if (signal == SIGWINCH) return send_window();
      stop({ErrorCode::unavailable, "interrupted"});
    });
  }
  heartbeat_ = loop_.every(kHeartbeat, [this] {
    Input beat;
    beat.set_type(Input::PROCESS_IO);
    auto& control = *beat.mutable_process_io()->mutable_control();
    beat.mutable_process_io()->set_type(ProcessIO::CONTROL);
    control.set_type(ProcessIO::Control::HEARTBEAT);
    control.mutable_heartbeat()->mutable_interval()->set_nanoseconds(kHeartbeat.ns);
    send_input(beat);
  });
  stdin_ = std::make_unique<StdinReader>(
      loop_, [this](std::string piece) { send_bytes(std::move(piece)); });
  stdin_->next();
}

void SessionClient::send_input(const Input& input) {
  Call call;
  call.set_type(Call::ATTACH_CONTAINER_INPUT);
  *call.mutable_attach_container_input() = input;
  std::string record;
  codec::append_record(call.SerializeAsString(), record);
  input_.send(std::move(record));
}

void SessionClient::send_bytes(std::string bytes) {
  const bool end = bytes.empty();
  Input input;
  input.set_type(Input::PROCESS_IO);
  input.mutable_process_io()->set_type(ProcessIO::DATA);
  auto& data = *input.mutable_process_io()->mutable_data();
  data.set_type(ProcessIO::Data::STDIN);
  data.set_data(std::move(bytes));
  send_input(input);
  if (!end) ask_for_more();
}

void SessionClient::ask_for_more() {
  if (input_.queued_bytes() < kMostWaiting) return stdin_->next();
  look_again_ = loop_.after(kAskForMoreAfter, [this] { ask_for_more(); });
}

void SessionClient::send_window() {
  const auto size = window();
  if (!size) return;
  Input input;
  input.set_type(Input::PROCESS_IO);
  input.mutable_process_io()->set_type(ProcessIO::CONTROL);
  auto& control = *input.mutable_process_io()->mutable_control();
  control.set_type(ProcessIO::Control::TTY_INFO);
  control.mutable_tty_info()->mutable_window_size()->set_rows(size->ws_row);
  control.mutable_tty_info()->mutable_window_size()->set_columns(size->ws_col);
  send_input(input);
}

Result<AgentResponse> SessionClient::ask(const Call& call) {
  std::optional<Result<AgentResponse>> out;
  runtime::HttpClientCallbacks callbacks;
  callbacks.on_response = [&](const runtime::HttpResponse& answer) {
    AgentResponse response;
    if (answer.status == 200 && response.ParseFromString(std::string(answer.bytes()))) {
      out = std::move(response);
    } else {
      out = Error{ErrorCode::invalid, std::string(answer.bytes())};
    }
    loop_.stop();
  };
  callbacks.on_error = [&](const Error& error) {
    out = error;
    loop_.stop();
  };
  const auto asked = runtime::http_request(loop_, post(call, false), std::move(callbacks));
  while (!out) loop_.run();
  return std::move(*out);
}

Result<std::int32_t> SessionClient::how_it_ended() {
  Call wait;
  wait.set_type(Call::WAIT_NESTED_CONTAINER);
  *wait.mutable_wait_nested_container()->mutable_container_id() = id();
  auto ended = ask(wait);
  if (!ended.ok()) return ended.error();
  Call remove;
  remove.set_type(Call::REMOVE_NESTED_CONTAINER);
  *remove.mutable_remove_nested_container()->mutable_container_id() = id();
  (void)ask(remove);  // else the agent forgets it by itself
  const auto& how = ended->wait_nested_container();
  if (how.has_exit_status()) return how.exit_status();
  return Error{ErrorCode::unavailable, "how it ended is not known: " + how.message()};
}

Result<std::int32_t> SessionClient::run() {
  launch();
  loop_.run();
  signals_.cancel();
  terminal_.end();
  stdin_.reset();
  input_.cancel();
  output_.cancel();
  if (error_) return *error_;
  return how_it_ended();
}

}  // namespace

Result<std::int32_t> run_session(const SessionRequest& request) {
  SessionClient client(request);
  return client.run();
}

}  // namespace bourse::cli
