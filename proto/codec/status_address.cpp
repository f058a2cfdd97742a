#include "proto/codec/status_address.hpp"

#include "proto/codec/canonical.hpp"
#include "proto/v1/task.pb.h"

namespace bourse::codec {

namespace {

namespace v1 = mesos::v1;

void write_address(const std::string& ip, v1::TaskStatus& out) {
  v1::NetworkInfo::IPAddress& address =
      *out.mutable_container_status()->add_network_infos()->add_ip_addresses();
  address.set_protocol(ip.find(':') == std::string::npos ? v1::NetworkInfo::IPv4
                                                         : v1::NetworkInfo::IPv6);
  address.set_ip_address(ip);
}

}  // namespace

Blob address_extra(const std::string& ip) {
  v1::TaskStatus message;
  write_address(ip, message);
  return canonical_blob(message);
}

void add_address(const std::string& ip, TaskStatus& status) {
  v1::TaskStatus message;
  if (!status.extra.empty() && !parse_bounded(status.extra.bytes(), message)) return;
  if (message.container_status().network_infos_size() > 0) return;
  write_address(ip, message);
  status.extra = canonical_blob(message);
}

}  // namespace bourse::codec
