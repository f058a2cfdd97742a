#include "proto/codec/registry_export.hpp"

#include <cstdint>
#include <utility>

#include "base/digest.hpp"
#include "model/registry_entry.hpp"
#include "proto/codec/json.hpp"
#include "proto/codec/records.hpp"
#include "proto/codec/text_check.hpp"
#include "proto/internal/registry_export.pb.h"

namespace bourse::codec {

namespace {

constexpr std::string_view kFormat = "bourse-registry";
constexpr std::uint32_t kVersion = 1;
// So that raising it cannot go round.
constexpr Epoch kMaxEpoch = Epoch{1} << 62;

std::string hex(std::uint64_t value) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (int shift = 60; shift >= 0; shift -= 4) out += kDigits[(value >> shift) & 15];
  return out;
}

std::string end_line(std::string_view before) {
  const Digest digest = digest_of(before);
  internal::RegistryExportEnd end;
  end.set_checksum(hex(digest.high) + hex(digest.low));
  return to_json(end) + "\n";
}

std::string at_line(std::size_t number, const std::string& why) {
  return "line " + std::to_string(number) + ": " + why;
}

Error corrupt(std::size_t number, const std::string& why) {
  return {ErrorCode::corrupt, at_line(number, why) + ": take another copy of the export"};
}

// Takes the next line, without its end, from the front.
std::string_view take_line(std::string_view& rest) {
  const std::size_t end = rest.find('\n');
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return line;
}

JsonLimits limits_of(std::string_view line) {
  JsonLimits out;
  out.bytes = line.size();
  return out;
}

Result<internal::RegistryExportHeader> read_header(std::string_view line) {
  internal::RegistryExportHeader header;
  const Status parsed = from_json(line, header, limits_of(line));
  if (!parsed.ok() || header.format() != kFormat) {
    return corrupt(
        1, "does not begin an export of a registry (\"format\":\"" + std::string(kFormat) + "\")");
  }
  if (header.version() > kVersion) {
    return Error{
        ErrorCode::unsupported,
        at_line(1, "'version' is " + std::to_string(header.version()) + ", this build reads " +
                       std::to_string(kVersion) + ": import it with a newer build")};
  }
  return header;
}

// What stands between the header and the checksum, once that is known to fit.
Result<std::string_view> checked_body(std::string_view text) {
  const std::string_view whole = text;
  std::size_t lines = 0;
  for (const char c : whole) lines += c == '\n' ? 1 : 0;
  const bool ends = whole.ends_with('\n');
  if (ends) text.remove_suffix(1);
  const std::size_t last = text.rfind('\n');
  const std::string_view before = whole.substr(0, last == std::string_view::npos ? 0 : last + 1);
  const std::string_view end = whole.substr(before.size());
  if (!ends || !end.starts_with("{\"checksum\":")) {
    return corrupt(lines, "the file is cut off here: its last line is not its checksum");
  }
  if (end != end_line(before)) {
    return corrupt(lines, "the checksum does not match what stands before it");
  }
  std::string_view body = before;
  take_line(body);
  return body;
}

Status apply_line(Registry& registry, std::string_view line, std::size_t number) {
  internal::RegistryExportLine parsed;
  if (const Status ok = from_json(line, parsed, limits_of(line)); !ok.ok()) {
    return corrupt(number, ok.error().message);
  }
  const Result<RegistryCommand> command = decode_registry_command(parsed.record());
  if (!command) return Error{command.error().code, at_line(number, command.error().message)};
  if (const std::string about = key_of(entity_of(*command)); about != parsed.about()) {
    return corrupt(
        number, "says 'about' " + shown(parsed.about()) + ", its record is about " + shown(about));
  }
  if (const Status applied = apply(registry, *command); !applied.ok()) {
    return corrupt(number, applied.error().message);
  }
  return {};
}

std::string counted(std::size_t count, std::string_view noun) {
  return std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

}  // namespace

std::string write_registry_export(const Registry& registry) {
  const std::vector<RegistryCommand> commands = snapshot(registry);
  internal::RegistryExportHeader header;
  header.set_format(std::string(kFormat));
  header.set_version(kVersion);
  header.set_cluster_id(registry.cluster_id);
  header.set_epoch(registry.epoch);
  header.set_commands(commands.size());
  header.set_agents(registry.agents.size());
  header.set_frameworks(registry.frameworks.size());
  header.set_removed_frameworks(registry.removed_frameworks.size());
  header.set_weights(registry.weights_milli.size());
  if (!registry.quotas.empty()) header.set_quotas(registry.quotas.size());
  std::string out = to_json(header) + "\n";
  for (const RegistryCommand& command : commands) {
    internal::RegistryExportLine line;
    line.set_about(key_of(entity_of(command)));
    line.set_record(encode_registry_command(command));
    write_json(line, out);
    out += '\n';
  }
  return out + end_line(out);
}

Result<Registry> read_registry_export(std::string_view text) {
  if (text.empty()) return Error{ErrorCode::corrupt, "is empty: take another copy of the export"};
  std::string_view rest = text;
  const auto header = read_header(take_line(rest));
  if (!header) return header.error();
  const auto body = checked_body(text);
  if (!body) return body.error();
  rest = *body;
  Registry registry;
  std::uint64_t commands = 0;
  while (!rest.empty()) {
    ++commands;
    const Status applied = apply_line(registry, take_line(rest), commands + 1);
    if (!applied.ok()) return applied.error();
  }
  if (commands != header->commands() || registry.agents.size() != header->agents() ||
      registry.frameworks.size() != header->frameworks() ||
      registry.removed_frameworks.size() != header->removed_frameworks() ||
      registry.weights_milli.size() != header->weights() ||
      registry.quotas.size() != header->quotas()) {
    return corrupt(1, "its counts are not those of the lines that follow");
  }
  if (registry.cluster_id.empty() || registry.cluster_id != header->cluster_id() ||
      registry.epoch != header->epoch()) {
    return corrupt(1, "its cluster and epoch are not those of the lines that follow");
  }
  if (registry.epoch > kMaxEpoch) {
    return corrupt(1, "'epoch' is " + std::to_string(registry.epoch) + ", at most " +
                          std::to_string(kMaxEpoch) + " can be raised");
  }
  return registry;
}

std::string describe_counts(const Registry& registry) {
  return counted(registry.agents.size(), "agent") + ", " +
         counted(registry.frameworks.size(), "framework") + ", " +
         counted(registry.removed_frameworks.size(), "removed framework") + ", " +
         counted(registry.weights_milli.size(), "weight") +
         (registry.quotas.empty() ? "" : ", " + counted(registry.quotas.size(), "quota"));
}

}  // namespace bourse::codec
