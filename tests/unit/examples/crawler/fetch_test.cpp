#include "examples/crawler/fetch/fetcher.hpp"

#include <zlib.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <catch2/catch.hpp>
#include <chrono>
#include <map>

#include "examples/crawler/fetch/answer.hpp"
#include "examples/crawler/shopweb/server.hpp"
#include "examples/crawler/shopweb/site.hpp"

namespace asio = boost::asio;
using namespace bourse;
using namespace bourse::crawler;

namespace {

// A served web without rates and a fetcher with short limits.
struct ServedPages {
  explicit ServedPages(const std::string& more_hosts = "") : site(config()), server(site) {
    REQUIRE(server.start(0, 1).ok());
    HostsMap hosts = *parse_hosts(site.hosts_lines() + more_hosts);
    hosts.address_of["refusing.test"] = "127.0.0.1:1";
    FetchLimits limits;
    limits.total_ms = 1'500;
    limits.slow_s = 1;
    limits.body_bytes = 2'000'000;
    fetcher = std::make_unique<Fetcher>(
        std::move(hosts), limits, "test/1",
        [this](Fetched one) {
          const OrderId id = one.report.id;
          REQUIRE(answers.emplace(id, std::move(one)).second);  // exactly one answer each
        },
        [this](const AnswerBegan& one) {
          REQUIRE(answers.count(one.id) == 0);
          REQUIRE(began.emplace(one.id, one.since_seen).second);  // at most once each
        });
  }
  static shopweb::WebConfig config() {
    shopweb::WebConfig web;
    web.shops = 12;
    web.items = 30;
    web.unthrottled = true;
    return web;
  }
  OrderId start(const std::string& url) {
    FetchOrder order;
    order.id = next++;
    order.url = url;
    REQUIRE(fetcher->start(order));
    return order.id;
  }
  const Fetched& get(const std::string& url) {
    const OrderId id = start(url);
    finish();
    return answers.at(id);
  }
  void finish() {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (fetcher->in_flight() > 0) {
      REQUIRE(std::chrono::steady_clock::now() < deadline);
      fetcher->run(50);
    }
  }

  shopweb::Site site;
  shopweb::Server server;
  std::unique_ptr<Fetcher> fetcher;
  std::map<OrderId, Fetched> answers;
  std::map<OrderId, Duration> began;
  OrderId next = 1;
};

// Shop 7 is the hostile one of the first twelve.
constexpr const char* kHostile = "http://shop-007.test";

}  // namespace

TEST_CASE("a page arrives whole, with its type and the time since its first byte") {
  ServedPages served;
  const Fetched& fetched = served.get("http://shop-000.test/");
  CHECK(fetched.report.outcome == Outcome::ok);
  CHECK(fetched.report.status == 200);
  CHECK(fetched.page.body.size() == fetched.report.body_bytes);
  CHECK(fetched.page.body.find("</html>") != std::string::npos);
  CHECK(fetched.page.content_type.find("text/html") == 0);
  CHECK(fetched.report.since_seen >= Duration{});
  CHECK(fetched.report.since_seen < Duration::seconds(1));
}

TEST_CASE("an answer that trickles is told of while it does, a prompt one is not") {
  ServedPages served;
  const OrderId prompt = served.start("http://shop-000.test/");
  const OrderId trickling = served.start(std::string(kHostile) + "/drip");
  served.finish();
  CHECK(served.answers.at(prompt).report.outcome == Outcome::ok);
  CHECK(served.answers.at(trickling).report.outcome == Outcome::too_slow);
  REQUIRE(served.began.count(trickling) == 1);
  CHECK(served.began.at(trickling) >= Fetcher::kLongAnswer);
  CHECK(served.began.at(trickling) < served.answers.at(trickling).report.since_seen);
}

TEST_CASE("a shop that lies about length, never ends or closes early costs one failed request") {
  ServedPages served;
  const std::string host = kHostile;
  const std::map<std::string, Outcome> expected = {
      {"/longer", Outcome::truncated},   {"/cut", Outcome::truncated},
      {"/shorter", Outcome::ok},         {"/drip", Outcome::too_slow},
      {"/firehose", Outcome::too_large}, {"/lookbook", Outcome::too_large},
      {"/bomb", Outcome::too_large}};
  std::map<OrderId, std::string> paths;
  for (const auto& [path, outcome] : expected) paths[served.start(host + path)] = path;
  served.finish();
  REQUIRE(served.answers.size() == expected.size());
  for (const auto& [id, fetched] : served.answers) {
    INFO(paths[id] << " " << name_of(fetched.report.outcome));
    CHECK(fetched.report.outcome == expected.at(paths[id]));
    if (fetched.report.outcome != Outcome::ok) CHECK(fetched.page.body.empty());
  }
  // The fetcher is as good as before.
  CHECK(served.get(host + "/").report.outcome == Outcome::ok);
}

TEST_CASE("redirects are reported, never followed") {
  ServedPages served;
  const Fetched& fetched = served.get(std::string(kHostile) + "/loop/a");
  CHECK(fetched.report.outcome == Outcome::redirect);
  CHECK(fetched.report.redirect_to == "/loop/b");
}

TEST_CASE("hosts without an address or without a server are dns and connect errors") {
  ServedPages served;
  CHECK(served.get("http://unknown.test/").report.outcome == Outcome::dns);
  CHECK(served.get("http://refusing.test/").report.outcome == Outcome::connect);
  CHECK(served.get("not an address").report.outcome == Outcome::refused);
  CHECK(served.get("http://shop-000.test/gone/1").report.outcome == Outcome::gone);
}

TEST_CASE("a server that accepts and never answers is a timeout") {
  asio::io_context context;
  // Nobody accepts: the kernel does, and the request lies there.
  asio::ip::tcp::acceptor silent(context, {asio::ip::address_v4::loopback(), 0});
  ServedPages served("silent.test 127.0.0.1:" + std::to_string(silent.local_endpoint().port()) +
                     "\n");
  const Fetched& fetched = served.get("http://silent.test/");
  CHECK(fetched.report.outcome == Outcome::timeout);
  CHECK(fetched.report.status == 0);
  CHECK(fetched.page.body.empty());
}

TEST_CASE("a compressed page arrives unpacked") {
  ServedPages served;
  const Fetched& fetched = served.get("http://shop-006.test/");  // answers with gzip
  CHECK(fetched.report.outcome == Outcome::ok);
  CHECK(fetched.page.headers.find("Content-Encoding: gzip") != std::string::npos);
  CHECK(fetched.page.body.find("</html>") != std::string::npos);
}

TEST_CASE("many requests at once end once each and more than the limit are refused") {
  ServedPages served;
  for (int i = 0; i < 256; ++i) {
    served.start("http://shop-00" + std::to_string(i % 10) + ".test/c/jackets");
  }
  CHECK_FALSE(served.fetcher->start({}));
  served.finish();
  CHECK(served.answers.size() == 256);
}

TEST_CASE("statuses and Retry-After mean what RFC 9110 says") {
  CHECK(outcome_of_status(200, false, false) == Outcome::ok);
  CHECK(outcome_of_status(301, true, false) == Outcome::redirect);
  CHECK(outcome_of_status(301, false, false) == Outcome::refused);
  CHECK(outcome_of_status(410, false, false) == Outcome::gone);
  CHECK(outcome_of_status(403, false, false) == Outcome::refused);
  CHECK(outcome_of_status(408, false, false) == Outcome::timeout);
  CHECK(outcome_of_status(429, false, false) == Outcome::throttled);
  CHECK(outcome_of_status(503, false, true) == Outcome::throttled);
  CHECK(outcome_of_status(503, false, false) == Outcome::server_error);
  CHECK(parse_retry_after("7", 0) == Duration::seconds(7));
  CHECK(parse_retry_after("Thu, 01 Jan 1970 00:01:00 GMT", 10) == Duration::seconds(50));
  CHECK(parse_retry_after("-5", 0) == Duration{});
  CHECK(parse_retry_after("soon", 0) == Duration{});
  CHECK(parse_retry_after("999999999", 0) == Duration::seconds(3'600));
}

TEST_CASE("an address map that makes no sense is refused with its line") {
  const auto hosts = parse_hosts("a.test 127.0.0.1:80\nb.test\n");
  REQUIRE_FALSE(hosts.ok());
  CHECK(hosts.error().message.find("line 2") != std::string::npos);
}
