// ServiceCommand: each change to what the service scheduler must not forget (its framework id, apps
// with their versions, instances), as a value with a stable number. Recovery is replay of the same
// apply(). The codec encodes a command as a versioned record; never renumber. Values, pure.
//
// Every command but the first names the one app it changes, so that a store may keep apps apart.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "model/service_app.hpp"

namespace bourse {

namespace service {

// Why there is a version.
enum class VersionCause : std::uint8_t { put = 1, scaled = 2, restarted = 3 };

struct AppVersion {
  std::uint64_t version = 0;
  // The version that last changed what a task is (or asked for a restart). Instances of an older
  // task version are replaced.
  std::uint64_t task_version = 0;
  VersionCause cause = VersionCause::put;
  WallTime at;
  AppDefinition definition;

  bool operator==(const AppVersion&) const = default;
};

struct SetFramework {  // 1: registered, or (empty) forgotten
  std::string framework_id;
  std::uint64_t next_incarnation = 0;  // at least this
};
struct PutApp {  // 2: a new app or a new version of one
  AppId app_id;
  std::uint64_t incarnation = 0;
  AppVersion version;
  std::uint64_t next_number = 0;  // at least this
};
struct RemoveApp {  // 3: no more instances; those that run are ended
  AppId app_id;
};
struct ForgetApp {  // 4: the last instance of a removed app has ended
  AppId app_id;
};
struct AddInstance {  // 5: stored before it is launched
  AppId app_id;
  InstanceRecord instance;
};
struct EndInstance {  // 6
  AppId app_id;
  std::uint64_t number = 0;
};

}  // namespace service

// The alternative's index + 1 is its number on disk.
using ServiceCommand = std::variant<service::SetFramework, service::PutApp, service::RemoveApp,
                                    service::ForgetApp, service::AddInstance, service::EndInstance>;

namespace service {

// The durable set itself. Ordered tables, so that a dump is stable.
struct AppRecord {
  std::uint64_t incarnation = 0;
  bool removing = false;
  AppVersion current;
  std::deque<AppVersion> earlier;  // oldest first; bounded
  std::uint64_t next_number = 1;
  std::map<std::uint64_t, InstanceRecord> instances;

  bool operator==(const AppRecord&) const = default;
};

struct Book {
  std::string framework_id;
  std::uint64_t next_incarnation = 1;
  std::map<AppId, AppRecord> apps;

  bool operator==(const Book&) const = default;
};

// Applies one command. An error means the command does not fit this book (a bug or a foreign
// writer); the book is then unchanged.
Status apply(Book& book, const ServiceCommand& command);
// The fewest commands that rebuild this book: what compaction writes.
std::vector<ServiceCommand> snapshot(const Book& book);

}  // namespace service
}  // namespace bourse
