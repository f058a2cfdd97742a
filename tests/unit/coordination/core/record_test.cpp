// What stands in znodes, as bytes.
#include "coordination/core/record.hpp"

#include <catch2/catch.hpp>

#include "coordination/core/names.hpp"
#include "model/limits.hpp"

using namespace bourse;
using namespace bourse::coordination;

namespace {

ShardRecord sample() {
  return {7, 42, {{"agent/a", "one"}, {"agent/b", std::string("\0two", 4)}, {"weight/x", ""}}};
}

std::string hex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    out += "0123456789abcdef"[static_cast<unsigned char>(c) >> 4];
    out += "0123456789abcdef"[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

}  // namespace

TEST_CASE("records come back from their bytes and equal values give equal bytes") {
  const EpochRecord epoch{"cluster", 9, "me"};
  CHECK(decode_epoch(encode(epoch), "/e").value() == epoch);
  const RegistryRecord registry{512, {"quota", "sets"}};
  CHECK(decode_registry(encode(registry), "/r").value() == registry);
  CHECK(decode_shard(encode(sample()), "/s").value() == sample());
  CHECK(encode(sample()) == encode(decode_shard(encode(sample()), "/s").value()));
  std::size_t bytes = kShardOverheadBytes;
  for (const auto& [key, value] : sample().entries) bytes += entry_bytes(key.size(), value.size());
  CHECK(encode(sample()).size() == bytes);
}

TEST_CASE("a shard's record cut anywhere or with any bit flipped is refused with its path") {
  const std::string bytes = encode(sample());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto decoded = decode_shard(std::string_view(bytes).substr(0, size), "/x/0007");
    REQUIRE_FALSE(decoded.ok());
    CHECK(decoded.error().code == ErrorCode::corrupt);
    CHECK(decoded.error().message.starts_with("/x/0007: "));
  }
  for (std::size_t at = 0; at < bytes.size() * 8; ++at) {
    std::string damaged = bytes;
    damaged[at / 8] = static_cast<char>(damaged[at / 8] ^ (1 << (at % 8)));
    const auto decoded = decode_shard(damaged, "/x/0007");
    REQUIRE_FALSE(decoded.ok());
    CHECK(decoded.error().code == ErrorCode::corrupt);
  }
}

TEST_CASE("epoch and registry description cut anywhere or with a bit flipped are refused") {
  const auto epoch = [](std::string_view bytes) { return decode_epoch(bytes, "/x"); };
  const auto description = [](std::string_view bytes) { return decode_registry(bytes, "/x"); };
  const auto refused = [](const std::string& bytes, const auto& decode) {
    REQUIRE(decode(bytes).ok());
    const auto corrupt = [&](std::string_view damaged) {
      const auto decoded = decode(damaged);
      REQUIRE_FALSE(decoded.ok());
      CHECK(decoded.error().code == ErrorCode::corrupt);
      CHECK(decoded.error().message.starts_with("/x: "));
    };
    for (std::size_t size = 0; size < bytes.size(); ++size) corrupt({bytes.data(), size});
    for (std::size_t at = 0; at < bytes.size() * 8; ++at) {
      std::string damaged = bytes;
      damaged[at / 8] = static_cast<char>(damaged[at / 8] ^ (1 << (at % 8)));
      corrupt(damaged);
    }
    corrupt(bytes + '\0');
  };
  refused(encode(EpochRecord{"cluster", 9, "me"}), epoch);
  refused(encode(RegistryRecord{512, {"quota", "sets"}}), description);
}

TEST_CASE("a record of another kind is not taken for this one") {
  const std::string epoch = encode(EpochRecord{"cluster", 9, "me"});
  CHECK(decode_shard(epoch, "/s").error().code == ErrorCode::corrupt);
  CHECK(decode_registry(epoch, "/r").error().code == ErrorCode::corrupt);
  CHECK(decode_epoch(encode(sample()), "/e").error().code == ErrorCode::corrupt);
  CHECK(decode_registry(encode(RegistryRecord{0, {}}), "/r").error().code == ErrorCode::corrupt);
}

TEST_CASE("the shard of a key and the bytes of a record never change") {
  CHECK(shard_of("", 512) == 449);
  CHECK(shard_of("cluster", 512) == 414);
  CHECK(shard_of("agent/S0", 512) == 305);
  CHECK(shard_of("framework/F0", 512) == 510);
  CHECK(hex(encode(ShardRecord{1, 2, {{"k", "v"}}})) ==
        "b18ba4c4430d508d0103010000000000000002000000000000000100000001000000"  //
        "6b0100000076");
}

TEST_CASE("keys spread evenly over the shards") {
  std::vector<std::size_t> counts(512);
  for (int i = 0; i < 51'200; ++i) ++counts[shard_of("agent/c0ffee-S" + std::to_string(i), 512)];
  for (const std::size_t count : counts) {
    CHECK(count > 50);
    CHECK(count < 160);
  }
}

TEST_CASE("names of shards are four digits") {
  CHECK(shard_path("/b", 7) == "/b.bourse/shards/0007");
  CHECK(shard_number("0007") == 7);
  CHECK(shard_number("4095") == 4095);
  for (const char* name : {"", "7", "00007", "00x7", "-007", "lock"}) {
    CAPTURE(name);
    CHECK_FALSE(shard_number(name).has_value());
  }
}
