#include "master/record/recording.hpp"

#include <boost/pfr.hpp>

#include "base/fingerprint.hpp"
#include "master/record/bytes.hpp"

namespace bourse::master {

namespace {

std::uint32_t head_check(std::uint32_t length, std::uint8_t kind) {
  Fingerprint fp;
  fp.add(length);
  fp.add(static_cast<std::uint32_t>(kind));
  return static_cast<std::uint32_t>(fp.value() & 0xffffff);
}

std::uint64_t checksum(std::uint8_t kind, std::string_view payload) {
  Fingerprint fp;
  fp.add(static_cast<std::uint32_t>(kind));
  fp.add(payload);
  return fp.value();
}

void put(std::uint64_t value, int bytes, std::string& out) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
}

std::uint64_t take(std::string_view bytes, std::size_t at, int count) {
  std::uint64_t value = 0;
  for (int i = 0; i < count; ++i) {
    value |= static_cast<std::uint64_t>(
                 static_cast<unsigned char>(bytes[at + static_cast<std::size_t>(i)]))
             << (8 * i);
  }
  return value;
}

// Every field of the configuration in its order: a core that is told something else goes another
// way.
struct ConfigWriter {
  ByteWriter& to;
  void operator()(const std::string& field) const { to.text(field); }
  void operator()(std::uint64_t field) const { to.number(field); }
  void operator()(std::int64_t field) const { to.signed_number(field); }
  void operator()(Duration field) const { to.signed_number(field.ns); }
};
struct ConfigReader {
  ByteReader& from;
  void operator()(std::string& field) const { field = from.text(); }
  void operator()(std::uint64_t& field) const { field = from.number(); }
  void operator()(std::int64_t& field) const { field = from.signed_number(); }
  void operator()(Duration& field) const { field.ns = from.signed_number(); }
};

bool is_zero(std::string_view bytes) {
  return bytes.find_first_not_of('\0') == std::string_view::npos;
}

}  // namespace

void append_record(RecordKind kind, std::string_view payload, std::string& out) {
  ASSERT(payload.size() < (std::uint64_t{1} << 32));
  const auto length = static_cast<std::uint32_t>(payload.size());
  const auto number = static_cast<std::uint8_t>(kind);
  put(length, 4, out);
  put(number, 1, out);
  put(head_check(length, number), 3, out);
  put(checksum(number, payload), 8, out);
  out.append(payload);
}

std::string encode_header(const RecordingHeader& header) {
  std::string out;
  ByteWriter to(out);
  to.number(kRecordingFormat);
  to.text(header.build);
  to.number(header.run);
  to.number(header.first);
  to.number(header.image_size);
  to.fixed64(header.image_shape);
  to.fixed64(header.image_fingerprint);
  to.number(boost::pfr::tuple_size_v<MasterConfig>);
  boost::pfr::for_each_field(header.config, ConfigWriter{to});
  return out;
}

Result<RecordingHeader> decode_header(std::string_view payload) {
  ByteReader from(payload);
  RecordingHeader out;
  const std::uint64_t format = from.number();
  out.build = from.text();
  const auto newer = [&](const std::string& what) {
    return Error{ErrorCode::unsupported, "was recorded by version '" + out.build + "' " + what +
                                             ": replay it with that version"};
  };
  if (from.ok() && format != kRecordingFormat) {
    return newer("in form " + std::to_string(format) + ", and this one reads form 1");
  }
  out.run = from.number();
  out.first = from.number();
  out.image_size = from.number();
  out.image_shape = from.fixed64();
  out.image_fingerprint = from.fixed64();
  const std::uint64_t fields = from.number();
  if (from.ok() && fields != boost::pfr::tuple_size_v<MasterConfig>) {
    return newer("of a master with " + std::to_string(fields) + " settings, and this one has " +
                 std::to_string(boost::pfr::tuple_size_v<MasterConfig>));
  }
  boost::pfr::for_each_field(out.config, ConfigReader{from});
  if (!from.done() || out.first == 0) return Error{ErrorCode::corrupt, "its header does not parse"};
  return out;
}

std::string encode_mark(const Mark& mark) {
  std::string out;
  ByteWriter to(out);
  to.number(mark.sequence);
  to.fixed64(mark.fingerprint);
  return out;
}

Result<Mark> decode_mark(std::string_view payload) {
  ByteReader from(payload);
  Mark out;
  out.sequence = from.number();
  out.fingerprint = from.fixed64();
  if (!from.done()) return Error{ErrorCode::corrupt, "a mark that does not parse"};
  return out;
}

std::string encode_ending(const Ending& ending) {
  std::string out;
  ByteWriter to(out);
  to.number(ending.sequence);
  to.text(ending.reason);
  return out;
}

Result<Ending> decode_ending(std::string_view payload) {
  ByteReader from(payload);
  Ending out;
  out.sequence = from.number();
  out.reason = from.text();
  if (!from.done()) return Error{ErrorCode::corrupt, "an ending that does not parse"};
  return out;
}

Result<SegmentReader> SegmentReader::open(std::string_view bytes, std::string name) {
  if (!bytes.starts_with(kRecordingMagic)) {
    // Cut off in its first line, it is still ours.
    if (kRecordingMagic.starts_with(bytes)) return SegmentReader({}, std::move(name));
    return invalid(name + ": is not a recording of a master; those begin with 'bourse-recording'");
  }
  SegmentReader out(bytes, std::move(name));
  out.left_.remove_prefix(kRecordingMagic.size());
  return out;
}

Error SegmentReader::corrupt(const std::string& why) const {
  return {ErrorCode::corrupt,
          name_ + ": is damaged at byte " + std::to_string(size_ - left_.size()) + ": " + why};
}

Result<std::optional<Record>> SegmentReader::next() {
  using Next = std::optional<Record>;
  if (left_.empty()) return Next();
  if (is_zero(left_.substr(0, kRecordHeadBytes)) && is_zero(left_)) {
    cut_off_ = true;
    return Next();
  }
  if (left_.size() < kRecordHeadBytes) {
    cut_off_ = true;
    return Next();
  }
  const auto length = static_cast<std::uint32_t>(take(left_, 0, 4));
  const auto kind = static_cast<std::uint8_t>(left_[4]);
  if (take(left_, 5, 3) != head_check(length, kind)) {
    return corrupt("the head of a record is not as it was written");
  }
  if (length > left_.size() - kRecordHeadBytes) {
    cut_off_ = true;
    return Next();
  }
  const Record out{static_cast<RecordKind>(kind), left_.substr(kRecordHeadBytes, length)};
  if (take(left_, 8, 8) != checksum(kind, out.payload)) {
    return corrupt("the checksum of a record is wrong");
  }
  if (kind < 1 || kind > 5) {
    return Error{ErrorCode::unsupported, name_ + ": has a record of kind " + std::to_string(kind) +
                                             ", which this build does not know"};
  }
  left_.remove_prefix(kRecordHeadBytes + length);
  return Next(out);
}

}  // namespace bourse::master
