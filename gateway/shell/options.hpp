// What bourse-gateway is told at its start.
#pragma once

#include <cstdint>
#include <string>

#include "api/access_guard.hpp"
#include "base/result.hpp"
#include "runtime/address_flags.hpp"

namespace bourse::gateway {

struct GatewayOptions {
  std::string ip = "127.0.0.1";
  std::uint16_t port = 5060;
  std::uint16_t http_port = 5061;
  std::string hostname;  // empty: the ip
  runtime::AllowedNames names;
  api::Authentication authentication;  // who may read its metrics
  std::string master;
  std::string log_level = "info";
  bool insecure = false;
};

// False: help or version was asked for and given.
Result<bool> parse_options(int argc, const char* const* argv, GatewayOptions& options);

}  // namespace bourse::gateway
