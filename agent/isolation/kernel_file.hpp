// Small files that are a conversation with the kernel (cgroup and proc files) or with a later
// incarnation of ourselves. No allocation surprises, no streams: the shim links this.
// Errors are errno values (0 = done) where the caller composes the sentence. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bourse::isolation {

// One write(2) to an existing file. Returns errno or 0.
int write_value(const std::string& path, std::string_view value);
int write_value_at(int dir_fd, const char* name, std::string_view value);

// The whole file, up to 1 MiB (mountinfo of a busy host is the largest); nothing when it cannot be
// read.
std::optional<std::string> read_file(const std::string& path);
std::optional<std::string> read_file_at(int dir_fd, const char* name);

// A decimal number filling the whole text except trailing white space.
std::optional<std::int64_t> parse_number(std::string_view text);

// The number after `key` in lines of "key number" (memory.events, cpu.stat, oom_control).
std::optional<std::int64_t> find_keyed_number(std::string_view text, std::string_view key);

// strerror without its static buffer: "No space left on device".
std::string errno_text(int error);

}  // namespace bourse::isolation
