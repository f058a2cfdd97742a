// Which of Mesos' realms a route belongs to. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace bourse::api {

enum class Access : std::uint8_t {
  open,       // nobody is asked
  readonly,   // reads alone
  readwrite,  // may change something, whatever this request does
  scheduler,  // frameworks
};

// `route` as HttpRouter::route_of() has it; null (pages, and what is not there) is open. A route
// that is not known here is `readwrite`: forgotten is not open.
Access master_access(const std::string* route);
// The executor API is open here: it has tokens of its own.
Access agent_access(const std::string* route);
Access gateway_access(const std::string* route);
Access service_access(const std::string* route, std::string_view method);

// "mesos-master-readonly"; `owner` is what stands before the access: "mesos-master".
std::string realm_name(std::string_view owner, Access access);

}  // namespace bourse::api
