#include "examples/crawler/warc/warc_writer.hpp"

#include <time.h>  // gmtime_r

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/digest.hpp"
#include "examples/crawler/gzip/gzip.hpp"

namespace bourse::crawler {
namespace {

std::string date_text() {
  const time_t seconds = ::time(nullptr);
  tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> buffer{};
  strftime(buffer.data(), buffer.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return buffer.data();
}

// A name-based UUID of the record: the same page stored again has the same id.
std::string record_id(const Page& page, const std::string& date) {
  const Digest digest = digest_of(page.url + " " + date + " " + std::to_string(page.order));
  std::array<char, 48> buffer{};
  std::snprintf(
      buffer.data(), buffer.size(), "%08x-%04x-8%03x-a%03x-%012llx",
      static_cast<unsigned>(digest.high >> 32), static_cast<unsigned>(digest.high >> 16 & 0xffffU),
      static_cast<unsigned>(digest.high & 0xfffU), static_cast<unsigned>(digest.low >> 52),
      static_cast<unsigned long long>(digest.low & 0xffffffffffffULL));
  return buffer.data();
}

bool describes_transfer(std::string_view line) {
  for (const std::string_view name :
       {"content-length:", "content-encoding:", "transfer-encoding:"}) {
    if (line.size() < name.size()) continue;
    if (std::equal(name.begin(), name.end(), line.begin(), [](char a, char b) {
          return a == (b >= 'A' && b <= 'Z' ? static_cast<char>(b - 'A' + 'a') : b);
        })) {
      return true;
    }
  }
  return false;
}

// The answer's header lines, made true for the decoded body.
std::string http_head(const Page& page) {
  std::string out;
  std::string_view rest = page.headers;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size() - 1) + 1;
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end);
    if (line == "\r\n" || line == "\n") break;
    if (!describes_transfer(line)) out += line;
  }
  if (out.empty()) out = "HTTP/1.1 " + std::to_string(page.status) + " OK\r\n";
  return out + "Content-Length: " + std::to_string(page.body.size()) + "\r\n\r\n";
}

}  // namespace

Result<std::unique_ptr<WarcWriter>> WarcWriter::open(const std::string& path) {
  std::FILE* const file = std::fopen(path.c_str(), "ab");
  if (file == nullptr) {
    return Error{ErrorCode::io, "cannot write " + path + ": " + std::strerror(errno)};
  }
  return std::unique_ptr<WarcWriter>(new WarcWriter(file, path));
}

WarcWriter::~WarcWriter() {
  std::fclose(file_);
}

void WarcWriter::add(const Page& page) {
  const std::string block = http_head(page) + page.body;
  const std::string date = date_text();
  const std::string record =
      "WARC/1.1\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:uuid:" + record_id(page, date) +
      ">\r\nWARC-Date: " + date + "\r\nWARC-Target-URI: " + page.url +
      "\r\nContent-Type: application/http;msgtype=response\r\nContent-Length: " +
      std::to_string(block.size()) + "\r\n\r\n" + block + "\r\n\r\n";
  pending_ += gzip_compressed(record);
}

Status WarcWriter::flush() {
  if (std::fwrite(pending_.data(), 1, pending_.size(), file_) != pending_.size() ||
      std::fflush(file_) != 0) {
    return Error{ErrorCode::io, "cannot write " + path_ + ": " + std::strerror(errno)};
  }
  pending_.clear();
  return {};
}

}  // namespace bourse::crawler
