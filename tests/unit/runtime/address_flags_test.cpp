#include "runtime/address_flags.hpp"

#include <catch2/catch.hpp>

#include "runtime/flags.hpp"

namespace bourse::runtime {
namespace {

struct Given {
  std::string ip = "127.0.0.1";
  std::string hostname;
  DaemonAddress address;
  Status status;

  explicit Given(std::vector<const char*> arguments) {
    Flags flags("bourse-test", "A test.");
    AddressFlags addresses(flags);
    flags.add("ip", ip, "where to listen");
    flags.add("hostname", hostname, "a name");
    arguments.insert(arguments.begin(), "bourse-test");
    const auto parsed = flags.parse(static_cast<int>(arguments.size()), arguments.data());
    status = parsed.ok() ? addresses.take(ip, hostname, address) : Status(parsed.error());
  }
};

TEST_CASE("a daemon tells others the address it listens on, or the one that it is told to tell") {
  const Given plain({});
  REQUIRE(plain.status.ok());
  REQUIRE(plain.address.advertise_ip == "127.0.0.1");
  REQUIRE(plain.hostname == "127.0.0.1");
  REQUIRE(plain.address.names.hosts == std::vector<std::string>{"127.0.0.1"});
  const Given behind({"--ip=0.0.0.0", "--advertise-ip=10.0.3.1"});
  REQUIRE(behind.status.ok());
  REQUIRE(behind.address.advertise_ip == "10.0.3.1");
  REQUIRE(behind.hostname == "10.0.3.1");
  REQUIRE(Given({"--ip=10.0.3.1", "--hostname=m1"}).hostname == "m1");
}

TEST_CASE("an address that is none, or that leads nowhere, is refused in a sentence") {
  const std::pair<const char*, const char*> wrong[] = {
      {"--ip=::1", "--ip: '::1' is no IPv4 address"},
      {"--ip=localhost", "--ip: 'localhost' is no IPv4 address"},
      {"--ip=127.1", "--ip: '127.1' is no IPv4 address"},
      {"--ip=10.0.0.256", "--ip: '10.0.0.256' is no IPv4 address"},
      {"--ip=0.0.0.0", "--advertise-ip: is missing beside --ip=0.0.0.0"},
      {"--advertise-ip=0.0.0.0", "--advertise-ip: 0.0.0.0 leads nowhere"},
      {"--advertise-ip=m1", "--advertise-ip: 'm1' is no IPv4 address"},
  };
  for (const auto& [flag, sentence] : wrong) {
    CAPTURE(flag);
    const Given given({flag});
    REQUIRE_FALSE(given.status.ok());
    REQUIRE(given.status.error().message.find(sentence) == 0);
  }
}

TEST_CASE("more names and origins are taken from flags, each checked, and not without end") {
  const Given given({"--hostname=m1", "--allowed-hosts=leader.mesos,lb-1.example",
                     "--allowed-origins=https://dash.example:8443,http://dash.example"});
  REQUIRE(given.status.ok());
  REQUIRE(given.address.names.hosts ==
          std::vector<std::string>{"m1", "leader.mesos", "lb-1.example"});
  REQUIRE(given.address.names.origins ==
          std::vector<std::string>{"https://dash.example:8443", "http://dash.example"});
  for (const char* bad : {"--allowed-hosts=lb:80", "--allowed-hosts=a,,b", "--allowed-hosts=a b",
                          "--allowed-hosts=http://a", "--allowed-hosts=*"}) {
    CAPTURE(bad);
    REQUIRE(Given({bad}).status.error().message.find("--allowed-hosts: '") == 0);
  }
  for (const char* bad :
       {"--allowed-origins=dash.example", "--allowed-origins=https://",
        "--allowed-origins=https://a/", "--allowed-origins=https://a:0",
        "--allowed-origins=https://a:x", "--allowed-origins=*", "--allowed-origins=null"}) {
    CAPTURE(bad);
    REQUIRE(Given({bad}).status.error().message.find("--allowed-origins: '") == 0);
  }
  std::string many = "--allowed-hosts=a";
  for (std::size_t i = 1; i < kMaxAllowedNames; ++i) many += ",a";
  REQUIRE(Given({many.c_str()}).status.ok());
  many += ",a";
  REQUIRE(Given({many.c_str()}).status.error().message == "--allowed-hosts: names more than 64");
  const std::string name = "--allowed-hosts=" + std::string(kMaxHostName, 'a');
  REQUIRE(Given({name.c_str()}).status.ok());
  REQUIRE_FALSE(Given({(name + "a").c_str()}).status.ok());
}

}  // namespace
}  // namespace bourse::runtime
