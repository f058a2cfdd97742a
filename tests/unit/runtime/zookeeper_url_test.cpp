#include "runtime/zookeeper_url.hpp"

#include <catch2/catch.hpp>

namespace bourse::runtime {

namespace {
std::string refusal(std::string_view url) {
  const auto parsed = parse_zookeeper_url(url);
  REQUIRE_FALSE(parsed.ok());
  CHECK(parsed.error().code == ErrorCode::invalid);
  return parsed.error().message;
}
}  // namespace

TEST_CASE("a zk:// URL names servers, a path and perhaps a user") {
  CHECK(parse_zookeeper_url("zk://a:2181/bourse").value() ==
        ZookeeperUrl{{"a:2181"}, "", "/bourse"});
  CHECK(parse_zookeeper_url("zk://a:1,10.0.0.2:65535,[::1]:3/x/y-z").value() ==
        ZookeeperUrl{{"a:1", "10.0.0.2:65535", "[::1]:3"}, "", "/x/y-z"});
  CHECK(parse_zookeeper_url("zk://ada:p@ss:word@a:1/x").value() ==
        ZookeeperUrl{{"a:1"}, "ada:p@ss:word", "/x"});
}

TEST_CASE("each malformed zk:// URL is refused with what is wrong and what is right") {
  const std::string example = "zk://host1:2181,host2:2181/bourse";
  CHECK(refusal("") == "a ZooKeeper URL begins with zk://, as in " + example);
  CHECK(refusal("http://a:1/x") == "a ZooKeeper URL begins with zk://, as in " + example);
  CHECK(refusal("zk:///x") == "a ZooKeeper URL names at least one server, as in " + example);
  CHECK(refusal("zk://a:1") == "a ZooKeeper URL ends with a path of its own, as in " + example);
  CHECK(refusal("zk://a:1/") == "a ZooKeeper URL ends with a path of its own, as in " + example);
  CHECK(refusal("zk://a/x") == "ZooKeeper server 'a' has no port: write a:2181");
  CHECK(refusal("zk://[::1]/x") == "ZooKeeper server '[::1]' has no port: write [::1]:2181");
  CHECK(refusal("zk://a:/x") == "ZooKeeper server 'a:': port '' is not a number from 1 to 65535");
  CHECK(refusal("zk://a:0/x") ==
        "ZooKeeper server 'a:0': port '0' is not a number from 1 to 65535");
  CHECK(refusal("zk://a:65536/x") ==
        "ZooKeeper server 'a:65536': port '65536' is not a number from 1 to 65535");
  CHECK(refusal("zk://a:12x/x") ==
        "ZooKeeper server 'a:12x': port '12x' is not a number from 1 to 65535");
  CHECK(refusal("zk://:1/x") == "ZooKeeper server ':1' has no host");
  CHECK(refusal("zk://::1:2181/x") ==
        "ZooKeeper server '::1:2181': put an IPv6 address in brackets, as in [::1]:2181");
  CHECK(refusal("zk://a b:1/x") ==
        "ZooKeeper server 'a b:1': a host has letters, digits, '.', '-' and '_' only");
  CHECK(refusal("zk://a:1,,b:2/x") ==
        "the servers 'a:1,,b:2' of a ZooKeeper URL have an empty entry: one comma between two "
        "servers");
  CHECK(refusal("zk://a:1,/x") ==
        "the servers 'a:1,' of a ZooKeeper URL have an empty entry: one comma between two servers");
  CHECK(refusal("zk://a:1/x/") ==
        "ZooKeeper path '/x/' has an empty component: write single slashes, none at the end");
  CHECK(refusal("zk://a:1//x") ==
        "ZooKeeper path '//x' has an empty component: write single slashes, none at the end");
  CHECK(refusal("zk://a:1/x/../y") ==
        "ZooKeeper path '/x/../y': ZooKeeper allows no '.' or '..' in it");
  CHECK(refusal("zk://a:1/x\ty") == "a ZooKeeper path has a character that is not printable ASCII");
  CHECK(refusal("zk://a:1/" + std::string(2000, 'x')) ==
        "a ZooKeeper path has 2001 bytes: 1,024 are the limit");
  CHECK(refusal("zk://" + std::string(300, 'x') + ":1/x") ==
        "a host name of ZooKeeper has 300 characters: 255 are the limit");
  std::string many = "zk://h:1";
  for (int i = 0; i < 32; ++i) many += ",h:1";
  CHECK(refusal(many + "/x") == "a ZooKeeper URL names 33 servers: 32 are the limit");
}

TEST_CASE("a malformed user in a zk:// URL is named, its password never shown") {
  CHECK(refusal("zk://ada@a:1/x") ==
        "the part before '@' in a ZooKeeper URL must be user:password: the ':' is missing");
  CHECK(refusal("zk://:secret@a:1/x") == "the user before ':' in a ZooKeeper URL is empty");
  CHECK(refusal("zk://ada:@a:1/x") == "the password of user 'ada' in a ZooKeeper URL is empty");
  CHECK(refusal("zk://ada:secret@/x").find("secret") == std::string::npos);
  CHECK(refusal("zk://ada:secret@a/x").find("secret") == std::string::npos);
  CHECK(refusal("zk://ada:secret@a:1").find("secret") == std::string::npos);
}

}  // namespace bourse::runtime
