// volume list|create|destroy|grow|shrink: disk that outlives tasks.
#include <cstdio>
#include <optional>

#include "cli/agent_stock.hpp"
#include "cli/commands.hpp"
#include "cli/table.hpp"
#include "proto/codec/json.hpp"
#include "proto/v1/master_response.pb.h"

namespace bourse::cli {

namespace {

using Response = v1::master::Response;

Error no_such(const std::string& sentence) {
  return {ErrorCode::not_found, sentence};
}

// Of what the role has of that disk, unless it is made already.
Result<v1::Resource> disk_for(const AgentStock& place, const std::string& role,
                              const std::string& root) {
  for (const v1::Resource& have : place.total) {
    const auto* reservation = innermost(have);
    if (have.name() != "disk" || reservation == nullptr || is_volume(have)) continue;
    const auto& source = have.disk().source();
    const std::string its = source.has_path() ? source.path().root() : source.mount().root();
    if (reservation->role() == role && its == root) return bare(have);
  }
  return no_such("no disk" + (root.empty() ? std::string() : " at '" + root + "'") +
                 " is reserved for role '" + role +
                 "' there: bourse reserve AGENT disk:... --role");
}

Result<v1::Resource> find_volume(const AgentStock& place, const std::string& id,
                                 const std::string& role) {
  std::optional<v1::Resource> found;
  for (const v1::Resource& have : place.total) {
    if (!is_volume(have) || have.disk().persistence().id() != id) continue;
    const auto* reservation = innermost(have);
    if (!role.empty() && (reservation == nullptr || reservation->role() != role)) continue;
    if (found) return invalid("volume '" + id + "' is there for several roles: say --role");
    found = bare(have);
  }
  if (!found) return no_such("there is no volume '" + id + "' (bourse volume list shows them)");
  return *found;
}

int create_volume(const Arguments& arguments) {
  Invocation invocation("volume create", "Makes a volume of disk that is reserved for a role.");
  std::string role, path = "data", root, principal;
  double size = 0;
  bool read_only = false, shared = false;
  std::vector<std::string> words;
  invocation.flags().add("role", role, "the role whose disk it is made of");
  invocation.flags().add("size", size, "in megabytes");
  invocation.flags().add("path", path, "where a task finds it, in its sandbox");
  invocation.flags().add("root", root, "of a disk of its own; else the agent's work directory");
  invocation.flags().add("principal", principal, "who makes it, if not who asks");
  invocation.flags().add("read-only", read_only, "tasks may only read it");
  invocation.flags().add("shared", shared, "several tasks may have it at once");
  invocation.flags().positional("AGENT ID", words, "the agent, and what the volume is called");
  if (const auto code = invocation.parse(arguments)) return *code;
  if (words.size() != 2 || role.empty() || !(size > 0)) {
    return wrong_usage("volume create: give an agent, an id, --role and --size (in megabytes)");
  }
  Api api(invocation);
  const auto place = find_agent(api, words[0]);
  if (!place.ok()) return failed(place.error());
  auto made = disk_for(place.value(), role, root);
  if (!made.ok()) return failed(made.error());
  v1::Resource& volume = made.value();
  volume.mutable_scalar()->set_value(size);
  auto& disk = *volume.mutable_disk();
  disk.mutable_persistence()->set_id(words[1]);
  if (principal.empty()) principal = invocation.principal();
  if (!principal.empty()) disk.mutable_persistence()->set_principal(principal);
  disk.mutable_volume()->set_container_path(path);
  disk.mutable_volume()->set_mode(read_only ? v1::Volume::RO : v1::Volume::RW);
  if (shared) volume.mutable_shared();
  return change_agent(invocation, api, {"CREATE_VOLUMES", "create_volumes"}, place->id,
                      "\"volumes\":[" + codec::to_json(volume) + "]",
                      "volume " + printable(words[1]) + " is made");
}

enum class Change { destroy, grow, shrink };

int change_volume(const Arguments& arguments, Change change) {
  const bool destroys = change == Change::destroy;
  const std::string verb = destroys ? "destroy" : change == Change::grow ? "grow" : "shrink";
  Invocation invocation("volume " + verb,
                        destroys ? "Ends a volume and removes what is in it."
                        : change == Change::grow
                            ? "Makes a volume larger, of disk that its role has beside it."
                            : "Makes a volume smaller; its role keeps the disk.");
  std::string role;
  double by = 0;
  std::vector<std::string> words;
  invocation.flags().add("role", role, "whose it is, where several roles have one of that id");
  if (!destroys) invocation.flags().add("by", by, "how much, in megabytes");
  invocation.flags().positional("AGENT ID", words, "the agent, and what the volume is called");
  if (const auto code = invocation.parse(arguments)) return *code;
  if (words.size() != 2 || (!destroys && !(by > 0))) {
    return wrong_usage("volume " + verb + ": give an agent and a volume" +
                       (destroys ? "" : ", and --by (in megabytes)"));
  }
  Api api(invocation);
  const auto place = find_agent(api, words[0]);
  if (!place.ok()) return failed(place.error());
  const auto volume = find_volume(place.value(), words[1], role);
  if (!volume.ok()) return failed(volume.error());
  const std::string its = codec::to_json(volume.value());
  const std::string name = "volume " + printable(words[1]);
  if (destroys) {
    return change_agent(invocation, api, {"DESTROY_VOLUMES", "destroy_volumes"}, place->id,
                        "\"volumes\":[" + its + "]", name + " is destroyed");
  }
  if (change == Change::shrink) {
    v1::Value::Scalar amount;
    amount.set_value(by);
    return change_agent(invocation, api, {"SHRINK_VOLUME", "shrink_volume"}, place->id,
                        "\"volume\":" + its + ",\"subtract\":" + codec::to_json(amount),
                        name + " is smaller");
  }
  v1::Resource addition = volume.value();
  addition.mutable_scalar()->set_value(by);
  addition.clear_shared();
  if (addition.disk().has_source()) {
    addition.mutable_disk()->clear_persistence();
    addition.mutable_disk()->clear_volume();
  } else {
    addition.clear_disk();
  }
  return change_agent(invocation, api, {"GROW_VOLUME", "grow_volume"}, place->id,
                      "\"volume\":" + its + ",\"addition\":" + codec::to_json(addition),
                      name + " is larger");
}

int list_volumes(const Arguments& arguments) {
  Invocation invocation("volume list", "Shows the volumes of all agents.");
  if (const auto code = invocation.parse(arguments)) return *code;
  Api api(invocation);
  Response response;
  if (const Status asked = api.call("{\"type\":\"GET_AGENTS\"}", response); !asked.ok()) {
    return failed(asked.error());
  }
  ResourceList all;
  Table table({"ID", "ROLE", ">SIZE", "PATH", "AGENT"});
  for (const auto& agent : response.get_agents().agents()) {
    for (const v1::Resource& have : agent.total_resources()) {
      if (!is_volume(have)) continue;
      *all.Add() = have;
      const auto* reservation = innermost(have);
      table.add({have.disk().persistence().id(),
                 reservation == nullptr ? std::string("*") : reservation->role(),
                 megabytes_text(have.scalar().value()), have.disk().volume().container_path(),
                 agent.agent_info().id().value()});
    }
  }
  if (invocation.json()) {
    std::printf("%s\n", json_of(all).c_str());
  } else {
    std::printf("%s", table.empty() ? "no volumes\n" : table.text().c_str());
  }
  return 0;
}

constexpr char kVolumeUsage[] =
    "usage: bourse volume VERB [FLAGS]\n\n"
    "  list               the volumes of all agents\n"
    "  create AGENT ID    --role=ROLE --size=MB [--path=data] [--root=DIR] [--read-only] "
    "[--shared]\n"
    "  destroy AGENT ID   ends it and removes what is in it\n"
    "  grow AGENT ID      --by=MB\n"
    "  shrink AGENT ID    --by=MB\n"
    "\nEvery verb takes --help, --master=HOST:PORT (or BOURSE_MASTER) and --json.\n";

}  // namespace

int volume_command(const Arguments& arguments) {
  const std::string word = arguments.empty() ? "" : arguments.front();
  const Arguments rest(arguments.empty() ? arguments.begin() : arguments.begin() + 1,
                       arguments.end());
  if (word == "help" || word == "--help" || word == "-h") {
    std::printf("%s", kVolumeUsage);
    return 0;
  }
  if (word == "list") return list_volumes(rest);
  if (word == "create") return create_volume(rest);
  if (word == "destroy") return change_volume(rest, Change::destroy);
  if (word == "grow") return change_volume(rest, Change::grow);
  if (word == "shrink") return change_volume(rest, Change::shrink);
  return wrong_usage("volume: give list, create, destroy, grow or shrink");
}

}  // namespace bourse::cli
