// The state of a master core as bytes, whole: what a recording's segments begin with, so that they
// can be replayed without what came before them. A restored state goes on exactly as the original
// would have. The form follows the state's types field by field: state_shape() names it, and an
// image is for builds of equal shape only. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "master/core/state.hpp"

namespace bourse::master {

std::string encode_state(const MasterState& state);
// REQUIRES that an encode_state() of this shape wrote it, or refuses: corrupt.
Result<MasterState> decode_state(std::string_view bytes);
std::uint64_t state_shape();

}  // namespace bourse::master
