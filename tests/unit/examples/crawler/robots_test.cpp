#include "examples/crawler/robots/robots.hpp"

#include <catch2/catch.hpp>

using namespace bourse;
using namespace bourse::crawler;

namespace {

RobotsRules rules_of(const char* body) {
  return parse_robots(body, "bourse-crawler");
}

}  // namespace

TEST_CASE("the longest matching rule wins and allow wins a tie") {
  const auto rules =
      rules_of("User-agent: *\nDisallow: /shop/\nAllow: /shop/open\nDisallow: /tie\nAllow: /tie\n");
  CHECK(rules.allowed("/"));
  CHECK_FALSE(rules.allowed("/shop/x"));
  CHECK(rules.allowed("/shop/open/x"));
  CHECK(rules.allowed("/tie"));
  CHECK(rules.allowed("/shopping"));
}

TEST_CASE("wildcards and the end mark match as RFC 9309 says") {
  const auto rules =
      rules_of("User-agent: *\nDisallow: /*?sort=\nDisallow: /*.pdf$\nDisallow: /a*b*c\n");
  CHECK_FALSE(rules.allowed("/c/x?sort=price"));
  CHECK(rules.allowed("/c/x?page=2"));
  CHECK_FALSE(rules.allowed("/x.pdf"));
  CHECK(rules.allowed("/x.pdf?download"));
  CHECK_FALSE(rules.allowed("/a1b2c3"));
  CHECK(rules.allowed("/a1c2b3"));
}

TEST_CASE("our own group replaces the one for all, and groups of one name add up") {
  const auto rules = rules_of(
      "User-agent: *\nDisallow: /all\n\nUser-Agent: Bourse-Crawler/1.0\nUser-agent: other\n"
      "Disallow: /one\n\nuser-agent: bourse-crawler\nDisallow: /two\n");
  CHECK(rules.allowed("/all"));
  CHECK_FALSE(rules.allowed("/one"));
  CHECK_FALSE(rules.allowed("/two"));
}

TEST_CASE("an empty disallow allows all and robots.txt itself is always allowed") {
  CHECK(rules_of("User-agent: *\nDisallow:\n").allowed("/x"));
  CHECK(rules_of("User-agent: *\nDisallow: /\n").allowed("/robots.txt"));
  CHECK_FALSE(robots_disallow_all().allowed("/x"));
  CHECK(robots_allow_all().allowed("/x"));
}

TEST_CASE("percent-encoding is compared in one form") {
  const auto rules = rules_of("User-agent: *\nDisallow: /caf\xC3\xA9\nDisallow: /b%c3%a4r\n");
  CHECK_FALSE(rules.allowed("/caf%C3%A9/x"));
  CHECK_FALSE(rules.allowed("/b%C3%A4r"));
}

TEST_CASE("crawl-delay and request-rate become a pace, and the slower one counts") {
  CHECK(rules_of("User-agent: *\nCrawl-delay: 0.2\n").pace == Pace{5, Duration::seconds(1)});
  CHECK(rules_of("User-agent: *\nCrawl-delay: 0.3333\n").pace == Pace{3, Duration::seconds(1)});
  CHECK(rules_of("User-agent: *\nCrawl-delay: 0.1429\n").pace == Pace{7, Duration::seconds(1)});
  CHECK(rules_of("User-agent: *\nCrawl-delay: 5\n").pace == Pace{1, Duration::seconds(5)});
  CHECK(rules_of("User-agent: *\nRequest-rate: 30/1m\n").pace == Pace{30, Duration::seconds(60)});
  CHECK(rules_of("User-agent: *\nRequest-rate: 8/1\nCrawl-delay: 2\n").pace ==
        Pace{1, Duration::seconds(2)});
  CHECK_FALSE(rules_of("User-agent: *\nCrawl-delay: -1\nCrawl-delay: x\nRequest-rate: 5\n").pace);
}

TEST_CASE("garbage in robots.txt is skipped and a huge file is cut") {
  std::string body = "\xEF\xBB\xBFUser-agent: *\r\nnonsense\r\n: x\r\nDisallow: /x # why\r\n\0\x01";
  CHECK_FALSE(parse_robots(body, "bourse-crawler").allowed("/x"));
  body += std::string(kMaxRobotsBytes, '#') + "\nDisallow: /late\n";
  CHECK(parse_robots(body, "bourse-crawler").allowed("/late"));
  std::string many = "User-agent: *\n";
  for (int i = 0; i < 6'000; ++i) many += "Disallow: /d" + std::to_string(i) + "\n";
  CHECK(parse_robots(many, "bourse-crawler").rules.size() == kMaxRobotsRules);
  // A row of stars must not cost exponential time.
  const auto stars = rules_of("User-agent: *\nDisallow: /*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b\n");
  CHECK(stars.allowed("/" + std::string(2'000, 'a')));
}

TEST_CASE("rules survive being written down and read again") {
  const auto rules = rules_of(
      "User-agent: *\nDisallow: /x\nAllow: /x/y$\nCrawl-delay: 0.125\n"
      "Sitemap: http://a.test/s.xml\n");
  CHECK(parse_robots(rules.text(), "") == rules);
  CHECK(rules.sitemaps == std::vector<std::string>{"http://a.test/s.xml"});
}
