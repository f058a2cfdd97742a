// Small bodies of the operator API. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "master/view/answers.hpp"
#include "proto/codec/encoding.hpp"
#include "proto/codec/scheduler.hpp"
#include "runtime/http_message.hpp"

namespace bourse::master {

std::string health_body(codec::Encoding encoding);
std::string version_body(codec::Encoding encoding);
std::string master_body(const codec::MasterDescription& master, WallTime begun_at,
                        WallTime elected_at, codec::Encoding encoding);
std::string flags_body(const std::vector<std::pair<std::string, std::string>>& flags,
                       codec::Encoding encoding);
std::string logging_level_body(std::uint32_t level, codec::Encoding encoding);
// READ_FILE of a whole document in memory.
std::string file_body(const std::string& document, std::uint64_t offset,
                      std::optional<std::uint64_t> length, codec::Encoding encoding);

}  // namespace bourse::master
