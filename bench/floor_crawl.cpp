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

constexpr int kInFlight = 256;
constexpr std::string_view kField = "\"url\":\"";

struct Totals {
  std::size_t pages = 0;
  std::size_t bytes = 0;
};

std::size_t on_body(char*, std::size_t, std::size_t count, void* user) {
  static_cast<Totals*>(user)->bytes += count;
  return count;
}

// The addresses of a file whose every line is an item as JSON; shop addresses need no unescaping.
std::vector<std::string> urls_of(const char* path) {
  std::vector<std::string> urls;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const std::size_t at = line.find(kField);
    if (at == std::string::npos) continue;
    const std::size_t begin = at + kField.size();
    urls.push_back(line.substr(begin, line.find('"', begin) - begin));
  }
  return urls;
}

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

CURL* fresh_handle(curl_slist* address, Totals* totals) {
  CURL* const easy = curl_easy_init();
  curl_easy_setopt(easy, CURLOPT_CONNECT_TO, address);
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 65'536L);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, totals);
  return easy;
}

Totals fetch_all(const std::vector<std::string>& urls, curl_slist* address) {
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
  while (running < kInFlight && next < urls.size()) start(fresh_handle(address, &totals));
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
  const std::vector<std::string> urls = urls_of(argv[1]);
  curl_global_init(CURL_GLOBAL_DEFAULT);
  // Every host name leads to the one address that serves all shops.
  curl_slist* const address = curl_slist_append(nullptr, (std::string("::") + argv[2]).c_str());
  const double cpu_before = cpu_seconds();
  const auto begun = std::chrono::steady_clock::now();
  const Totals totals = fetch_all(urls, address);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  std::printf("{\"pages\":%zu,\"bytes\":%zu,\"seconds\":%.3f,\"cpu_seconds\":%.3f}\n", totals.pages,
              totals.bytes, took.count(), cpu_seconds() - cpu_before);
  curl_slist_free_all(address);
  return totals.pages > 0 ? 0 : 1;
}
