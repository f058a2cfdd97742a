// Random bytes from the kernel (getrandom), for ids, tokens and seeds. Never fails once the kernel
// has booted; a kernel without getrandom is not supported. Any thread. Cores get their ids and
// seeds on events instead.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace bourse::runtime {

void fill_random(std::span<std::byte> out);
std::uint64_t random_u64();
// `count` random bytes as 2*count lowercase hex digits: a token.
std::string random_hex(std::size_t count);

using UuidBytes = std::array<std::uint8_t, 16>;
// RFC 4122 version 4.
UuidBytes random_uuid();
// "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx"
std::string uuid_text(const UuidBytes& uuid);
std::string random_uuid_text();

}  // namespace bourse::runtime
