// What the service scheduler keeps running, as values: the definition of an app (what one task of
// it is, how many, and how they are kept) and the record of one instance. Two processes know them:
// the scheduler and, through the codec, its clients. Values, any thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/id.hpp"
#include "base/time.hpp"
#include "model/ids.hpp"

namespace bourse {

using AppId = StringId<struct AppTag>;

namespace service {

struct PlaceRule {
  enum class Kind : std::uint8_t {
    equals = 1,  // the agent's attribute has this value
    unlike,      // it has another one or is absent
    exists,      // it is there
    unique,      // no two instances share its value
    max_per,     // at most `count` instances share it
  };

  std::string attribute;  // "hostname", "region", "zone" or an agent's attribute
  Kind kind = Kind::equals;
  std::string value;
  std::uint32_t count = 1;

  bool operator==(const PlaceRule&) const = default;
};

// How an instance that runs is looked at: by its agent's side, on loopback or in its container.
struct AppCheck {
  enum class Kind : std::uint8_t { command = 1, http, tcp };

  Kind kind = Kind::http;
  std::string shell;             // of a command check: exit status 0 is good
  std::string path = "/";        // of an HTTP check: a status from 200 to 399 is good
  std::uint32_t port_index = 0;  // of the others: which of the instance's ports; or:
  std::uint32_t port = 0;        // this one, wherever it runs
  Duration delay;                // from the start to the first look
  Duration interval = Duration::seconds(10);
  Duration timeout = Duration::seconds(20);
  // Of a health check: failures before it was ever well do not count so long; so many in a row end
  // the instance.
  Duration grace = Duration::seconds(10);
  std::uint32_t failures = 3;

  bool operator==(const AppCheck&) const = default;
};

// What one instance is made of. A change of any of it replaces the instances that run.
struct AppTask {
  std::string shell;  // run by /bin/sh -c; or:
  std::vector<std::string> arguments;
  std::map<std::string, std::string> environment;
  std::string user;
  std::int64_t cpu_milli = 100;
  std::int64_t memory_mb = 64;
  std::int64_t disk_mb = 0;
  std::int64_t gpus = 0;
  std::uint32_t ports = 0;  // how many; their numbers are in PORT0, PORT1, ...
  std::map<std::string, std::string> labels;
  std::vector<PlaceRule> rules;
  Duration kill_grace = Duration::seconds(10);
  std::optional<AppCheck> check;         // tells what it sees
  std::optional<AppCheck> health_check;  // an instance is available while it says so

  bool operator==(const AppTask&) const = default;
};

// How instances are kept. A change holds at once and replaces none.
struct AppPolicy {
  std::uint32_t instances = 1;
  std::uint32_t max_unavailable = 1;  // below `instances` during a rolling change
  std::uint32_t max_surge = 1;        // above `instances` during a rolling change
  // An instance counts as available once it ran this long: a command that exits at once must not
  // pull its predecessors down one by one.
  Duration ready_after = Duration::seconds(5);
  Duration backoff_first = Duration::seconds(1);  // doubles with each failure in a row
  Duration backoff_most = Duration::seconds(60);
  Duration backoff_reset = Duration::seconds(60);  // who ran this long did not fail
  Duration replace_unreachable_after = Duration::seconds(60);

  bool operator==(const AppPolicy&) const = default;
};

struct AppDefinition {
  AppTask task;
  AppPolicy policy;

  bool operator==(const AppDefinition&) const = default;
};

// One instance from its launch to its end, as it is stored.
struct InstanceRecord {
  std::uint64_t number = 0;   // of this app, never given twice
  std::uint64_t version = 0;  // the task version it was launched as
  AgentId agent_id;
  std::string hostname;
  WallTime launched_at;
  // Values of the agent's attributes that `unique` and `max_per` rules of that version name.
  std::vector<std::pair<std::string, std::string>> places;
  std::vector<std::uint32_t> ports;  // the numbers that PORT0, PORT1, ... have
  bool health_checked = false;       // that version has a health check

  bool operator==(const InstanceRecord&) const = default;
};

// The task id of an instance: "<app>.<incarnation>.<version>.<number>". The incarnation numbers the
// lives of one name: an app removed and put again is another.
struct InstanceName {
  AppId app;
  std::uint64_t incarnation = 0;
  std::uint64_t version = 0;
  std::uint64_t number = 0;

  auto operator<=>(const InstanceName&) const = default;
};
std::string to_task_id(const InstanceName& name);
// False: not the name of an instance.
bool parse_task_id(const std::string& text, InstanceName& out);

}  // namespace service
}  // namespace bourse
