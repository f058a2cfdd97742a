#include "examples/crawler/fetch/fetcher.hpp"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include "base/assert.hpp"
#include "examples/crawler/fetch/answer.hpp"
#include "examples/crawler/url/url.hpp"

namespace bourse::crawler {
// One request under way. Reused, with its curl handle, for later ones.
struct CurlTransfer {
  CURL* easy = nullptr;
  const FetchLimits* limits = nullptr;
  FetchOrder order;
  std::string headers;
  std::string body;
  std::string location;
  std::string retry_after;
  Instant started;
  Instant first_byte = Instant::max();
  bool too_large = false;
  bool began_told = false;
};

namespace {

constexpr std::uint64_t kMostReservedBytes = 1 << 20;

Instant now() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return Instant{time.tv_sec * 1'000'000'000 + time.tv_nsec};
}

void start_curl_once() {
  static const bool kStarted = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  ASSERT(kStarted);
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
  while (!text.empty() && static_cast<unsigned char>(text.front()) <= ' ') text.remove_prefix(1);
  return text;
}

bool names_header(std::string_view line, std::string_view lower_name) {
  if (line.size() <= lower_name.size() || line[lower_name.size()] != ':') return false;
  return std::equal(lower_name.begin(), lower_name.end(), line.begin(), [](char a, char b) {
    return a == (b >= 'A' && b <= 'Z' ? static_cast<char>(b - 'A' + 'a') : b);
  });
}

// "127.0.0.1:80" or "[::1]:80".
bool is_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return false;
  std::string host(text.substr(0, colon));
  int family = AF_INET;
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    family = AF_INET6;
  }
  in6_addr any{};
  std::uint16_t port = 0;
  const std::string_view digits = text.substr(colon + 1);
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  return ::inet_pton(family, host.c_str(), &any) == 1 && parsed.ec == std::errc{} &&
         parsed.ptr == digits.data() + digits.size() && port > 0;
}

std::size_t on_body(char* data, std::size_t, std::size_t count, void* user) {
  auto& transfer = *static_cast<CurlTransfer*>(user);
  if (transfer.body.size() + count > transfer.limits->body_bytes) {
    transfer.too_large = true;
    return 0;  // curl ends the transfer
  }
  transfer.body.append(data, count);
  return count;
}

std::size_t on_header(char* data, std::size_t, std::size_t count, void* user) {
  auto& transfer = *static_cast<CurlTransfer*>(user);
  if (transfer.first_byte == Instant::max()) transfer.first_byte = now();
  if (transfer.headers.size() + count > transfer.limits->header_bytes) {
    transfer.too_large = true;
    return 0;
  }
  const std::string_view line(data, count);
  transfer.headers += line;
  if (names_header(line, "location")) transfer.location = trimmed(line.substr(9));
  if (names_header(line, "content-length")) {
    // As a hint only: shops lie about it.
    std::uint64_t length = 0;
    const std::string_view text = trimmed(line.substr(15));
    std::from_chars(text.data(), text.data() + text.size(), length);
    transfer.body.reserve(std::min<std::uint64_t>(length, kMostReservedBytes));
  }
  if (names_header(line, "retry-after")) transfer.retry_after = trimmed(line.substr(12));
  return count;
}

Outcome outcome_of(CURLcode code, const CurlTransfer& transfer) {
  switch (code) {
    case CURLE_OK:
      return Outcome::ok;
    case CURLE_OPERATION_TIMEDOUT:
      return transfer.first_byte == Instant::max() ? Outcome::timeout : Outcome::too_slow;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return Outcome::dns;
    case CURLE_PARTIAL_FILE:
      return Outcome::truncated;
    case CURLE_BAD_CONTENT_ENCODING:
      return Outcome::bad_encoding;
    case CURLE_FILESIZE_EXCEEDED:
      return Outcome::too_large;
    case CURLE_WRITE_ERROR:
      return transfer.too_large ? Outcome::too_large : Outcome::bad_encoding;
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
      return transfer.body.empty() ? Outcome::connect : Outcome::truncated;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return Outcome::refused;
    default:
      return Outcome::connect;
  }
}

}  // namespace

Result<HostsMap> parse_hosts(std::string_view text) {
  HostsMap hosts;
  hosts.only_these = true;
  std::size_t number = 0;
  while (!text.empty()) {
    ++number;
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.front() == '#') continue;
    const std::size_t space = std::min(line.find(' '), line.size());
    const std::string_view address = trimmed(line.substr(space));
    if (!is_address(address)) {
      return invalid("hosts line " + std::to_string(number) + " is \"" + std::string(line) +
                     "\", wanted \"host address:port\", the address in numbers");
    }
    hosts.address_of[std::string(line.substr(0, space))] = address;
  }
  return hosts;
}

class Fetcher::Multi {
 public:
  Multi(HostsMap hosts, FetchLimits limits, std::string user_agent, Handler handler,
        BeganHandler on_began)
      : hosts_(std::move(hosts)),
        limits_(limits),
        user_agent_(std::move(user_agent)),
        handler_(std::move(handler)),
        on_began_(std::move(on_began)) {
    start_curl_once();
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    multi_ = curl_multi_init();
    ASSERT(multi_ != nullptr && epoll_ >= 0);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &Multi::on_socket);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &Multi::on_timer);
    curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, 2'048L);
  }

  ~Multi() {
    for (const auto& [easy, transfer] : busy_) {
      curl_multi_remove_handle(multi_, easy);
      curl_easy_cleanup(easy);
    }
    for (const auto& transfer : idle_) curl_easy_cleanup(transfer->easy);
    curl_multi_cleanup(multi_);
    for (const auto& [host, address] : addresses_) {
      curl_slist_free_all(address.resolve);
      curl_slist_free_all(address.headers);
    }
    ::close(epoll_);
  }

  bool start(FetchOrder order) {
    if (!has_room()) return false;
    const Result<Url> url = parse_url(order.url);
    if (!url.ok()) {
      refuse(std::move(order), Outcome::refused);
      return true;
    }
    const Address* const address = address_for(*url);
    if (address == nullptr && hosts_.only_these) {
      refuse(std::move(order), Outcome::dns);
      return true;
    }
    std::unique_ptr<CurlTransfer> transfer = fresh_transfer();
    transfer->order = std::move(order);
    transfer->started = now();
    CURL* const easy = transfer->easy;
    if (address != nullptr) {
      const std::string text =
          url->scheme + "://" + url->host + ":" + address->port + url->path_and_query();
      curl_easy_setopt(easy, CURLOPT_URL, text.c_str());
      curl_easy_setopt(easy, CURLOPT_RESOLVE, address->resolve);
      curl_easy_setopt(easy, CURLOPT_HTTPHEADER, address->headers);
    } else {
      curl_easy_setopt(easy, CURLOPT_URL, transfer->order.url.c_str());
      curl_easy_setopt(easy, CURLOPT_HTTPHEADER, nullptr);
    }
    busy_[easy] = std::move(transfer);
    if (long_answer_due_ == Instant::max()) long_answer_due_ = now() + Fetcher::kLongAnswer;
    curl_multi_add_handle(multi_, easy);
    return true;
  }

  std::uint32_t in_flight() const {
    return static_cast<std::uint32_t>(busy_.size() + refused_.size());
  }
  bool has_room() const { return in_flight() < limits_.in_flight; }
  int fd() const { return epoll_; }

  int wait_ms() const {
    if (!refused_.empty()) return 0;
    const Instant wake = std::min(timer_, long_answer_due_);
    if (wake == Instant::max()) return -1;
    return static_cast<int>(std::clamp<std::int64_t>((wake - now()).ms() + 1, 0, 60'000));
  }

  void step(int wait) {
    std::array<epoll_event, 128> events;
    const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), wait);
    int running = 0;
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      int mask = 0;
      if ((event.events & EPOLLIN) != 0) mask |= CURL_CSELECT_IN;
      if ((event.events & EPOLLOUT) != 0) mask |= CURL_CSELECT_OUT;
      if ((event.events & (EPOLLERR | EPOLLHUP)) != 0) mask |= CURL_CSELECT_ERR;
      curl_multi_socket_action(multi_, event.data.fd, mask, &running);
    }
    if (timer_ <= now()) {
      timer_ = Instant::max();
      curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    finish_all();
    tell_long_answers();
  }

 private:
  // What the server has not confirmed when its transfer is given up shall not arrive later: the
  // pacing counts on it.
  static int on_connection(void* user, curl_socket_t socket, curlsocktype) {
    const unsigned ms = static_cast<Multi*>(user)->limits_.total_ms;
    return ::setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms)) == 0
               ? CURL_SOCKOPT_OK
               : CURL_SOCKOPT_ERROR;
  }
  static int on_socket(CURL*, curl_socket_t socket, int what, void* user, void* known) {
    auto& self = *static_cast<Multi*>(user);
    epoll_event event{};
    event.data.fd = socket;
    if (what == CURL_POLL_REMOVE) {
      ::epoll_ctl(self.epoll_, EPOLL_CTL_DEL, socket, &event);
      return 0;
    }
    if ((what & CURL_POLL_IN) != 0) event.events |= EPOLLIN;
    if ((what & CURL_POLL_OUT) != 0) event.events |= EPOLLOUT;
    const int operation = known == nullptr ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    if (known == nullptr) curl_multi_assign(self.multi_, socket, &self);
    if (::epoll_ctl(self.epoll_, operation, socket, &event) != 0) {
      ::epoll_ctl(self.epoll_, EPOLL_CTL_ADD, socket, &event);
    }
    return 0;
  }

  static int on_timer(CURLM*, long ms, void* user) {
    auto& self = *static_cast<Multi*>(user);
    self.timer_ = ms < 0 ? Instant::max() : now() + Duration::milliseconds(ms);
    return 0;
  }

  std::unique_ptr<CurlTransfer> fresh_transfer() {
    if (!idle_.empty()) {
      std::unique_ptr<CurlTransfer> transfer = std::move(idle_.back());
      idle_.pop_back();
      transfer->headers.clear();
      transfer->body = std::string();
      transfer->location.clear();
      transfer->retry_after.clear();
      transfer->first_byte = Instant::max();
      transfer->too_large = false;
      transfer->began_told = false;
      return transfer;
    }
    auto transfer = std::make_unique<CurlTransfer>();
    transfer->limits = &limits_;
    transfer->easy = curl_easy_init();
    CURL* const easy = transfer->easy;
    ASSERT(easy != nullptr);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, &on_connection);
    curl_easy_setopt(easy, CURLOPT_SOCKOPTDATA, this);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
    curl_easy_setopt(easy, CURLOPT_USERAGENT, user_agent_.c_str());
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(limits_.connect_ms));
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(limits_.total_ms));
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, static_cast<long>(limits_.slow_bytes_per_s));
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, static_cast<long>(limits_.slow_s));
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 65'536L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer.get());
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer.get());
    return transfer;
  }

  // An entry of the address map in curl's form, made once per host. The host keeps its name and
  // gets the map's port; curl could also be told to connect elsewhere, but then it would look for a
  // free connection among those of all hosts that share an address.
  struct Address {
    std::string port;
    curl_slist* resolve = nullptr;
    curl_slist* headers = nullptr;  // the host as the address names it
  };

  const Address* address_for(const Url& url) {
    const std::string named = url.port == 0 ? url.host : url.host + ":" + std::to_string(url.port);
    if (const auto it = addresses_.find(named); it != addresses_.end()) return &it->second;
    const auto known = hosts_.address_of.find(url.host);
    if (known == hosts_.address_of.end()) return nullptr;
    const std::size_t colon = known->second.rfind(':');
    Address address;
    address.port = known->second.substr(colon + 1);
    const std::string entry = url.host + ":" + address.port + ":" + known->second.substr(0, colon);
    address.resolve = curl_slist_append(nullptr, entry.c_str());
    address.headers = curl_slist_append(nullptr, ("Host: " + named).c_str());
    ASSERT(address.resolve != nullptr && address.headers != nullptr);
    return &addresses_.emplace(named, std::move(address)).first->second;
  }

  void refuse(FetchOrder order, Outcome outcome) {
    Fetched fetched;
    fetched.report.id = order.id;
    fetched.report.outcome = outcome;
    refused_.push_back(std::move(fetched));
  }

  void finish_all() {
    std::vector<Fetched> refused = std::move(refused_);
    refused_.clear();
    for (Fetched& fetched : refused) handler_(std::move(fetched));
    int left = 0;
    while (CURLMsg* const message = curl_multi_info_read(multi_, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      const CURLcode code = message->data.result;
      const auto it = busy_.find(message->easy_handle);
      ASSERT(it != busy_.end());
      std::unique_ptr<CurlTransfer> transfer = std::move(it->second);
      busy_.erase(it);
      curl_multi_remove_handle(multi_, transfer->easy);
      Fetched fetched = fetched_of(code, *transfer);
      idle_.push_back(std::move(transfer));
      handler_(std::move(fetched));
    }
  }

  // Looks at all that is under way, but only when somebody may be due.
  void tell_long_answers() {
    if (!on_began_) return;
    const Instant at = now();
    if (at < long_answer_due_) return;
    long_answer_due_ = Instant::max();
    std::vector<AnswerBegan> long_ones;
    for (const auto& [easy, transfer] : busy_) {
      if (transfer->began_told) continue;
      if (transfer->first_byte == Instant::max()) continue;
      const Instant due = transfer->first_byte + Fetcher::kLongAnswer;
      if (due > at) {
        long_answer_due_ = std::min(long_answer_due_, due);
        continue;
      }
      transfer->began_told = true;
      long_ones.push_back({transfer->order.id, at - transfer->first_byte});
    }
    // The next first byte is at least this far from being long.
    if (!busy_.empty()) long_answer_due_ = std::min(long_answer_due_, at + Fetcher::kLongAnswer);
    for (const AnswerBegan& began : long_ones) on_began_(began);
  }

  static Fetched fetched_of(CURLcode code, CurlTransfer& transfer) {
    Fetched fetched;
    FetchReport& report = fetched.report;
    const Instant end = now();
    long status = 0;
    curl_easy_getinfo(transfer.easy, CURLINFO_RESPONSE_CODE, &status);
    report.id = transfer.order.id;
    report.status = static_cast<std::uint32_t>(status);
    report.elapsed_ms = static_cast<std::uint32_t>((end - transfer.started).ms());
    report.body_bytes = transfer.body.size();
    if (transfer.first_byte != Instant::max()) report.since_seen = end - transfer.first_byte;
    report.outcome = outcome_of(code, transfer);
    if (report.outcome == Outcome::ok) {
      report.outcome = outcome_of_status(report.status, !transfer.location.empty(),
                                         !transfer.retry_after.empty());
    }
    if (!transfer.retry_after.empty()) {
      report.retry_after = parse_retry_after(transfer.retry_after, ::time(nullptr));
    }
    if (report.outcome == Outcome::redirect) report.redirect_to = transfer.location;
    if (report.outcome != Outcome::ok) return fetched;
    Page& page = fetched.page;
    page.order = transfer.order.id;
    page.url = std::move(transfer.order.url);
    page.kind = transfer.order.kind;
    page.attempt = transfer.order.attempt;
    page.status = report.status;
    const char* type = nullptr;
    curl_easy_getinfo(transfer.easy, CURLINFO_CONTENT_TYPE, &type);
    if (type != nullptr) page.content_type = type;
    page.headers = std::move(transfer.headers);
    page.body = std::move(transfer.body);
    return fetched;
  }

  HostsMap hosts_;
  FetchLimits limits_;
  std::string user_agent_;
  Handler handler_;
  BeganHandler on_began_;
  int epoll_ = -1;
  CURLM* multi_ = nullptr;
  Instant timer_ = Instant::max();
  Instant long_answer_due_ = Instant::max();  // when an answer could be long, at the earliest
  std::map<CURL*, std::unique_ptr<CurlTransfer>> busy_;
  std::vector<std::unique_ptr<CurlTransfer>> idle_;
  std::vector<Fetched> refused_;  // answered at the next step, never from within start()
  std::map<std::string, Address> addresses_;
};

Fetcher::Fetcher(HostsMap hosts, FetchLimits limits, std::string user_agent, Handler handler,
                 BeganHandler on_began)
    : multi_(std::make_unique<Multi>(std::move(hosts), limits, std::move(user_agent),
                                     std::move(handler), std::move(on_began))) {}
Fetcher::~Fetcher() = default;

bool Fetcher::start(FetchOrder order) {
  return multi_->start(std::move(order));
}
std::uint32_t Fetcher::in_flight() const {
  return multi_->in_flight();
}
bool Fetcher::has_room() const {
  return multi_->has_room();
}
int Fetcher::fd() const {
  return multi_->fd();
}
int Fetcher::wait_ms() const {
  return multi_->wait_ms();
}
void Fetcher::step() {
  multi_->step(0);
}
void Fetcher::run(int ms) {
  const int wait = multi_->wait_ms();
  multi_->step(wait < 0 ? ms : std::min(wait, ms));
}

}  // namespace bourse::crawler
