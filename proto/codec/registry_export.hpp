// Registry export: a master's registry as a text file, to move it between stores and to keep a
// copy. Lines of JSON: a header (format, version, cluster id, epoch, counts), one line per command
// with its record in base64 and what it is about in words, and a checksum over all of it. Equal
// registries give equal bytes. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "model/registry_command.hpp"

namespace bourse::codec {

// An import raises the epoch by so much. Agents refuse an epoch below the one they saw, and an
// export may be old: the cluster may have changed its leader since. It has not done so a million
// times.
inline constexpr Epoch kImportEpochRaise = 1'000'000;

std::string write_registry_export(const Registry& registry);
// Everything or an error that names the line: corrupt, or unsupported for what a newer build wrote.
Result<Registry> read_registry_export(std::string_view text);

// "12 agents, 1 framework, 0 removed frameworks, 2 weights": what a registry holds, for people.
std::string describe_counts(const Registry& registry);

}  // namespace bourse::codec
