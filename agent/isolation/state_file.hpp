// State files: what agent and shim leave in a container's run directory for whoever comes after a
// crash. Text, "key value" per line, last line "end" and a checksum of the lines before it, so that
// a torn or changed file is known as such and an operator can read it. Written whole under another
// name and renamed, or linked when the first writer must win. Any thread; errors name the file.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace bourse::isolation {

using StateFields = std::vector<std::pair<std::string, std::string>>;

std::string encode_state(const StateFields& fields);
// corrupt when a line has no key, the last line is missing or its checksum is another. Builds that
// knew no checksum wrote "end" alone: their containers outlive an upgrade of the agent.
Result<StateFields> decode_state(std::string_view text);
// The first value of the key, "" when absent.
std::string field_of(const StateFields& fields, std::string_view key);
std::int64_t number_of(const StateFields& fields, std::string_view key);

enum class Durability {
  process_crash,  // the page cache is enough
  power_loss,     // fsync file and directory
};

// Replaces the file. `name` may have a reserved <name>.tmp (see reserve_state), which is then used.
Status write_state(int dir_fd, const std::string& name, const StateFields& fields,
                   Durability durability);
// Creates the file with its whole content at once; conflict when it exists.
Status claim_state(int dir_fd, const std::string& name, const StateFields& fields);
// Allocates the blocks of a later write_state, so that a disk that fills up in between cannot
// refuse it. Best effort.
void reserve_state(int dir_fd, const std::string& name);
inline constexpr std::size_t kReservedBytes = 4096;

// not_found when absent.
Result<StateFields> read_state(int dir_fd, const std::string& name);

}  // namespace bourse::isolation
