// floor-crawl: fetches pages with libcurl alone, as fast as one thread can, and throws them away:
// what bench/crawl.py compares the crawl with. The addresses come from the shops' truth file.
// Prints one JSON object: pages, bytes, seconds, cpu_seconds (of this process).
#include <curl/curl.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

// More make curl_multi_perform slower, which looks at every one of them.
constexpr int kInFlight = 32;
constexpr std::string_view kField = "\"url\":\"";
constexpr std::string_view kScheme = "http://";

struct Totals {
  std::size_t pages = 0;
  std::size_t bytes = 0;
};

std::size_t on_body(char*, std::size_t, std::size_t count, void* user) {
  static_cast<Totals*>(user)->bytes += count;
  return count;
}

struct Work {
  std::vector<std::string> urls;  // with the port that serves all shops
  curl_slist* resolve = nullptr;  // every host leads to the one address
};

// From a file whose every line is an item as JSON; shop addresses need no unescaping.
Work work_of(const char* path, const std::string& address) {
  Work work;
  const std::string ip = address.substr(0, address.rfind(':'));
  const std::string port = address.substr(address.rfind(':') + 1);
  std::string last_host;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const std::size_t at = line.find(kField);
    if (at == std::string::npos) continue;
    const std::size_t begin = at + kField.size();
    const std::string url = line.substr(begin, line.find('"', begin) - begin);
    const std::size_t path_at = url.find('/', kScheme.size());
    const std::string host = url.substr(kScheme.size(), path_at - kScheme.size());
    work.urls.push_back(url.substr(0, path_at) + ":" + port + url.substr(path_at));
    if (host == last_host) continue;
    last_host = host;
    work.resolve = curl_slist_append(work.resolve, (host + ":" + port + ":" + ip).c_str());
  }
  return work;
}

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

CURL* fresh_handle(curl_slist* resolve, Totals* totals) {
  CURL* const easy = curl_easy_init();
  curl_easy_setopt(easy, CURLOPT_RESOLVE, resolve);
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 65'536L);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, totals);
  return easy;
}

Totals fetch_all(const Work& work) {
  const std::vector<std::string>& urls = work.urls;
  Totals totals;
  CURLM* const multi = curl_multi_init();
  curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, 2'048L);
  std::size_t next = 0;
  int running = 0;
  const auto start = [&](CURL* easy) {
    curl_easy_setopt(easy, CURLOPT_URL, urls[next++].c_str());
    curl_multi_add_handle(multi, easy);
    ++running;
  };
  while (running < kInFlight && next < urls.size()) start(fresh_handle(work.resolve, &totals));
  while (running > 0) {
    int alive = 0;
    curl_multi_perform(multi, &alive);
    int left = 0;
    while (CURLMsg* const message = curl_multi_info_read(multi, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      CURL* const easy = message->easy_handle;
      totals.pages += message->data.result == CURLE_OK ? 1 : 0;
      curl_multi_remove_handle(multi, easy);
      --running;
      if (next < urls.size()) {
        start(easy);
      } else {
        curl_easy_cleanup(easy);
      }
    }
    if (running > 0) curl_multi_poll(multi, nullptr, 0, 1'000, nullptr);
  }
  curl_multi_cleanup(multi);
  return totals;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: floor-crawl TRUTH-FILE ADDRESS:PORT\n");
    return 2;
  }
  curl_global_init(CURL_GLOBAL_DEFAULT);
  const Work work = work_of(argv[1], argv[2]);
  const double cpu_before = cpu_seconds();
  const auto begun = std::chrono::steady_clock::now();
  const Totals totals = fetch_all(work);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  std::printf("{\"pages\":%zu,\"bytes\":%zu,\"seconds\":%.3f,\"cpu_seconds\":%.3f}\n", totals.pages,
              totals.bytes, took.count(), cpu_seconds() - cpu_before);
  curl_slist_free_all(work.resolve);
  return totals.pages > 0 ? 0 : 1;
}
