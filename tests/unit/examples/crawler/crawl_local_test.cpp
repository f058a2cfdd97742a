#include "examples/crawler/local/crawl_local.hpp"

#include <signal.h>
#include <spawn.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <zlib.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <fstream>
#include <thread>

#include "examples/crawler/check/check.hpp"
#include "examples/crawler/shopweb/server.hpp"
#include "examples/crawler/shopweb/site.hpp"
#include "examples/crawler/store/item_store.hpp"
#include "tests/unit/examples/crawler/scratch.hpp"

using namespace bourse;
using namespace bourse::crawler;

namespace {

struct Served {
  explicit Served(shopweb::WebConfig config) : site(config), server(site) {
    REQUIRE(server.start(0, 1).ok());
  }
  LocalCrawl crawl(const std::string& directory) const {
    LocalCrawl crawl;
    crawl.hosts = *parse_hosts(site.hosts_lines());
    for (const shopweb::Shop& shop : site.web().shops()) {
      crawl.seeds.push_back("http://" + shop.host + "/");
    }
    crawl.directory = directory;
    crawl.fetch.total_ms = 2'500;
    crawl.fetch.slow_s = 1;
    return crawl;
  }
  CheckResult check(const std::string& items_path) const {
    const auto truth = parse_truth(site.truth_lines());
    const auto items = read_items(items_path);
    REQUIRE(truth.ok());
    REQUIRE(items.ok());
    return check_items(*truth, *items);
  }

  shopweb::Site site;
  shopweb::Server server;
};

shopweb::WebConfig small_web() {
  shopweb::WebConfig config;
  config.shops = 12;
  config.items = 10;
  return config;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out += line + "\n";
  return out;
}

std::string read_all(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The gzip members of a file, each unpacked by a stream that saw no other.
std::vector<std::string> unpack_each(const std::string& packed) {
  std::vector<std::string> members;
  std::vector<char> buffer(1 << 16);
  for (std::size_t at = 0; at < packed.size();) {
    z_stream stream{};
    REQUIRE(::inflateInit2(&stream, 16 + MAX_WBITS) == Z_OK);  // gzip alone
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data() + at));
    stream.avail_in = static_cast<uInt>(packed.size() - at);
    std::string text;
    int status = Z_OK;
    while (status == Z_OK) {
      stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
      stream.avail_out = static_cast<uInt>(buffer.size());
      status = ::inflate(&stream, Z_NO_FLUSH);
      text.append(buffer.data(), buffer.size() - stream.avail_out);
    }
    at += stream.total_in;
    ::inflateEnd(&stream);
    REQUIRE(status == Z_STREAM_END);
    members.push_back(std::move(text));
  }
  return members;
}

int run(std::vector<std::string> arguments) {
  std::vector<char*> raw;
  for (std::string& argument : arguments) raw.push_back(argument.data());
  raw.push_back(nullptr);
  pid_t pid = 0;
  REQUIRE(::posix_spawn(&pid, raw[0], nullptr, nullptr, raw.data(), environ) == 0);
  int status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

TEST_CASE("a paced crawl finds every item exactly once and no shop sees more than it allows") {
  Served served(small_web());
  const Scratch scratch;
  LocalCrawl crawl = served.crawl(scratch.directory);
  crawl.warc = scratch.path("pages.warc.gz");
  const auto result = crawl_local(crawl);
  REQUIRE(result.ok());
  CHECK(result->finished);
  const CheckResult check = served.check(result->items_path);
  INFO(joined(check.examples));
  CHECK(check.items_expected == 120);
  CHECK(check.exact());
  CHECK(served.site.totals().violations() == 0);
  // Trouble was met and healed, traps and disallowed pages were left alone.
  const auto met = [&](Outcome outcome) {
    const auto index = static_cast<std::size_t>(outcome);
    return result->stats.attempts[index] + result->stats.ended[index];
  };
  CHECK(met(Outcome::trap) > 0);
  CHECK(met(Outcome::disallowed) > 0);
  CHECK(met(Outcome::gone) > 0);
  CHECK(met(Outcome::truncated) > 0);
  CHECK(met(Outcome::too_large) > 0);
  CHECK(met(Outcome::too_slow) > 0);
  CHECK(met(Outcome::redirect) > 0);
  CHECK(met(Outcome::redirect_loop) > 0);

  // The pages are in the WARC file too: as many records as pages read, each unpacking alone.
  const std::vector<std::string> records = unpack_each(read_all(crawl.warc));
  for (const std::string& record : records) {
    REQUIRE(record.starts_with("WARC/1.1\r\nWARC-Type: response\r\n"));
    REQUIRE(record.ends_with("\r\n\r\n"));
  }
  CHECK(records.size() >= result->stats.pages);
}

TEST_CASE("with pacing off the shops report violations") {
  Served served(small_web());
  const Scratch scratch;
  LocalCrawl crawl = served.crawl(scratch.directory);
  crawl.frontier.ignore_pacing = true;
  crawl.longest = Duration::seconds(2);
  REQUIRE(crawl_local(crawl).ok());
  CHECK(served.site.totals().counts.rate_violations > 0);
}

TEST_CASE("a crawler killed again and again continues: no item lost, none stored twice") {
  Served served(small_web());
  const Scratch scratch;
  std::ofstream(scratch.path("hosts")) << served.site.hosts_lines();
  std::ofstream(scratch.path("truth")) << served.site.truth_lines();
  const std::vector<std::string> arguments = {CRAWL_LOCAL_BINARY, "--hosts", scratch.path("hosts"),
                                              "--dir", scratch.directory};
  for (const int lifetime_ms : {1'500, 4'000, 4'700}) {
    std::vector<std::string> copy = arguments;
    std::vector<char*> raw;
    for (std::string& argument : copy) raw.push_back(argument.data());
    raw.push_back(nullptr);
    pid_t pid = 0;
    REQUIRE(::posix_spawn(&pid, raw[0], nullptr, nullptr, raw.data(), environ) == 0);
    std::this_thread::sleep_for(std::chrono::milliseconds(lifetime_ms));
    ::kill(pid, SIGKILL);
    int status = 0;
    REQUIRE(::waitpid(pid, &status, 0) == pid);
    REQUIRE(WIFSIGNALED(status));  // it was still at work
  }
  const auto result = crawl_local(served.crawl(scratch.directory));
  REQUIRE(result.ok());
  CHECK(result->finished);
  const CheckResult check = served.check(result->items_path);
  INFO(joined(check.examples));
  CHECK(check.exact());
  CHECK(served.site.totals().violations() == 0);
}

TEST_CASE("a second day's crawl brings the new prices into the same rows") {
  shopweb::WebConfig config = small_web();
  config.shops = 2;
  config.unthrottled = true;
  const Scratch scratch;
  for (const std::uint32_t day : {0U, 1U}) {
    config.day = day;
    Served served(config);
    std::remove(scratch.path("journal.sqlite").c_str());
    const auto result = crawl_local(served.crawl(scratch.directory));
    REQUIRE(result.ok());
    const CheckResult check = served.check(result->items_path);
    INFO(joined(check.examples));
    CHECK(check.exact());
  }
}

TEST_CASE("the check program fails on a planted lost item and on a planted double") {
  shopweb::WebConfig config = small_web();
  config.shops = 1;
  const shopweb::Site site(config);
  const auto truth = parse_truth(site.truth_lines());
  REQUIRE(truth.ok());
  const Scratch scratch;
  std::ofstream(scratch.path("truth")) << site.truth_lines();
  std::ofstream(scratch.path("quiet")) << "{\"violations\":0}";
  std::ofstream(scratch.path("loud")) << "{\"violations\":3}";
  const auto stored = [&](const char* name, std::size_t from) {
    auto store = ItemStore::open(scratch.path(name));
    REQUIRE(store.ok());
    for (std::size_t i = from; i < truth->size(); ++i) (*store)->put((*truth)[i], i);
    REQUIRE((*store)->commit().ok());
    return scratch.path(name);
  };
  const std::string good = stored("good.sqlite", 0);
  const std::string lost = stored("lost.sqlite", 1);
  const std::string last = stored("last.sqlite", truth->size() - 1);
  const auto check = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments = {CRAWL_CHECK_BINARY, "--truth", scratch.path("truth"),
                                          "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments);
  };
  CHECK(check({"--items", good, "--stats", scratch.path("quiet")}) == 0);
  CHECK(check({"--items", lost}) == 1);
  CHECK(check({"--items", good, last}) == 1);  // the same item in two shards
  CHECK(check({"--items", good, "--stats", scratch.path("loud")}) == 1);
  CHECK(check({"--items", scratch.path("absent.sqlite")}) == 2);
}
