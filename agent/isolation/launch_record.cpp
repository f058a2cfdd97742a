#include "agent/isolation/launch_record.hpp"

#include <cstring>

namespace bourse::isolation {

namespace {

constexpr std::int64_t kRecordVersion = 4;

// One walk over the fields serves both directions, so they cannot disagree.
class Writer {
 public:
  void number(std::int64_t value) {
    char bytes[8];
    std::memcpy(bytes, &value, 8);
    out_.append(bytes, 8);
  }
  void text(const std::string& value) {
    number(static_cast<std::int64_t>(value.size()));
    out_ += value;
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

class Reader {
 public:
  explicit Reader(std::string_view in) : in_(in) {}

  std::int64_t number() {
    std::int64_t value = 0;
    if (in_.size() < 8) {
      good_ = false;
      return 0;
    }
    std::memcpy(&value, in_.data(), 8);
    in_.remove_prefix(8);
    return value;
  }
  std::string text() {
    const std::size_t size = count(1);
    std::string value(in_.substr(0, size));
    in_.remove_prefix(size);
    return value;
  }
  // A number of items that each take at least `bytes`: bounded by what is really there.
  std::size_t count(std::size_t bytes) {
    const std::int64_t items = number();
    if (items < 0 || static_cast<std::size_t>(items) > in_.size() / bytes) {
      good_ = false;
      return 0;
    }
    return static_cast<std::size_t>(items);
  }
  bool good() const { return good_; }
  bool at_end() const { return in_.empty(); }

 private:
  std::string_view in_;
  bool good_ = true;
};

void write_texts(Writer& out, const std::vector<std::string>& texts) {
  out.number(static_cast<std::int64_t>(texts.size()));
  for (const std::string& text : texts) out.text(text);
}

std::vector<std::string> read_texts(Reader& in) {
  std::vector<std::string> texts(in.count(8));
  for (std::string& text : texts) text = in.text();
  return texts;
}

void write_check(Writer& out, const CheckSpec& check) {
  out.number(static_cast<std::int64_t>(check.kind));
  write_texts(out, check.argv);
  write_texts(out, check.env);
  out.number(check.port);
  out.number(check.ipv6 ? 1 : 0);
  out.text(check.path);
  out.number(check.delay_ms);
  out.number(check.interval_ms);
  out.number(check.timeout_ms);
  out.number(check.grace_ms);
  out.number(check.failures_most);
}

CheckSpec read_check(Reader& in) {
  CheckSpec check;
  check.kind = static_cast<CheckSpec::Kind>(in.number());
  check.argv = read_texts(in);
  check.env = read_texts(in);
  check.port = static_cast<std::uint16_t>(in.number());
  check.ipv6 = in.number() != 0;
  check.path = in.text();
  check.delay_ms = in.number();
  check.interval_ms = in.number();
  check.timeout_ms = in.number();
  check.grace_ms = in.number();
  check.failures_most = static_cast<std::uint32_t>(in.number());
  return check;
}

}  // namespace

std::string encode_launch_record(const LaunchRecord& record) {
  Writer out;
  out.number(kRecordVersion);
  out.text(record.container_id);
  out.text(record.token);
  out.text(record.run_dir);
  out.text(record.socket_dir);
  out.text(record.sandbox_dir);
  write_texts(out, record.argv);
  write_texts(out, record.env);
  out.number(record.switch_user ? 1 : 0);
  out.number(record.uid);
  out.number(record.gid);
  out.number(static_cast<std::int64_t>(record.groups.size()));
  for (const std::uint32_t group : record.groups) out.number(group);
  out.number(record.namespaces);
  out.number(static_cast<std::int64_t>(record.cgroup_dirs.size()));
  for (const CgroupParent& dir : record.cgroup_dirs) {
    out.number(dir.v2 ? 1 : 0);
    out.number(dir.controllers);
    out.text(dir.dir);
  }
  out.number(record.limits.cpu_milli);
  out.number(record.limits.cpu_quota ? 1 : 0);
  out.number(record.limits.memory_bytes);
  out.number(record.limits.pids);
  out.number(record.limits.cpu_shares);
  out.number(record.max_fds);
  out.number(record.data_bytes);
  out.number(record.output_cap_bytes);
  out.number(record.term_grace_ms);
  out.number(record.destroy_limit_ms);
  out.number(static_cast<std::int64_t>(record.mounts.size()));
  for (const BindMount& mount : record.mounts) {
    out.text(mount.source);
    out.text(mount.target);
    out.number(mount.read_only ? 1 : 0);
  }
  write_check(out, record.health);
  write_check(out, record.check);
  out.number(record.kill_grace_ms);
  return out.take();
}

Result<LaunchRecord> decode_launch_record(std::string_view bytes) {
  Reader in(bytes);
  if (in.number() != kRecordVersion) {
    return Error{ErrorCode::corrupt, "launch record is of another version than this shim"};
  }
  LaunchRecord record;
  record.container_id = in.text();
  record.token = in.text();
  record.run_dir = in.text();
  record.socket_dir = in.text();
  record.sandbox_dir = in.text();
  record.argv = read_texts(in);
  record.env = read_texts(in);
  record.switch_user = in.number() != 0;
  record.uid = static_cast<std::uint32_t>(in.number());
  record.gid = static_cast<std::uint32_t>(in.number());
  record.groups.resize(in.count(8));
  for (std::uint32_t& group : record.groups) group = static_cast<std::uint32_t>(in.number());
  record.namespaces = static_cast<Namespaces>(in.number());
  record.cgroup_dirs.resize(in.count(24));
  for (CgroupParent& dir : record.cgroup_dirs) {
    dir.v2 = in.number() != 0;
    dir.controllers = static_cast<Controllers>(in.number());
    dir.dir = in.text();
  }
  record.limits.cpu_milli = in.number();
  record.limits.cpu_quota = in.number() != 0;
  record.limits.memory_bytes = in.number();
  record.limits.pids = in.number();
  record.limits.cpu_shares = in.number();
  record.max_fds = in.number();
  record.data_bytes = in.number();
  record.output_cap_bytes = in.number();
  record.term_grace_ms = in.number();
  record.destroy_limit_ms = in.number();
  record.mounts.resize(in.count(24));
  for (BindMount& mount : record.mounts) {
    mount.source = in.text();
    mount.target = in.text();
    mount.read_only = in.number() != 0;
  }
  record.health = read_check(in);
  record.check = read_check(in);
  record.kill_grace_ms = in.number();
  if (!in.good() || !in.at_end() || record.argv.empty() || record.token.empty()) {
    return Error{ErrorCode::corrupt, "launch record is cut short or has more than its fields"};
  }
  return record;
}

}  // namespace bourse::isolation
