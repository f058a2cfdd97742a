#include "framework-sdk/link/http_transport.hpp"

#include <algorithm>

#include "base/prng.hpp"
#include "proto/codec/credential_form.hpp"
#include "proto/codec/scheduler.hpp"
#include "runtime/entropy.hpp"
#include "runtime/http_basic.hpp"
#include "runtime/secret_file.hpp"

namespace bourse::sdk {

namespace {

constexpr char kPath[] = "/api/v1/scheduler";
constexpr codec::Encoding kEncoding = codec::Encoding::protobuf;
constexpr Duration kFirstPause = Duration::milliseconds(500);  // doubles up to kLongestPause
constexpr Duration kLongestPause = Duration::seconds(15);
constexpr Duration kBusyPause = Duration::milliseconds(500);  // of a master with too much to do
constexpr std::uint32_t kMostSentOn = 5;
constexpr std::size_t kMaxRefusalBytes = 4096;

// Whether another try, here or elsewhere, may go better.
bool is_for_a_while(int status) {
  return status == 307 || status == 429 || status >= 500;
}

}  // namespace

Result<std::vector<std::string>> parse_http_masters(std::string_view text) {
  constexpr std::string_view kScheme = "http://";
  std::vector<std::string> out;
  std::string_view rest = text;
  while (true) {
    const std::size_t end = std::min(rest.find(','), rest.size());
    std::string_view one = rest.substr(0, end);
    if (one.starts_with(kScheme)) one.remove_prefix(kScheme.size());
    if (one.ends_with('/')) one.remove_suffix(1);
    const auto url = runtime::parse_http_url("http://" + std::string(one));
    const bool good = url.ok() && url->target == "/" && one.find('/') == std::string_view::npos;
    if (!good) {
      return invalid("options.master: '" + std::string(text) +
                     "' is not http://host:port of a master's HTTP API, several with commas");
    }
    const bool v6 = url->host.find(':') != std::string::npos;
    out.push_back((v6 ? "[" + url->host + "]" : url->host) + ":" + url->port);
    if (end == rest.size()) return out;
    rest.remove_prefix(end + 1);
  }
}

Result<std::string> authorization_of(const std::string& credential_file) {
  if (credential_file.empty()) return std::string();
  const auto text = runtime::read_secret_file(credential_file);
  if (!text.ok()) {
    return Error{text.error().code, "options.credential_file: " + text.error().message};
  }
  const auto credential = codec::read_credential(text.value());
  if (!credential.ok()) {
    return invalid("options.credential_file: " + credential_file + ": " +
                   credential.error().message);
  }
  return runtime::basic_authorization(credential->principal, credential->secret);
}

std::string authority_of(std::string_view location) {
  if (location.starts_with("http:")) location.remove_prefix(5);
  if (!location.starts_with("//")) return {};
  location.remove_prefix(2);
  return std::string(location.substr(0, location.find('/')));
}

HttpTransport::HttpTransport(runtime::Loop& loop, std::vector<std::string> masters,
                             TransportHandlers handlers, std::string authorization)
    : loop_(loop),
      handlers_(std::move(handlers)),
      masters_(std::move(masters)),
      authorization_(std::move(authorization)),
      seed_(runtime::random_u64()) {}

void HttpTransport::start() {
  loop_.post([this] { connect(); });
}

// There is nothing to connect before SUBSCRIBE: whether somebody is there its answer tells.
void HttpTransport::connect() {
  address_ = masters_[next_master_ % masters_.size()];
  sent_on_ = 0;
  handlers_.on_connected();
}

void HttpTransport::send(const FrameworkToMaster& message) {
  const auto* call = std::get_if<SchedulerCall>(&message.body);
  if (call == nullptr) return;  // a heartbeat: the connection is one
  std::string body = codec::encode_scheduler_call(kEncoding, *call);
  if (!std::holds_alternative<call::Subscribe>(call->body)) return enqueue(std::move(body));
  session_ = message.header.session;
  subscribe(std::move(body));
}

// -- the stream

void HttpTransport::subscribe(std::string body) {
  // The machine asks again when no answer comes. A second request for the same would make the
  // master know two frameworks.
  if (asked_ && stream_id_.empty() && body == subscription_) return;
  close();
  subscription_ = std::move(body);
  ask();
}

void HttpTransport::ask() {
  asked_ = true;
  status_ = 0;
  location_.clear();
  refusal_.clear();
  records_ = codec::RecordDecoder();
  sequence_ = 0;
  runtime::HttpClientCallbacks callbacks;
  callbacks.on_head = [this](const runtime::HttpResponse& head) { on_head(head); };
  callbacks.on_data = [this](std::string_view data) { on_data(data); };
  callbacks.on_response = [this](const runtime::HttpResponse&) { on_end(); };
  callbacks.on_error = [this](const Error&) { lost(); };
  runtime::HttpClientRequest request = post_to_master(subscription_);
  request.headers.add("Accept", std::string(codec::media_type(kEncoding)));
  stream_ = runtime::http_request(loop_, std::move(request), std::move(callbacks));
}

runtime::HttpClientRequest HttpTransport::post_to_master(std::string body) const {
  runtime::HttpClientRequest request;
  request.method = "POST";
  request.url = "http://" + address_ + kPath;
  request.headers.add("Content-Type", std::string(codec::media_type(kEncoding)));
  if (!authorization_.empty()) request.headers.add("Authorization", authorization_);
  request.body = std::move(body);
  return request;
}

void HttpTransport::on_head(const runtime::HttpResponse& head) {
  status_ = head.status;
  location_ = std::string(head.headers.get("Location"));
  if (status_ == 200) stream_id_ = std::string(head.headers.get("Mesos-Stream-Id"));
}

void HttpTransport::on_data(std::string_view data) {
  if (status_ != 200) {
    refusal_ += data.substr(0, kMaxRefusalBytes - std::min(kMaxRefusalBytes, refusal_.size()));
    return;
  }
  std::vector<std::string> records;
  const Status read = records_.feed(data, records);
  const std::uint64_t session = session_;
  for (const std::string& record : records) {
    auto event = codec::decode_scheduler_event(kEncoding, record);
    // An event that this SDK does not know is no reason to leave.
    if (!event.ok() && event.error().code == ErrorCode::unsupported) continue;
    if (!event.ok()) return lost();
    deliver(std::move(event).value());
    if (!asked_ || session_ != session) return;  // the owner has given this stream up
  }
  if (!read.ok()) lost();
}

void HttpTransport::deliver(SchedulerEvent event) {
  // As on the link: a heartbeat tells the last number.
  const bool counted = !std::holds_alternative<event::Heartbeat>(event);
  if (counted) ++sequence_;
  handlers_.on_message({{session_, sequence_, 0}, std::move(event)});
}

void HttpTransport::on_end() {
  const std::string leader = status_ == 307 ? authority_of(location_) : std::string();
  if (!leader.empty() && sent_on_ < kMostSentOn) {
    ++sent_on_;
    address_ = leader;
    return ask();
  }
  if (status_ == 200 || is_for_a_while(status_)) return lost();
  // What is wrong with the subscription will be wrong with the next one.
  close();
  handlers_.on_message({{session_, 0, 0}, event::Error{refusal_}});
}

void HttpTransport::close() {
  stream_.cancel();
  asked_ = false;
  stream_id_.clear();
  calls_.clear();
  calls_bytes_ = 0;
  call_.cancel();
  call_again_.cancel();
  call_under_way_ = false;
}

void HttpTransport::lost() {
  close();
  come_again();
  handlers_.on_lost("the connection to the master was lost", false);
}

void HttpTransport::give_up() {
  close();
  come_again();
}

void HttpTransport::come_again() {
  ++next_master_;
  Duration pause = kFirstPause;
  for (std::uint32_t i = 0; i < attempts_ && pause < kLongestPause; ++i) pause = pause * 2;
  ++attempts_;
  again_ = loop_.after(jittered(std::min(pause, kLongestPause)), [this] { connect(); });
}

// From half of it to the whole: a crowd does not come at once.
Duration HttpTransport::jittered(Duration at_most) {
  const auto half = static_cast<std::uint64_t>(at_most.ns / 2);
  return Duration{static_cast<std::int64_t>(half + splitmix64(seed_) % (half + 1))};
}

// -- calls

void HttpTransport::enqueue(std::string body) {
  if (calls_bytes_ + body.size() > kMaxWaitingBytes) {
    handlers_.on_refused("calls of " + std::to_string(calls_bytes_) +
                         " bytes wait for the master, the most that may; this one was not sent");
    return;
  }
  calls_bytes_ += body.size();
  calls_.push_back(std::move(body));
  next_call();
}

void HttpTransport::next_call() {
  if (call_under_way_ || calls_.empty() || stream_id_.empty()) return;
  call_under_way_ = true;
  runtime::HttpClientRequest request = post_to_master(calls_.front());
  request.headers.add("Mesos-Stream-Id", stream_id_);
  runtime::HttpClientCallbacks callbacks;
  callbacks.on_response = [this](const runtime::HttpResponse& answer) { on_call_answer(answer); };
  callbacks.on_error = [this](const Error&) { lost(); };
  call_ = runtime::http_request(loop_, std::move(request), std::move(callbacks));
}

void HttpTransport::on_call_answer(const runtime::HttpResponse& answer) {
  if (answer.status == 429 || answer.status == 503) return call_again();
  // It does not lead any more, or does not know this stream.
  if (answer.status == 307 || answer.status == 403) return lost();
  call_under_way_ = false;
  calls_bytes_ -= calls_.front().size();
  calls_.pop_front();
  if (answer.status / 100 != 2) handlers_.on_refused("a call was refused: " + answer.body);
  next_call();
}

void HttpTransport::call_again() {
  call_again_ = loop_.after(jittered(kBusyPause), [this] {
    call_under_way_ = false;
    next_call();
  });
}

}  // namespace bourse::sdk
