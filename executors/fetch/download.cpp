#include "executors/fetch/download.hpp"

#include <curl/curl.h>

#include <memory>

namespace bourse::fetch {

namespace {

constexpr long kMostRedirects = 10;
constexpr long kConnectSeconds = 30;

struct Transfer {
  CURL* handle = nullptr;
  const std::string& path;
  Budget& budget;
  std::unique_ptr<Output> output;  // once the first byte has come
  Status failed;
};

Status open(Transfer& transfer) {
  if (transfer.output) return {};
  auto made = Output::create(transfer.path, transfer.budget);
  if (!made.ok()) return made.error();
  transfer.output = std::make_unique<Output>(std::move(made).value());
  return {};
}

std::size_t on_bytes(char* bytes, std::size_t one, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  transfer.failed = open(transfer);
  if (transfer.failed.ok()) transfer.failed = transfer.output->write(bytes, one * count);
  return transfer.failed.ok() ? one * count : 0;
}

Status outcome(Transfer& transfer, CURLcode code, const char* detail) {
  if (!transfer.failed.ok()) return transfer.failed;
  if (code == CURLE_OK) return open(transfer);  // an empty file is a file
  long status = 0;
  curl_easy_getinfo(transfer.handle, CURLINFO_RESPONSE_CODE, &status);
  if (code == CURLE_HTTP_RETURNED_ERROR) {
    return Error{ErrorCode::unavailable, "the server answered " + std::to_string(status)};
  }
  return Error{ErrorCode::unavailable, *detail != '\0' ? detail : curl_easy_strerror(code)};
}

}  // namespace

Status download(const std::string& url, const std::string& path, Budget& budget) {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  const std::unique_ptr<CURL, void (*)(CURL*)> curl(ready == CURLE_OK ? curl_easy_init() : nullptr,
                                                    curl_easy_cleanup);
  if (!curl) return Error{ErrorCode::io, "libcurl does not start"};
  Transfer transfer{curl.get(), path, budget, nullptr, {}};
  char detail[CURL_ERROR_SIZE] = "";
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl.get(), CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl.get(), CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_MAXREDIRS, kMostRedirects);
  curl_easy_setopt(curl.get(), CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  curl_easy_setopt(curl.get(), CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_LOW_SPEED_TIME,
                   static_cast<long>(limits::kFetchStall.ms() / 1000));
  curl_easy_setopt(curl.get(), CURLOPT_USERAGENT, "bourse-fetch");
  curl_easy_setopt(curl.get(), CURLOPT_ERRORBUFFER, detail);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, on_bytes);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &transfer);
  return outcome(transfer, curl_easy_perform(curl.get()), detail);
}

}  // namespace bourse::fetch
