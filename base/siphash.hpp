// SipHash-2-4 with a 128-bit key and 128-bit output (Aumasson & Bernstein, "SipHash: a fast
// short-input PRF", 2012; output variant of the authors' reference). For tokens: whoever has seen
// some outputs cannot make another without the key. Pure; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace bourse {

using SecretKey = std::array<std::uint64_t, 2>;

std::array<std::uint64_t, 2> siphash128(const SecretKey& key, std::string_view message);

// 32 lower-case hex digits of siphash128: a bearer token for `name`.
std::string token_for(const SecretKey& key, std::string_view name);

// Compares without an early exit, so that time tells nothing about where two tokens differ.
bool equal_secrets(std::string_view a, std::string_view b);

}  // namespace bourse
