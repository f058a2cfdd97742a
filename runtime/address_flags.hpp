// The flags of daemons that say under which address and which names they are reached, and
// what they come to. Main thread, at start.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace bourse::runtime {

class Flags;

// Each is compared with every request's Host or Origin, and nobody has more names than this.
inline constexpr std::size_t kMaxAllowedNames = 64;
// A host name of DNS, in characters.
inline constexpr std::size_t kMaxHostName = 253;

// All that is told to others is IPv4: a master's MasterInfo has no room for more.
Status check_ipv4(const char* flag, const std::string& ip);

struct AllowedNames {
  std::vector<std::string> hosts;    // a request may name in Host, besides addresses and localhost
  std::vector<std::string> origins;  // of pages that may call, besides our own
};
struct DaemonAddress {
  std::string advertise_ip;  // told to others
  AllowedNames names;
};

class NameFlags {
 public:
  // Declares --allowed-hosts and --allowed-origins.
  explicit NameFlags(Flags& flags);
  NameFlags(const NameFlags&) = delete;
  NameFlags& operator=(const NameFlags&) = delete;

  // After the flags were parsed; the hostname is one of the names.
  Status take(const std::string& hostname, AllowedNames& out) const;

 private:
  std::string hosts_;
  std::string origins_;
};

class AddressFlags {
 public:
  // Declares --advertise-ip and the names.
  explicit AddressFlags(Flags& flags);
  AddressFlags(const AddressFlags&) = delete;
  AddressFlags& operator=(const AddressFlags&) = delete;

  // After the flags were parsed; `ip` and `hostname` are those of --ip and --hostname. Without a
  // hostname it is the address that others are told.
  Status take(const std::string& ip, std::string& hostname, DaemonAddress& out) const;

 private:
  std::string advertise_ip_;
  NameFlags names_;
};

}  // namespace bourse::runtime
