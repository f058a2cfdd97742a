// What an HTTP status and its headers mean to the crawler. Pure; any thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/time.hpp"
#include "examples/crawler/work/work.hpp"

namespace bourse::crawler {

// `has_location`: a Location header came along; `has_retry_after`: a Retry-After did.
Outcome outcome_of_status(std::uint32_t status, bool has_location, bool has_retry_after);

// Seconds, or an HTTP date relative to `unix_now_s`; zero when it says nothing usable, at most an
// hour: a site may not put itself to sleep for ever by a slip of the pen.
Duration parse_retry_after(std::string_view value, std::int64_t unix_now_s);

}  // namespace bourse::crawler
