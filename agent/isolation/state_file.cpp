#include "agent/isolation/state_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "agent/isolation/kernel_file.hpp"
#include "base/fingerprint.hpp"

namespace bourse::isolation {

namespace {

Error failed(const char* verb, const std::string& name, int error) {
  const bool full = error == ENOSPC || error == EDQUOT;
  return {full ? ErrorCode::full : ErrorCode::io,
          std::string("cannot ") + verb + " state file " + name + ": " + errno_text(error)};
}

int write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

// Writes the content under a name of its own. No O_TRUNC: blocks that were reserved stay ours.
int write_aside(int dir_fd, const std::string& name, std::string_view text, Durability durability) {
  const int fd = ::openat(dir_fd, name.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return errno;
  int error = write_all(fd, text);
  if (error == 0 && ::ftruncate(fd, static_cast<off_t>(text.size())) != 0) error = errno;
  if (error == 0 && durability == Durability::power_loss && ::fsync(fd) != 0) error = errno;
  ::close(fd);
  return error;
}

constexpr std::string_view kEnd = "end";

std::string checksum_of(std::string_view lines) {
  Fingerprint fingerprint;
  fingerprint.add(lines);
  std::string hex(16, '0');
  std::uint64_t left = fingerprint.value();
  for (auto digit = hex.rbegin(); digit != hex.rend(); ++digit, left >>= 4) {
    *digit = "0123456789abcdef"[left & 15];
  }
  return hex;
}

// Of the last line. `lines` is what stands before it.
bool seals(std::string_view last, std::string_view lines) {
  if (last == kEnd) return true;
  last.remove_prefix(kEnd.size() + 1);
  return last == checksum_of(lines);
}

bool is_end(std::string_view line) {
  return line == kEnd || (line.starts_with(kEnd) && line[kEnd.size()] == ' ');
}

std::string value_in(std::string_view escaped) {
  std::string value;
  for (std::size_t i = 0; i < escaped.size(); ++i) {
    if (escaped[i] != '\\' || i + 1 == escaped.size()) {
      value += escaped[i];
    } else {
      value += escaped[++i] == 'n' ? '\n' : escaped[i];
    }
  }
  return value;
}

}  // namespace

std::string encode_state(const StateFields& fields) {
  std::string text;
  for (const auto& [key, value] : fields) {
    text += key;
    text += ' ';
    for (const char c : value) {
      if (c == '\n') {
        text += "\\n";
      } else if (c == '\\') {
        text += "\\\\";
      } else {
        text += c;
      }
    }
    text += '\n';
  }
  const std::string sum = checksum_of(text);
  return text.append(kEnd) + ' ' + sum + '\n';
}

Result<StateFields> decode_state(std::string_view text) {
  StateFields fields;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) break;
    const std::string_view line = rest.substr(0, end);
    if (is_end(line)) {
      if (end + 1 != rest.size()) {
        return Error{ErrorCode::corrupt, "state file goes on after its end"};
      }
      if (!seals(line, text.substr(0, text.size() - rest.size()))) {
        return Error{ErrorCode::corrupt, "state file is not as it was written"};
      }
      return fields;
    }
    rest.remove_prefix(end + 1);
    const std::size_t space = line.find(' ');
    if (space == 0 || space == std::string_view::npos) {
      return Error{ErrorCode::corrupt, "state file has a line without key and value"};
    }
    fields.emplace_back(std::string(line.substr(0, space)), value_in(line.substr(space + 1)));
  }
  return Error{ErrorCode::corrupt, "state file is cut short"};
}

std::string field_of(const StateFields& fields, std::string_view key) {
  for (const auto& [name, value] : fields) {
    if (name == key) return value;
  }
  return "";
}

std::int64_t number_of(const StateFields& fields, std::string_view key) {
  return parse_number(field_of(fields, key)).value_or(0);
}

Status write_state(int dir_fd, const std::string& name, const StateFields& fields,
                   Durability durability) {
  const std::string aside = name + ".tmp";
  if (const int error = write_aside(dir_fd, aside, encode_state(fields), durability); error != 0) {
    return failed("write", name, error);
  }
  if (::renameat(dir_fd, aside.c_str(), dir_fd, name.c_str()) != 0) {
    return failed("rename", name, errno);
  }
  if (durability == Durability::power_loss && ::fsync(dir_fd) != 0) {
    return failed("sync the directory of", name, errno);
  }
  return {};
}

Status claim_state(int dir_fd, const std::string& name, const StateFields& fields) {
  const std::string aside = name + ".claim." + std::to_string(::getpid());
  int error = write_aside(dir_fd, aside, encode_state(fields), Durability::process_crash);
  if (error == 0 && ::linkat(dir_fd, aside.c_str(), dir_fd, name.c_str(), 0) != 0) error = errno;
  ::unlinkat(dir_fd, aside.c_str(), 0);
  if (error == EEXIST) return Error{ErrorCode::conflict, "state file " + name + " exists already"};
  if (error != 0) return failed("claim", name, error);
  return {};
}

void reserve_state(int dir_fd, const std::string& name) {
  const int fd =
      ::openat(dir_fd, (name + ".tmp").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return;
  // Written, not only allocated: an unwritten extent needs a new metadata block to become written.
  // Best effort: without the reservation the write at the end is merely as likely to fail as any.
  static constexpr char kZeros[kReservedBytes] = {};
  [[maybe_unused]] const ssize_t written = ::write(fd, kZeros, sizeof kZeros);
  ::close(fd);
}

Result<StateFields> read_state(int dir_fd, const std::string& name) {
  const auto text = read_file_at(dir_fd, name.c_str());
  if (!text) return Error{ErrorCode::not_found, "no state file " + name};
  Result<StateFields> fields = decode_state(*text);
  if (!fields.ok()) return Error{fields.error().code, name + ": " + fields.error().message};
  return fields;
}

}  // namespace bourse::isolation
