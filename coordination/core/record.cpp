#include "coordination/core/record.hpp"

#include "base/fingerprint.hpp"

namespace bourse::coordination {

namespace {

constexpr std::uint8_t kVersion = 1;
enum class Kind : std::uint8_t { epoch = 1, registry = 2, shard = 3 };
constexpr std::size_t kChecksumBytes = 8;

std::uint64_t checksum_of(std::string_view body) {
  Fingerprint fp;
  fp.add(body);
  return fp.value();
}

template <typename Number>
void put_number(std::string& out, Number value) {
  for (std::size_t i = 0; i < sizeof(Number); ++i)
    out.push_back(static_cast<char>(value >> (8 * i)));
}

void put_text(std::string& out, std::string_view text) {
  put_number(out, static_cast<std::uint32_t>(text.size()));
  out += text;
}

// Room for the checksum, then version and kind.
std::string begin(Kind kind) {
  std::string out(kChecksumBytes, '\0');
  put_number(out, kVersion);
  put_number(out, static_cast<std::uint8_t>(kind));
  return out;
}

std::string seal(std::string out) {
  std::string sum;
  put_number(sum, checksum_of(std::string_view(out).substr(kChecksumBytes)));
  out.replace(0, kChecksumBytes, sum);
  return out;
}

// Reads forward; the first thing missing makes all that follows fail.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  template <typename Number>
  Number number() {
    if (rest_.size() < sizeof(Number)) {
      good_ = false;
      return 0;
    }
    Number value = 0;
    for (std::size_t i = 0; i < sizeof(Number); ++i) {
      value = static_cast<Number>(
          value | static_cast<Number>(static_cast<Number>(static_cast<unsigned char>(rest_[i]))
                                      << (8 * i)));
    }
    rest_.remove_prefix(sizeof(Number));
    return value;
  }
  std::string text() {
    const auto size = number<std::uint32_t>();
    if (size > rest_.size()) {
      good_ = false;
      return {};
    }
    std::string out(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return out;
  }
  bool good() const { return good_; }
  bool at_end() const { return good_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool good_ = true;
};

Error corrupt(const std::string& path, const std::string& why) {
  return {ErrorCode::corrupt, path + ": " + why + ": restore it from an export of the registry"};
}

Result<Reader> open(std::string_view bytes, Kind kind, const std::string& path) {
  if (bytes.size() < kChecksumBytes + 2) {
    return corrupt(path, "cut off after " + std::to_string(bytes.size()) + " bytes");
  }
  Reader reader(bytes);
  const auto sum = reader.number<std::uint64_t>();
  if (sum != checksum_of(bytes.substr(kChecksumBytes))) {
    return corrupt(path,
                   "its checksum does not match its " + std::to_string(bytes.size()) + " bytes");
  }
  const auto version = reader.number<std::uint8_t>();
  if (version != kVersion) {
    return Error{ErrorCode::unsupported, path + ": has version " + std::to_string(version) +
                                             ", this build reads version " +
                                             std::to_string(kVersion) + ": run a newer build"};
  }
  const auto found = reader.number<std::uint8_t>();
  if (found != static_cast<std::uint8_t>(kind)) {
    return corrupt(path, "holds a record of kind " + std::to_string(found) + ", not " +
                             std::to_string(static_cast<int>(kind)));
  }
  return reader;
}

}  // namespace

std::string encode(const EpochRecord& record) {
  std::string out = begin(Kind::epoch);
  put_text(out, record.cluster_id);
  put_number(out, record.epoch);
  put_text(out, record.taker);
  return seal(std::move(out));
}

std::string encode(const RegistryRecord& record) {
  std::string out = begin(Kind::registry);
  put_number(out, record.shards);
  put_number(out, static_cast<std::uint32_t>(record.features.size()));
  for (const std::string& feature : record.features) put_text(out, feature);
  return seal(std::move(out));
}

std::string encode(const ShardRecord& record) {
  std::string out = begin(Kind::shard);
  put_number(out, record.epoch);
  put_number(out, record.write);
  put_number(out, static_cast<std::uint32_t>(record.entries.size()));
  for (const auto& [key, value] : record.entries) {
    put_text(out, key);
    put_text(out, value);
  }
  return seal(std::move(out));
}

Result<EpochRecord> decode_epoch(std::string_view bytes, const std::string& path) {
  Result<Reader> reader = open(bytes, Kind::epoch, path);
  if (!reader) return reader.error();
  EpochRecord out;
  out.cluster_id = reader->text();
  out.epoch = reader->number<std::uint64_t>();
  out.taker = reader->text();
  if (!reader->at_end()) return corrupt(path, "does not hold an epoch");
  return out;
}

Result<RegistryRecord> decode_registry(std::string_view bytes, const std::string& path) {
  Result<Reader> reader = open(bytes, Kind::registry, path);
  if (!reader) return reader.error();
  RegistryRecord out;
  out.shards = reader->number<std::uint32_t>();
  const auto count = reader->number<std::uint32_t>();
  for (std::uint32_t i = 0; i < count && reader->good(); ++i) {
    out.features.push_back(reader->text());
  }
  if (!reader->at_end() || out.shards == 0) return corrupt(path, "does not describe a registry");
  return out;
}

Result<ShardRecord> decode_shard(std::string_view bytes, const std::string& path) {
  Result<Reader> reader = open(bytes, Kind::shard, path);
  if (!reader) return reader.error();
  ShardRecord out;
  out.epoch = reader->number<std::uint64_t>();
  out.write = reader->number<std::uint64_t>();
  const auto count = reader->number<std::uint32_t>();
  for (std::uint32_t i = 0; i < count && reader->good(); ++i) {
    std::string key = reader->text();
    std::string value = reader->text();
    if (!out.entries.emplace(std::move(key), std::move(value)).second) {
      return corrupt(path, "names one key twice");
    }
  }
  if (!reader->at_end()) return corrupt(path, "does not hold a shard");
  return out;
}

std::uint32_t shard_of(std::string_view key, std::uint32_t shards) {
  // FNV-1a (Fowler, Noll, Vo), folded: short, and frozen with the stored form.
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : key) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  }
  return static_cast<std::uint32_t>((hash ^ (hash >> 32)) % shards);
}

}  // namespace bourse::coordination
