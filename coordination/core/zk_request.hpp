// What a coordinator asks of ZooKeeper and what it gets back, as values: the words of the protocol
// that election and registry need, and no more. A shell performs them with a client library, the
// simulator with a modelled ensemble. A request is answered exactly once. Values; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/id.hpp"

namespace bourse::coordination {

// One request to ZooKeeper, numbered by the coordinator.
using ZkRequestId = NumberId<struct ZkRequestTag>;

namespace zk {

// Stands for any version in a condition.
inline constexpr std::int32_t kAnyVersion = -1;

// Who may read a node. Only its maker may change it, whichever is chosen.
enum class Access : std::uint8_t { ours_alone, readable_by_all };

struct Create {
  std::string path;  // of a sequential node: without the number
  std::string data = {};
  bool ephemeral = false;
  bool sequential = false;
  Access access = Access::ours_alone;
};
struct Get {
  std::string path;
  bool watch = false;
};
struct Exists {
  std::string path;
  bool watch = false;
};
struct Children {
  std::string path;
  bool watch = false;
};
struct Set {
  std::string path;
  std::string data;
  std::int32_t version = kAnyVersion;
};
struct Remove {
  std::string path;
  std::int32_t version = kAnyVersion;
};
// In a multi only: the node is there, with this version.
struct Check {
  std::string path;
  std::int32_t version = kAnyVersion;
};

using Change = std::variant<Create, Set, Remove, Check>;
// All or nothing.
struct Multi {
  std::vector<Change> changes;
};

using Request = std::variant<Create, Get, Exists, Children, Set, Remove, Multi>;

enum class Code : std::uint8_t {
  ok,
  no_node,
  node_exists,
  bad_version,
  no_auth,
  not_empty,
  too_large,
  connection_loss,  // ambiguous: it may have happened, or may happen yet
  expired,          // the session is over; it did not happen
  other,            // refused, with the library's words in data
};
// Short stable name ("bad_version"), for sentences.
const char* name_of(Code code);

struct Stat {
  std::int32_t version = 0;
  std::uint64_t ephemeral_owner = 0;  // a session; 0: not ephemeral
};

struct Reply {
  Code code = Code::ok;
  std::string data = {};                // of Get
  Stat stat = {};                       // of Get and Exists
  std::vector<std::string> names = {};  // of Children
  std::string created = {};             // of Create: the whole path
  std::size_t failed = 0;               // of a refused Multi: which change was refused
};

// About what it takes on the wire: data, paths and a few words each.
std::size_t size_of(const Request& request);

}  // namespace zk

}  // namespace bourse::coordination
