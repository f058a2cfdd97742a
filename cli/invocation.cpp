#include "cli/invocation.hpp"

#include <cstdio>

#include "api/authentication_flags.hpp"
#include "cli/table.hpp"
#include "runtime/http_basic.hpp"

namespace bourse::cli {

Invocation::Invocation(const std::string& command, const std::string& description, Peer peer)
    : peer_(peer), program_("bourse " + command), flags_(program_, description) {
  flags_.read_environment_only_for({"master", "service", "credential"});
  if (peer == Peer::master) {
    flags_.add("master", master_,
               "addresses of masters' HTTP APIs, HOST:PORT[,...], or zk://... of their ensemble");
  } else {
    flags_.add("service", service_,
               "addresses of service schedulers' HTTP APIs, HOST:PORT[,...]: any may lead");
  }
  flags_.add("credential", credential_,
             "file of the principal and secret to ask with: {\"principal\":\"..\",\"secret\":"
             "\"..\"}");
  flags_.add("json", json_, "print the API's JSON instead of a table");
}

std::optional<int> Invocation::parse(const Arguments& arguments) {
  std::vector<const char*> argv{program_.c_str()};
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  const auto parsed = flags_.parse(static_cast<int>(argv.size()), argv.data());
  if (!parsed.ok()) {
    std::fprintf(stderr, "%s: %s\n", program_.c_str(), parsed.error().message.c_str());
    return 2;
  }
  if (parsed.value()) {
    const Status read = read_credential();
    if (read.ok()) return std::nullopt;
    std::fprintf(stderr, "%s: --credential: %s\n", program_.c_str(), read.error().message.c_str());
    return 2;
  }
  std::fputs(flags_.output().c_str(), stdout);
  return 0;
}

Status Invocation::read_credential() {
  if (credential_.empty()) return {};
  const auto credential = api::credential_in(credential_);
  if (!credential.ok()) return credential.error();
  principal_ = credential->principal;
  authorization_ = runtime::basic_authorization(credential->principal, credential->secret);
  return {};
}

int failed(const Error& error) {
  std::fprintf(stderr, "bourse: %s\n", printable(error.message).c_str());
  return 1;
}

}  // namespace bourse::cli
